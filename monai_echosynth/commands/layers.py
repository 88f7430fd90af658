"""``echosynth layers`` prints what an adapter trains, by layer group and rank."""

from __future__ import annotations

import argparse

from monai_echosynth.commands.options import PRESETS, Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "layers", run, "print how many parameters an adapter trains, by layer group and rank"
    )
    add_option(command, "--preset", choices=PRESETS, default="cpu", help="preset of the generator")
    add_option(
        command, "--ranks", type=int, nargs="+", default=[1, 2, 4, 8, 16], metavar="R", help="ranks to count for"
    )
    return command


def run(args: argparse.Namespace) -> int:
    """Prints the table; returns the exit code."""
    import torch

    from monai_echosynth.adaptation import render_table, trainable_table
    from monai_echosynth.networks.nets.presets import spade_unet
    from monai_echosynth.workflows.training_settings import PRESETS as SETTINGS
    from monai_echosynth.workflows.training_settings import Preset

    with torch.device("meta"):
        network = spade_unet(SETTINGS[Preset(args.preset)].diffusion.size)
    print(render_table(trainable_table(network, args.ranks)))
    return 0
