"""``echosynth label-app`` writes the folder that a MONAI Label server runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "label-app", run, "write the app that a MONAI Label server runs, with its bundles")
    command.add_argument(
        "folder", type=Path, metavar="DIR", help="folder to write; one that holds an app gets the bundles alone"
    )
    add_option(command, "--bundle", type=Path, required=True, metavar="DIR", help="trained echo_segmentation bundle")
    generator = "trained echo_generative_diffusion bundle, for synthetic frames in the training"
    add_option(command, "--generator", type=Path, metavar="DIR", help=generator)
    return command


def run(args: argparse.Namespace) -> int:
    """Writes the folder; returns the exit code."""
    from monai_echosynth.integrations.label.app_folder import write_label_app

    folder = write_label_app(args.folder, args.bundle, args.generator)
    print(f"app in {folder}; serve it with: monailabel start_server --app {folder} --studies FRAMES --host 127.0.0.1")
    return 0
