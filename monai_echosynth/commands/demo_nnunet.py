"""``echosynth demo-nnunet`` trains nnU-Net and the bundle's segmenter on the same frames."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.evaluate import print_scores
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "demo-nnunet", run, "train nnU-Net and the bundle's segmenter for equally many steps (needs nnunetv2)"
    )
    add_option(command, "--data", type=Path, metavar="DIR", help="prepared data; the embedded phantom when left out")
    add_option(command, "--out", type=Path, default=Path("runs/nnunet"), metavar="DIR", help="folder to write")
    add_option(command, "--epochs", type=int, default=12, metavar="N", help="epochs of nnU-Net")
    add_option(command, "--iterations", type=int, default=50, metavar="N", help="steps an epoch")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def run(args: argparse.Namespace) -> int:
    """Trains both; returns the exit code."""
    from monai_echosynth.integrations.nnunet import NnUNetBudget
    from monai_echosynth.workflows.nnunet.study import run_nnunet_demo

    found = run_nnunet_demo(args.out, args.data, NnUNetBudget(args.epochs, args.iterations, seed=args.seed))
    for name, scores in found.items():
        print(f"\n{name}, {scores['training']['seconds']:.0f} s")
        print_scores(scores)
    return 0
