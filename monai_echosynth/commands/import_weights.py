"""``echosynth import-weights`` brings in networks that were trained with monai-generative."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["NETWORKS", "add", "run"]

NETWORKS = ("unet", "spade_unet", "autoencoder", "spade_autoencoder")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "import-weights", run, "convert a checkpoint of monai-generative, outputs unchanged"
    )
    command.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="state dict saved with monai-generative")
    add_option(command, "--network", choices=NETWORKS, required=True, help="which of its networks it is")
    arguments = "JSON file with the arguments that the network was built with"
    add_option(command, "--arguments", type=Path, required=True, metavar="FILE", help=arguments)
    out = ".safetensors file to write; a config that rebuilds the network goes beside it"
    add_option(command, "--out", type=Path, required=True, metavar="FILE", help=out)
    add_option(command, "--key", metavar="NAME", help="state dict to take where the checkpoint holds several")
    return command


def run(args: argparse.Namespace) -> int:
    """Converts a checkpoint; returns the exit code."""
    from monai_echosynth.workflows.import_weights import import_weights

    made = import_weights(args.checkpoint, args.out, args.network, args.arguments, args.key)
    print(f"{made['parameters']:,} parameters of {made['network']} in {args.out}, its config in {made['config']}")
    return 0
