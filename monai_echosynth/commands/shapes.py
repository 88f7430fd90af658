"""``echosynth shapes`` fits a statistical shape model on label maps, judges it, and samples new maps from it."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "shapes", run, "fit a statistical shape model on label maps and sample new maps")
    add_option(command, "--data", type=Path, nargs="+", required=True, metavar="DIR", help="prepared data")
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder of model, figures and maps")
    add_option(command, "--count", type=int, default=200, metavar="N", help="maps to write; 0 for none")
    add_option(command, "--deviations", type=float, default=2.5, metavar="K", help="limit of every mode, in its SD")
    add_option(command, "--variance", type=float, default=0.95, metavar="SHARE", help="share of variance in the modes")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="map k depends on (S, k) alone")
    return command


def run(args: argparse.Namespace) -> int:
    """Fits, judges and samples; returns the exit code."""
    from monai_echosynth.workflows.shape_study import run_shape_masks, run_shape_model

    found = run_shape_model(args.data, args.out, variance=args.variance, deviations=args.deviations, seed=args.seed)
    samples = found["samples"]
    print(
        f"{found['modes']} modes from {found['maps']} maps; generality {found['generality_mm']:.2f} mm (cross-validated)"
    )
    print(f"{samples['valid']} of {samples['maps']} sampled maps valid")
    if args.count:
        model = args.out / "shape_model.safetensors"
        run_shape_masks(model, args.out / "masks", args.count, seed=args.seed, deviations=args.deviations)
        print(f"{args.count} maps in {args.out / 'masks'}, for echosynth generate --masks")
    return 0
