"""``echosynth demo-label`` shows MONAI Label at work with the segmenter, and checks every answer."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "demo-label", run, "serve the segmenter with MONAI Label, annotate, train, and check every answer"
    )
    add_option(command, "--out", type=Path, default=Path("runs/label"), metavar="DIR", help="folder to write")
    segmenter = "trained echo_segmentation bundle; one is trained when left out"
    generator = "trained echo_generative_diffusion bundle; nothing synthetic is added when left out"
    add_option(command, "--bundle", type=Path, metavar="DIR", help=segmenter)
    add_option(command, "--generator", type=Path, metavar="DIR", help=generator)
    add_option(command, "--data", type=Path, metavar="DIR", help="CAMUS, some frames of which are segmented as well")
    add_option(command, "--epochs", type=int, default=2, metavar="N", help="epochs of each training")
    add_option(command, "--synthetic", type=int, default=4, metavar="N", help="synthetic frames that a training adds")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the demonstration; returns the exit code."""
    from monai_echosynth.integrations.label.demo import run_label_demo

    checks = run_label_demo(args.out, args.bundle, args.generator, args.data, args.epochs, args.synthetic)
    done = len(checks.found) - len(checks.failed)
    print(
        f"{done} of {len(checks.found)} checks passed in {checks.numbers['seconds']:.0f} s: {args.out / 'summary.json'}"
    )
    return 1 if checks.failed else 0
