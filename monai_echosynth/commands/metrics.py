"""``echosynth metrics`` measures a synthetic set in the metrics that are published."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.evaluate import SECTIONS
from monai_echosynth.commands.gap import NO_SECTION
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["EXTRACTORS", "add", "run"]

EXTRACTORS = ("domain", "inception", "radimagenet", "dinov2", "clip", "torchscript")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "metrics", run, "measure FID, KID, CMMD, coverage, similarity, diversity and mask adherence of a set"
    )
    add_option(command, "real", type=Path, metavar="REAL", help="prepared data")
    add_option(command, "synthetic", type=Path, metavar="SYNTHETIC", help="synthetic set or other prepared data")
    add_option(command, "--out", type=Path, default=Path("runs/metrics"), metavar="DIR", help="folder of metrics.json")
    add_option(
        command,
        "--extractor",
        default="domain",
        metavar="KIND[:PATH]",
        help=f"feature network: {', '.join(EXTRACTORS)}; all but domain need a local path, nothing is downloaded",
    )
    add_option(
        command,
        "--segmenter",
        type=Path,
        metavar="BUNDLE",
        help="trained echo_segmentation bundle of real frames, for domain and mask adherence; domain trains one otherwise",
    )
    add_option(command, "--section", choices=SECTIONS, default="test", help="real frames to compare with")
    add_option(
        command,
        "--real-train-section",
        choices=(*SECTIONS, NO_SECTION),
        default="training",
        help="real frames that are compared with them, for reference",
    )
    add_option(command, "--clip", type=Path, metavar="DIR", help="folder of a CLIP model for the CLIP score")
    add_option(
        command, "--prompt", metavar="TEXT", help="sentence of the CLIP score; view and phase of each frame otherwise"
    )
    add_option(command, "--lpips", type=Path, metavar="FILE", help="torchvision's weights of AlexNet for LPIPS")
    add_option(
        command, "--frames", type=int, default=5000, metavar="N", help="frames of a set that are measured, at most"
    )
    add_option(
        command, "--pairs", type=int, default=200, metavar="N", help="pairs of a kind that are measured, at most"
    )
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of draws and trainings")
    return command


def run(args: argparse.Namespace) -> int:
    """Measures, writes and prints; returns the exit code."""
    from monai_echosynth.workflows.metrics_study import MetricsSettings, run_metrics
    from monai_echosynth.workflows.metrics_table import metrics_text

    settings = MetricsSettings(
        extractor=args.extractor,
        section=args.section,
        floor_section=None if args.real_train_section in (NO_SECTION, args.section) else args.real_train_section,
        segmenter=args.segmenter,
        clip=args.clip,
        prompt=args.prompt,
        lpips=args.lpips,
        frames=args.frames,
        pairs=args.pairs,
        seed=args.seed,
    )
    print(metrics_text(run_metrics(args.real, args.synthetic, args.out, settings)))
    print(f"numbers in {args.out}")
    return 0
