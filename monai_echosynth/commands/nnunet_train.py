"""``echosynth nnunet-train`` plans, trains and scores nnU-Net on a raw data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.evaluate import print_scores
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "nnunet-train", run, "plan, preprocess, train and predict with nnU-Net, and score it (needs nnunetv2)"
    )
    tests = "prepared data whose test frames the data set holds"
    add_option(command, "--dataset", type=Path, required=True, metavar="DIR", help="raw data set, .../Dataset501_echo")
    add_option(command, "--data", type=Path, required=True, metavar="DIR", help=tests)
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add_option(command, "--fold", type=int, default=0, metavar="N", help="fold to train")
    add_option(command, "--epochs", type=int, default=1000, metavar="N", help="epochs; nnU-Net's own are 1000")
    add_option(
        command, "--iterations", type=int, default=250, metavar="N", help="steps an epoch; nnU-Net's own are 250"
    )
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of weights and batches")
    return command


def run(args: argparse.Namespace) -> int:
    """Trains and scores; returns the exit code."""
    from monai_echosynth.integrations.nnunet import NnUNetBudget
    from monai_echosynth.workflows.nnunet.study import train_nnunet

    budget = NnUNetBudget(args.epochs, args.iterations, seed=args.seed)
    print_scores(train_nnunet(args.dataset, args.data, args.out, args.fold, budget))
    return 0
