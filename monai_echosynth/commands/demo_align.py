"""``echosynth demo-align`` runs the alignment study, on two machines of the phantom or on frames of the user."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option
from monai_echosynth.errors import EchoSynthError

__all__ = ["COMPARED", "add", "run"]

COMPONENTS = (
    *("filters", "attention", "local_heads", "global_heads", "alignment", "local_stage", "global_stage", "shift"),
    *("stochastic", "dynamic", "agreement", "own_view", "identity", "diversity", "bridge", "matching"),
    "critic",
)
PULLS = ("mmd", "coral", "mmd_only", "coral_only")
COMPARED = (*(f"no_{name}" for name in COMPONENTS), *PULLS, "histogram", "fourier", "cycle", "both")

GIVEN_STEPS, SIMULATED_STEPS = 600, 200
"""Frames of the phantom are easier, and their study is to end within a quarter of an hour."""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "demo-align", run, "align synthetic frames to real ones, ablate, and report")
    real = "prepared real frames with test patients; simulated when left out"
    synthetic = "synthetic set, or prepared frames; simulated when left out"
    segmenter = "echo_segmentation bundle of the real frames; one is trained when left out"
    compared = (
        "components to switch off (no_...) and baselines to try beside the aligner, and segmenters of both sets together (both); "
        "all for every one"
    )
    segmenters = "segmenters of every set, which differ in their seed; their scores are averaged"
    add_option(command, "--real", type=Path, metavar="DIR", help=real)
    add_option(command, "--synthetic", type=Path, metavar="DIR", help=synthetic)
    add_option(command, "--segmenter", type=Path, metavar="DIR", help=segmenter)
    add_option(command, "--out", type=Path, default=Path("runs/align"), metavar="DIR", help="folder of the study")
    add_option(command, "--compare", nargs="+", choices=(*COMPARED, "all"), default=[], metavar="NAME", help=compared)
    add_option(command, "--epochs", type=int, default=12, metavar="N", help="epochs of 400 frames of every aligner")
    iterations = (
        f"optimizer steps of every segmenter, {GIVEN_STEPS} when left out, {SIMULATED_STEPS} where frames are simulated"
    )
    add_option(command, "--iterations", type=int, metavar="N", help=iterations)
    add_option(command, "--segmenters", type=int, default=1, metavar="N", help=segmenters)
    patients = "simulated patients of each machine, 80 when left out"
    add_option(command, "--patients", type=int, metavar="N", help=patients)
    add_option(command, "--test-patients", type=int, metavar="N", help="of them test, 30 when left out")
    strength = "part of the way to their aligned form that frames go, drawn between these for each; 1 1 is all the way"
    add_option(command, "--strength", type=float, nargs=2, default=[0.0, 1.0], metavar=("LOW", "HIGH"), help=strength)
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the study; returns the exit code."""
    from monai_echosynth.workflows.alignment_study import run_alignment_study
    from monai_echosynth.workflows.alignment_study_settings import AlignmentStudySettings

    compared = COMPARED if "all" in args.compare else tuple(args.compare)
    sizes = {"patients": args.patients, "n_test": args.test_patients}
    sizes = {name: value for name, value in sizes.items() if value is not None}
    if sizes and args.real is not None:
        raise EchoSynthError(
            "patients are simulated where no frames are given, got a number of them with --real: leave it out"
        )
    steps = args.iterations if args.iterations is not None else SIMULATED_STEPS if args.real is None else GIVEN_STEPS
    settings = AlignmentStudySettings(compared, **sizes, seed=args.seed)
    settings = replace(
        settings,
        strength=(args.strength[0], args.strength[1]),
        segmenters=args.segmenters,
        aligner=replace(settings.aligner, epochs=args.epochs),
        segmentation=replace(settings.segmentation, iterations=steps),
    )
    print(f"report: {run_alignment_study(args.out, args.real, args.synthetic, args.segmenter, settings)}")
    return 0
