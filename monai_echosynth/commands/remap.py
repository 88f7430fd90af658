"""``echosynth remap`` maps a label table onto the channels of a generator."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "remap", run, "map a label table onto a generator's channels; shows and checks it")
    table = "label table: a JSON file, a data folder, tee, camus (as prepared) or semantic"
    add_option(command, "--source", required=True, metavar="TABLE", help=table)
    add_option(command, "--base", default="semantic", metavar="TABLE", help="table of the generator, likewise")
    add_option(
        command, "--rules", type=Path, metavar="FILE", help="rules (JSON); proposed from the names when left out"
    )
    add_option(command, "--labels", type=Path, metavar="PATH", help="label map, or folder of them, for the picture")
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder for rules.json and remap.png")
    return command


def run(args: argparse.Namespace) -> int:
    """Maps a label table onto the channels of a generator; returns the exit code."""
    from monai_echosynth.workflows.remap_table import format_remapping, remap

    remapping = remap(args.source, args.out, args.base, args.rules, args.labels)
    print(format_remapping(remapping))
    if args.rules is None:
        print("rules proposed from the names: check them; to change one, edit rules.json and pass it with --rules")
    print(f"rules.json and remap.png in {args.out}")
    return 0
