"""``echosynth export`` writes a bundle as one file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.generate import SOLVERS
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["FORMATS", "add", "run"]

FORMATS = ("torchscript", "onnx", "safetensors")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "export", run, "write a segmenter or a generator as one file: TorchScript, ONNX or safetensors"
    )
    add_option(command, "--bundle", type=Path, required=True, metavar="DIR", help="trained bundle")
    add_option(command, "--format", choices=FORMATS, required=True, help="file format")
    add_option(command, "--out", type=Path, required=True, metavar="FILE", help="file to write")
    add_option(command, "--solver", choices=SOLVERS, help="of a generator; that of its config when left out")
    add_option(command, "--nfe", type=int, metavar="N", help="network evaluations an image, likewise")
    add_option(command, "--seed", type=int, metavar="S", help="of a generator's noise, likewise")
    return command


def run(args: argparse.Namespace) -> int:
    """Writes the file; returns the exit code."""
    from monai_echosynth.workflows.export import export_bundle

    ids = {name: getattr(args, name) for name in ("solver", "nfe", "seed") if getattr(args, name) is not None}
    made = export_bundle(args.bundle, args.format, args.out, **ids)
    inputs = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in made["inputs"].items())
    print(f"{args.out}: {made['bytes']:,} bytes, takes {inputs}; differs from PyTorch by {made['difference']:.1e}")
    return 0
