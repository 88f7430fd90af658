"""``echosynth evaluate`` scores a segmenter."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["SECTIONS", "add", "print_scores", "run"]

SECTIONS = ("training", "validation", "test")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "evaluate", run, "score a segmenter on test patients, in mm on the original grid")
    add_option(command, "--bundle", type=Path, required=True, metavar="DIR", help="trained echo_segmentation bundle")
    add_option(command, "--data", type=Path, required=True, metavar="DIR", help="prepared data")
    add_option(
        command, "--out", type=Path, required=True, metavar="DIR", help="folder for summary.json and predictions"
    )
    add_option(command, "--section", choices=SECTIONS, default="test", help="frames to score")
    add_option(command, "--draws", type=int, default=1000, metavar="N", help="bootstrap draws over patients")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of the bootstrap")
    return command


def run(args: argparse.Namespace) -> int:
    """Scores a segmenter; returns the exit code."""
    from monai_echosynth.workflows.evaluate import evaluate_segmenter

    scores = evaluate_segmenter(
        args.bundle, args.data, args.out, section=args.section, draws=args.draws, seed=args.seed
    )
    print_scores(scores)
    return 0


def print_scores(scores: Mapping[str, Any]) -> None:
    """Prints the Dice of every structure with its interval."""
    print(f"{scores['frames']} frames of {scores['patients']} patients; Dice with 95 % interval over patients")
    for structure, score in scores["dice"].items():
        if score["mean"] is None:
            print(f"{structure:<8} not there")
            continue
        low, high = score["ci95"]
        print(f"{structure:<8} {score['mean']:.3f}  [{low:.3f}, {high:.3f}]")
