"""``echosynth nnunet-export`` writes frames as a raw data set of nnU-Net."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "nnunet-export", run, "write real, synthetic or mixed frames as a raw data set of nnU-Net"
    )
    data = "prepared data and synthetic sets to join; the first one validates and tests"
    judge = "prepared data that validates and tests instead (synthetic sets hold no such frames); needs --folds 1"
    folds = "folds of patients; 1 takes the data's own training and validation patients"
    add_option(command, "--data", type=Path, nargs="+", required=True, metavar="DIR", help=data)
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="nnU-Net's folder of raw data sets")
    add_option(command, "--id", type=int, default=501, metavar="N", help="number of the data set")
    add_option(command, "--name", default="echo", help="name of the data set")
    add_option(command, "--validation", type=Path, metavar="DIR", help=judge)
    add_option(command, "--folds", type=int, default=5, metavar="N", help=folds)
    add_option(command, "--seed", type=int, default=0, metavar="S", help="which patients validate together")
    return command


def run(args: argparse.Namespace) -> int:
    """Writes the data set; returns the exit code."""
    from monai_echosynth.workflows.nnunet.raw_dataset import write_raw_dataset

    folder = write_raw_dataset(
        args.data, args.out, args.id, args.name, validation=args.validation, folds=args.folds, seed=args.seed
    )
    print(f"raw data set in {folder}")
    return 0
