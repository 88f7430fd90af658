"""``echosynth utility`` runs the utility study, on the phantom or on frames of the user."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["ARMS", "AUGMENTATIONS", "MASKS", "MIXING", "PRESETS", "add", "run"]

PRESETS = ("quick", "camus")
ARMS = ("real", "affine", "synthseg", "gan", "diffusion", "adapted")
MASKS = ("real", "augmented", "shapes")
AUGMENTATIONS = ("usual", "strong")
MIXING = ("annealed", "proportional")

_NOT_SETTINGS = ("data", "out", "base", "preset", "settings", "handler", "debug")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "utility", run, "measure what synthetic frames add to few real ones, beside strong baselines"
    )
    data = "prepared frames with validation and test patients, or a folder of real frames; the phantom when left out"
    base = "trained generator for the arm adapted; one is trained on the phantom when left out"
    preset = "sizes and budgets; quick on the phantom and camus on real frames when left out"
    settings = "JSON object with any of the options below by name, _ for -, and preset; options go before it"
    arms = f"what is compared, of {', '.join(ARMS)}; real and affine are always there"
    add_option(command, "--data", type=Path, metavar="DIR", help=data)
    add_option(command, "--out", type=Path, default=Path("runs/utility"), metavar="DIR", help="folder of the study")
    add_option(command, "--base", type=Path, metavar="DIR", help=base)
    add_option(command, "--preset", choices=PRESETS, help=preset)
    add_option(command, "--settings", type=Path, metavar="FILE", help=settings)
    add_option(command, "--patients", type=_patients, nargs="+", metavar="N", help="numbers of real patients, or all")
    add_option(command, "--ratios", type=float, nargs="+", metavar="R", help="synthetic over real frames")
    add_option(command, "--arms", nargs="+", choices=ARMS, metavar="ARM", help=arms)
    add_option(command, "--masks", nargs="+", choices=MASKS, help="where the masks of synthetic frames come from")
    augmentations = "affine augmentation of segmenters that see synthetic frames"
    add_option(command, "--augmentations", nargs="+", choices=AUGMENTATIONS, help=augmentations)
    mixing = "share of synthetic frames: falling to none in half the training, or by their number"
    add_option(command, "--mixing", choices=MIXING, help=mixing)
    add_option(command, "--pool", type=float, metavar="R", help="synthetic frames that are made per real one")
    add_option(command, "--nfe", type=int, metavar="N", help="network calls an image")
    calls = "numbers of network calls an image that are compared at equal compute"
    add_option(command, "--compute-nfe", type=int, nargs="+", metavar="N", help=calls)
    add_option(command, "--compute-calls", type=int, metavar="N", help="network calls a real frame in that comparison")
    add_option(command, "--compute-patients", type=_patients, metavar="N", help="real patients in that comparison")
    add_option(command, "--iterations", type=int, metavar="N", help="optimizer steps of every segmenter")
    add_option(command, "--budget", type=float, metavar="X", help="multiple of the epochs of every generator")
    add_option(
        command, "--test-patients", type=int, metavar="N", help="test patients, where frames are not prepared yet"
    )
    add_option(command, "--phantom-patients", type=int, metavar="N", help="simulated patients")
    add_option(command, "--seed", type=int, metavar="S", help="of everything, 0 when left out")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs the study; returns the exit code."""
    from monai_echosynth.workflows.utility_options import chosen_settings, read_settings
    from monai_echosynth.workflows.utility_study import run_utility_study

    options: dict[str, Any] = {} if args.settings is None else read_settings(args.settings)
    named = options.pop("preset", None)
    preset = args.preset or named or ("camus" if args.data else "quick")
    given = {name: value for name, value in vars(args).items() if name not in _NOT_SETTINGS and value is not None}
    settings = chosen_settings(preset, {**options, **given})
    print(f"report: {run_utility_study(args.out, args.data, args.base, settings)}")
    return 0


def _patients(text: str) -> int | str:
    return text if text == "all" else int(text)
