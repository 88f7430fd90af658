"""``echosynth adapt`` trains a low-rank adapter that carries a frozen generator to other frames."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["GROUPS", "add", "run"]

GROUPS = ("linear", "self_attention", "cross_attention", "convolution", "spade")
METHODS = ("lora", "full", "scratch", "none")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "adapt", run, "carry a trained generator to other frames with a low-rank adapter")
    base = "trained echo_generative_diffusion bundle, left as it is"
    add_option(command, "--base", type=Path, required=True, metavar="DIR", help=base)
    add_option(command, "--data", type=Path, required=True, metavar="DIR", help="prepared data of the new frames")
    add_option(
        command, "--rules", type=Path, metavar="FILE", help="label rules of echosynth remap; proposed if left out"
    )
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="bundle folder to write")
    add_option(command, "--groups", nargs="+", choices=GROUPS, default=["spade"], help="layers that are adapted")
    add_option(command, "--rank", type=int, metavar="R", help="inner dimension; for 135,000 parameters when left out")
    add_option(
        command,
        "--method",
        choices=METHODS,
        default="lora",
        help="adapter; or every weight, or nothing, for comparison",
    )
    add_option(command, "--epochs", type=int, default=40, metavar="N", help="epochs of 800 frames")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of the adapter, batches and noise")
    return command


def run(args: argparse.Namespace) -> int:
    """Trains an adapter; returns the exit code."""
    from monai_echosynth.workflows.adapt import adapt
    from monai_echosynth.workflows.adaptation_settings import AdaptationSettings

    choices = {"epochs": args.epochs, "seed": args.seed, "method": args.method}
    settings = AdaptationSettings(tuple(args.groups), args.rank, **choices)
    made = adapt(args.base, args.data, args.out, args.rules, settings)
    print(f"{made['params']} parameters trained on {made['frames']} frames, file of {made['bytes'] / 1024:.0f} KiB")
    print(f"bundle in {args.out}; images: echosynth generate --bundle {args.out} --masks {args.data} --out DIR")
    return 0
