"""``echosynth gap`` measures how far synthetic frames are from real ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.evaluate import SECTIONS
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["NO_SECTION", "add", "run"]

NO_SECTION = "none"


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "gap", run, "measure how far synthetic frames are from real ones, in seven numbers")
    add_option(command, "real", type=Path, metavar="REAL", help="prepared data")
    add_option(command, "synthetic", type=Path, metavar="SYNTHETIC", help="synthetic set or other prepared data")
    add_option(
        command, "--out", type=Path, default=Path("runs/gap"), metavar="DIR", help="folder of gap.json, gap.html"
    )
    add_option(command, "--section", choices=SECTIONS, default="test", help="real frames to compare with")
    add_option(
        command,
        "--real-train-section",
        choices=(*SECTIONS, NO_SECTION),
        default="training",
        help="real frames whose gap to them is shown beside it",
    )
    add_option(
        command,
        "--segmenter",
        type=Path,
        metavar="BUNDLE",
        help="trained echo_segmentation bundle; else one is trained",
    )
    add_option(
        command, "--frames", type=int, default=200, metavar="N", help="frames of a set that are measured, at most"
    )
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of draws and trainings")
    return command


def run(args: argparse.Namespace) -> int:
    """Measures, writes and prints; returns the exit code."""
    from monai_echosynth.workflows.gap_study import run_gap
    from monai_echosynth.workflows.gap_table import gap_text

    floor = None if args.real_train_section in (NO_SECTION, args.section) else args.real_train_section
    found = run_gap(
        args.real,
        args.synthetic,
        args.out,
        section=args.section,
        floor_section=floor,
        segmenter=args.segmenter,
        frames=args.frames,
        seed=args.seed,
    )
    print(gap_text(found))
    print(f"page and numbers in {args.out}")
    return 0
