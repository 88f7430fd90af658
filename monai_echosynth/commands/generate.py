"""``echosynth generate`` makes images from label maps."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["FORMATS", "RUNTIME_PARTS", "SOLVERS", "add", "run"]

SOLVERS = (
    *("euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "ddim", "ancestral", "churn"),
    *("dpmpp_3m", "unipc", "consistency"),
)
RUNTIME_PARTS = (
    *("fused", "channels_last", "packed", "winograd", "bfloat16", "float16", "compiled", "cuda_graph"),
    *("onnxruntime", "int8_decoder", "batched"),
)
FORMATS = ("nifti", "png", "nnunet")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "generate", run, "make images from label maps; completes what was interrupted")
    add_option(
        command,
        "--bundle",
        type=Path,
        required=True,
        metavar="DIR",
        help="trained generator: diffusion of any family, or GAN",
    )
    add_option(
        command,
        "--masks",
        type=Path,
        required=True,
        metavar="DIR",
        help="label maps: prepared data, NIfTI or PNG files",
    )
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add_option(command, "--count", type=int, metavar="N", help="number of images; one a mask when left out")
    add_option(command, "--seed", type=int, default=0, metavar="S", help="image k depends on (S, k) alone")
    add_option(
        command, "--solver", choices=SOLVERS, help="numerical method; the bundle's when left out (sdm: ddim, ancestral)"
    )
    calls = "network evaluations an image; the bundle's when left out (a few-step student: 1, 2 or 4)"
    add_option(command, "--nfe", "--calls", type=int, metavar="N", help=calls)
    companion = "bundle of a weaker network of the same masks that guides the sampling; its calls count in --nfe"
    add_option(command, "--companion", type=Path, metavar="DIR", help=companion)
    add_option(
        command, "--guidance", type=float, metavar="W", help="weight of the companion's guidance; 1.5 when left out"
    )
    add_option(
        command, "--copies", type=int, default=0, metavar="N", help="warped copies a mask, used from its second turn on"
    )
    add_option(command, "--format", choices=FORMATS, default="nifti", help="files to write")
    add_option(command, "--batch-size", type=int, default=8, metavar="N", help="changes speed, not the images")
    add_option(
        command,
        "--runtime",
        metavar="PARTS",
        help=f"form in which the networks run: plain or some of {', '.join(RUNTIME_PARTS)}, joined by +",
    )
    command.add_argument(
        "--tune", action="store_true", help="try the runtimes on a few images, take the fastest that computes the same"
    )
    add_option(
        command,
        "--tolerance",
        type=float,
        default=0.0039,
        metavar="GRAY",
        help="largest difference of a pixel from the plain networks, of images in [0, 1]",
    )
    return command


def run(args: argparse.Namespace) -> int:
    """Makes images from label maps; returns the exit code."""
    from monai_echosynth.workflows.generate import generate

    made = generate(
        args.bundle,
        args.masks,
        args.out,
        count=args.count,
        seed=args.seed,
        solver=args.solver,
        nfe=args.nfe,
        copies=args.copies,
        format=args.format,
        batch_size=args.batch_size,
        companion=args.companion,
        guidance=args.guidance,
        runtime=args.runtime,
        tune=args.tune,
        tolerance=args.tolerance,
    )
    pace = f"{made['images_per_second']:.2f} images/s, {made['nfe']} network calls an image, runtime {made['runtime']}"
    if made["memory_gib"]:
        pace += f", about {made['memory_gib']:.2f} GiB for networks and images at once"
    if os.environ.get("RANK", "0") == "0":  # torchrun starts the program several times
        print(f"{made['count']} images in {args.out}, {made['new']} of them new ({pace})")
    return 0
