"""``echosynth guide`` draws pictures of a class, of a text or like a picture, from noise or from a frame."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from monai_echosynth.commands.generate import FORMATS, SOLVERS
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands, "guide", run, "draw pictures of a class, of a text or like a picture; completes what was interrupted"
    )
    bundle = "trained ultrasound_guided_diffusion bundle"
    add_option(command, "--bundle", type=Path, required=True, metavar="DIR", help=bundle)
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add_option(command, "--class", dest="classes", nargs="+", metavar="NAME", help="classes in turn (default: all)")
    add_option(command, "--text", dest="texts", nargs="+", metavar="TEXT", help="texts in turn, for a bundle of texts")
    image = "guide picture or a folder of some, for a bundle of images"
    add_option(command, "--image", type=Path, metavar="PATH", help=image)
    frames = "frame or a folder of some to start from, of the generator's size; noise when left out"
    add_option(command, "--input", dest="frames", type=Path, metavar="PATH", help=frames)
    strength = "noise on the input: 0 returns its reconstruction, 1 ignores it (default with --input: 0.5)"
    add_option(command, "--strength", type=float, metavar="X", help=strength)
    scale = "classifier-free guidance scale: 0 ignores the guide, 1 follows it, more exaggerates it"
    add_option(command, "--guidance", type=float, default=2.0, metavar="W", help=scale)
    encoder = "local folder of the text encoder that the bundle was trained with"
    add_option(command, "--text-encoder", type=Path, metavar="DIR", help=encoder)
    add_option(command, "--count", type=int, metavar="N", help="number of pictures; one a guide and frame if left out")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="picture k depends on (S, k) alone")
    add_option(command, "--solver", choices=SOLVERS, default="ddim", help="numerical method")
    add_option(command, "--nfe", type=int, default=50, metavar="N", help="network evaluations a picture from noise")
    add_option(command, "--format", choices=FORMATS, default="nifti", help="files to write")
    add_option(command, "--batch-size", type=int, default=8, metavar="N", help="changes speed, not the pictures")
    return command


def run(args: argparse.Namespace) -> int:
    """Draws pictures; returns the exit code."""
    from monai_echosynth.workflows.guide import guide

    choices = ("classes", "texts", "image", "frames", "strength", "guidance", "count", "seed", "solver", "nfe")
    names = (*choices, "text_encoder", "format", "batch_size")
    made = guide(args.bundle, args.out, **{name: getattr(args, name) for name in names})
    pace = f"{made['images_per_second']:.2f} images/s, {made['nfe']} network calls an image"
    if os.environ.get("RANK", "0") == "0":  # torchrun starts the program several times
        print(f"{made['count']} images in {args.out}, {made['new']} of them new ({pace})")
    return 0
