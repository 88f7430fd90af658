"""``echosynth align`` makes synthetic frames look like real ones: trains an aligner where there is none yet, then applies it."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "align", run, "make synthetic frames look like real ones, anatomy and labels kept")
    synthetic = "synthetic set to align: output of echosynth generate, or prepared data"
    add_option(command, "--synthetic", type=Path, required=True, metavar="DIR", help=synthetic)
    add_option(command, "--bundle", type=Path, metavar="DIR", help="trained aligner; one is trained when left out")
    add_option(
        command, "--real", type=Path, metavar="DIR", help="prepared real frames to train with; labels are not needed"
    )
    segmenter = "echo_segmentation bundle trained on real frames, which watches the anatomy in training"
    add_option(command, "--segmenter", type=Path, metavar="DIR", help=segmenter)
    out = "folder to write: aligned/ and, where one is trained, bundle/"
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help=out)
    add_option(command, "--epochs", type=int, metavar="N", help="training: epochs of 400 frames, 12 when left out")
    exemplars = "training: real frames that each is aligned to, 1 when left out"
    add_option(command, "--exemplars", type=int, metavar="N", help=exemplars)
    candidates = "training: real frames drawn for each, of which the nearest in style are taken, 8 when left out"
    add_option(command, "--candidates", type=int, metavar="N", help=candidates)
    strength = "part of the way to its aligned form that a frame goes, drawn between these for each; 1 1 is all the way"
    add_option(command, "--strength", type=float, nargs=2, default=[0.0, 1.0], metavar=("LOW", "HIGH"), help=strength)
    add_option(
        command, "--seed", type=int, default=0, metavar="S", help="frame k depends on (S, k) and its source alone"
    )
    return command


def run(args: argparse.Namespace) -> int:
    """Trains where needed, aligns; returns the exit code."""
    from monai_echosynth.errors import EchoSynthError
    from monai_echosynth.inferers.alignment import check_strength
    from monai_echosynth.workflows.align import align, train_aligner
    from monai_echosynth.workflows.alignment_settings import AlignmentSettings

    check_strength(args.strength)
    bundle = args.bundle
    shape = {
        name: getattr(args, name) for name in ("epochs", "exemplars", "candidates") if getattr(args, name) is not None
    }
    idle = [*shape, *(name for name in ("real", "segmenter") if getattr(args, name) is not None)]
    if bundle is not None and idle:
        raise EchoSynthError(
            f"--{idle[0]} is for training an aligner, got --bundle with one that is trained: leave it out"
        )
    if bundle is None:
        if args.real is None or args.segmenter is None:
            raise EchoSynthError(
                "an aligner is needed, or what it is trained with, got neither: add --bundle, or --real and --segmenter"
            )
        bundle = args.out / "bundle"
        settings = AlignmentSettings(**shape, seed=args.seed)
        made = train_aligner(args.real, args.synthetic, args.segmenter, bundle, settings)
        print(f"{made['parameters']} parameters trained for {made['epochs']} epochs, aligner in {bundle}")
    done = align(bundle, args.synthetic, args.out / "aligned", seed=args.seed, strength=args.strength)
    pace, moved = done["images_per_second"], done["largest_shift_px"]
    print(f"{done['count']} frames in {args.out / 'aligned'}, {done['new']} of them new ({pace} images/s)")
    print(f"pixels of the new ones moved by {moved} at most")
    return 0
