"""``echosynth phantom`` writes simulated patients."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option
from monai_echosynth.errors import EchoSynthError

__all__ = ["APICAL_VIEWS", "VIEWS", "add", "run"]

APICAL_VIEWS = ("2CH", "4CH")
VIEWS = (*APICAL_VIEWS, "ME4C")
STYLES = ("median", "crisp", "hazy", "portable")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands,
        "phantom",
        run,
        "write simulated patients: apical views in the layout of CAMUS, TEE, or breast lesions",
    )
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add_option(command, "--patients", type=int, default=120, metavar="N", help="number of patients")
    add_option(
        command,
        "--views",
        nargs="+",
        choices=VIEWS,
        metavar="VIEW",
        help="2CH, 4CH or both (default); ME4C for the four chambers from the esophagus",
    )
    lesions = "breast pictures instead, benign, malignant and normal in class folders (BUSI); one a patient"
    command.add_argument("--lesions", action="store_true", help=lesions)
    styles = "machines that the apical views are seen by"
    add_option(command, "--styles", nargs="+", choices=STYLES, default=STYLES, metavar="NAME", help=styles)
    add_option(command, "--width", type=int, default=256, metavar="PIXELS", help="width of a frame")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="the same seed gives the same bytes")
    add_option(command, "--workers", type=int, metavar="N", help="processes")
    return command


def run(args: argparse.Namespace) -> int:
    """Writes simulated patients; returns the exit code."""
    from monai_echosynth.data.phantom import write_lesion_phantom, write_phantom

    if args.lesions:
        if args.views or tuple(args.styles) != STYLES:
            raise EchoSynthError(
                "--lesions has no views and styles, got some beside it: leave --views and --styles out"
            )
        write_lesion_phantom(args.out, args.patients, args.seed, args.width, args.workers)
        print(f"{args.patients} simulated pictures in {args.out}")
        return 0
    views = args.views or APICAL_VIEWS
    write_phantom(args.out, args.patients, args.seed, views, args.width, args.workers, styles=args.styles)
    print(f"{args.patients} simulated patients in {args.out}")
    return 0
