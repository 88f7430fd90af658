"""``echosynth demo-tee`` runs the adaptation study, on the esophageal phantom or on prepared frames of the user."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["COMPARED", "add", "run"]

COMPARED = ("all", "linear", "self_attention", "convolution", "spade", "full", "scratch", "base")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "demo-tee", run, "adapt a generator to few TEE frames, simulated or yours, and report"
    )
    base = "trained generator, as echosynth demo leaves it; one is trained here when left out"
    data = "prepared frames with test patients; simulated when left out"
    frames = "numbers of target frames, a curve where there are several"
    compared = "adaptations to try beside the default, at the first number of frames"
    add_option(command, "--base", type=Path, metavar="DIR", help=base)
    add_option(command, "--data", type=Path, metavar="DIR", help=data)
    add_option(
        command, "--rules", type=Path, metavar="FILE", help="label rules of echosynth remap; proposed if left out"
    )
    add_option(command, "--out", type=Path, default=Path("runs/tee"), metavar="DIR", help="folder of the study")
    add_option(command, "--frames", type=int, nargs="+", default=[50], metavar="N", help=frames)
    add_option(command, "--compare", nargs="+", choices=COMPARED, default=[], metavar="NAME", help=compared)
    add_option(command, "--patients", type=int, default=100, metavar="N", help="simulated patients")
    add_option(command, "--test-patients", type=int, default=40, metavar="N", help="simulated patients that test")
    add_option(command, "--iterations", type=int, default=500, metavar="N", help="optimizer steps of every segmenter")
    add_option(command, "--epochs", type=int, default=16, metavar="N", help="epochs of 640 frames of every adaptation")
    add_option(command, "--synthetic", type=int, default=400, metavar="N", help="synthetic frames of each adaptation")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the study; returns the exit code."""
    from monai_echosynth.workflows.tee_settings import TeeSettings
    from monai_echosynth.workflows.tee_study import run_tee_study

    settings = TeeSettings(
        tuple(args.frames),
        tuple(args.compare),
        patients=args.patients,
        n_test=args.test_patients,
        synthetic=args.synthetic,
        seed=args.seed,
    )
    settings = replace(
        settings,
        adaptation=replace(settings.adaptation, epochs=args.epochs),
        segmentation=replace(settings.segmentation, iterations=args.iterations),
    )
    report = run_tee_study(args.out, args.base, args.data, args.rules, settings)
    print(f"report: {report}")
    return 0
