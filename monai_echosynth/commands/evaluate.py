"""``echosynth evaluate`` scores a segmenter or a classifier of the view."""

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
    command = add_command(
        commands,
        "evaluate",
        run,
        "score a segmenter (in mm on the original grid) or a view classifier on test patients",
    )
    add_option(
        command,
        "--bundle",
        type=Path,
        required=True,
        metavar="DIR",
        help="trained bundle, echo_segmentation or echo_view_classification",
    )
    add_option(command, "--data", type=Path, required=True, metavar="DIR", help="prepared data")
    add_option(
        command, "--out", type=Path, required=True, metavar="DIR", help="folder for summary.json and predictions"
    )
    add_option(command, "--section", choices=SECTIONS, default="test", help="frames to score")
    add_option(command, "--draws", type=int, default=1000, metavar="N", help="bootstrap draws over patients")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of the bootstrap")
    return command


def run(args: argparse.Namespace) -> int:
    """Scores a segmenter or a classifier, whichever the bundle holds; returns the exit code."""
    from monai_echosynth.workflows.evaluate import evaluate_segmenter
    from monai_echosynth.workflows.view_scores import evaluate_view_classifier, is_view_classifier

    views = is_view_classifier(args.bundle)
    evaluate = evaluate_view_classifier if views else evaluate_segmenter
    scores = evaluate(args.bundle, args.data, args.out, section=args.section, draws=args.draws, seed=args.seed)
    rows = {"accuracy": scores["accuracy"], **_areas(scores["auroc"])} if views else scores["dice"]
    print_scores(scores, rows, "accuracy and AUROC" if views else "Dice")
    return 0


def print_scores(scores: Mapping[str, Any], rows: Mapping[str, Any] | None = None, measures: str = "Dice") -> None:
    """Prints the measures in ``rows``, the Dice of structures if left out, with their intervals."""
    print(f"{scores['frames']} frames of {scores['patients']} patients; {measures} with 95 % interval over patients")
    for name, score in (scores["dice"] if rows is None else rows).items():
        if score is None or score["mean"] is None:
            print(f"{name:<8} not there")
            continue
        low, high = score["ci95"]
        print(f"{name:<8} {score['mean']:.3f}  [{low:.3f}, {high:.3f}]")


def _areas(areas: dict[str, Any]) -> dict[str, Any]:
    """One row for two views, one a view for more."""
    return {"AUROC" if len(areas) == 1 else f"AUROC {name}": area for name, area in areas.items()}
