"""``echosynth demo-guided`` trains a guided generator and asks a classifier of real pictures what was drawn."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import PRESETS, Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "demo-guided", run, "train a guided generator and classify what it draws")
    data = "prepared data whose frames have classes, with a test section; the lesion phantom when left out"
    add_option(command, "--data", type=Path, metavar="DIR", help=data)
    add_option(command, "--out", type=Path, default=Path("runs/guided"), metavar="DIR", help="folder of the study")
    add_option(command, "--preset", choices=PRESETS, default="quick", help="sizes of the networks and the budgets")
    add_option(command, "--budget", type=float, default=1.0, metavar="N", help="multiple of the generator's budget")
    add_option(command, "--pictures", type=int, default=480, metavar="N", help="simulated pictures")
    add_option(command, "--test-pictures", type=int, default=90, metavar="N", help="simulated pictures that test")
    add_option(command, "--count", type=int, default=300, metavar="N", help="generated pictures")
    add_option(command, "--guidance", type=float, default=2.0, metavar="W", help="classifier-free guidance scale")
    add_option(command, "--nfe", type=int, default=50, metavar="N", help="network evaluations a picture")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the study and prints its numbers; returns the exit code."""
    from monai_echosynth.diffusion.classifier_free import guidance_calls
    from monai_echosynth.workflows.guided_settings import GUIDED_PRESETS
    from monai_echosynth.workflows.guided_study import GuidedStudySettings, run_guided_study
    from monai_echosynth.workflows.training_settings import Preset
    from monai_echosynth.workflows.view_classification import VIEW_PRESETS

    guidance_calls(args.guidance)
    preset = Preset(args.preset)
    settings = GuidedStudySettings(
        GUIDED_PRESETS[preset].scaled(args.budget),
        VIEW_PRESETS[preset],
        args.pictures,
        args.test_pictures,
        args.count,
        args.guidance,
        args.nfe,
        seed=args.seed,
    )
    summary = run_guided_study(args.out, args.data, settings)
    print("accuracy of the classifier of real pictures, with 95 % interval")
    for name, score in summary["accuracy"].items():
        low, high = score["ci95"]
        print(f"{name:<10} {score['mean']:.3f}  [{low:.3f}, {high:.3f}]  {score['frames']} pictures")
    distances = ", ".join(f"{strength}: {value:.1f}" for strength, value in summary["distances"].items())
    print(f"gray levels from the reconstruction by strength: {distances}")
    print(f"numbers in {args.out / 'summary.json'}, pictures in {args.out / 'pictures.png'}")
    return 0
