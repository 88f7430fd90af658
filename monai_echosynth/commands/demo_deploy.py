"""``echosynth demo-deploy`` runs the MONAI Deploy applications and checks what they write."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "demo-deploy", run, "run the MONAI Deploy applications and validate their DICOM output"
    )
    python = "interpreter of the environment that holds MONAI Deploy"
    add_option(command, "--python", type=Path, default=Path(".venv-deploy/bin/python"), metavar="FILE", help=python)
    bundles = "folder with trained echo_segmentation and echo_generative_diffusion"
    add_option(command, "--bundles", type=Path, default=Path("runs/demo/bundles"), metavar="DIR", help=bundles)
    add_option(command, "--camus", type=Path, metavar="DIR", help="CAMUS data set, for a frame of a patient")
    add_option(command, "--camus-bundles", type=Path, metavar="DIR", help="bundles for it, if others than --bundles")
    add_option(command, "--out", type=Path, default=Path("runs/deploy"), metavar="DIR", help="folder to write")
    return command


def run(args: argparse.Namespace) -> int:
    """Runs and checks the applications; returns the exit code."""
    from monai_echosynth.workflows.deploy_demo import run_deploy_demo
    from monai_echosynth.workflows.deploy_summary import format_deploy_summary

    summary = run_deploy_demo(args.bundles, args.out, args.python, args.camus, args.camus_bundles)
    print(format_deploy_summary(summary))
    print(f"summary: {summary}")
    return 0
