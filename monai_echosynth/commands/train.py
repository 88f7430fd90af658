"""``echosynth train`` trains a generator (diffusion of any family, its few-step student, guided diffusion, a GAN) or a judge."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from monai_echosynth.commands.options import PRESETS, Commands, add_command, add_option
from monai_echosynth.errors import EchoSynthError

__all__ = ["DISTILLATIONS", "FAMILIES", "GUIDANCE", "MODELS", "add", "run"]

MODELS = ("diffusion", "gan", "guided", "student", "companion", "segmenter", "view-classifier")
FAMILIES = ("edm-l64", "edm-l128", "edm", "ve", "vp", "sdm")
GUIDANCE = ("class", "text", "image")
DISTILLATIONS = ("consistency", "trajectory")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(
        commands,
        "train",
        run,
        "train a generator, a guided one, a segmenter or a view classifier; resumes where it stopped",
    )
    add_option(
        command,
        "--model",
        choices=MODELS,
        default="diffusion",
        help="gamma-VAE and diffusion, SPADE-GAN, diffusion guided by class, text or image, a few-step student or a companion "
        "of a trained diffusion model, segmentation, or EfficientNetV2",
    )
    family = "of diffusion: latents of a quarter or half the side, or frames (default: edm-l64 of paper, else edm-l128)"
    add_option(command, "--family", choices=FAMILIES, help=family)
    add_option(
        command,
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="prepared data (several: not for a generator)",
    )
    add_option(
        command,
        "--validation",
        type=Path,
        metavar="DIR",
        help="prepared data that validates (first --data when left out; synthetic sets hold no such frames)",
    )
    add_option(command, "--out", type=Path, required=True, metavar="DIR", help="bundle folder to write")
    add_option(command, "--preset", choices=PRESETS, default="cpu", help="sizes of the networks and the budget")
    budget = "multiple of the preset's budget: more is better as long as the validation loss falls"
    add_option(command, "--budget", type=float, default=1.0, metavar="N", help=budget)
    conditioned = "diffusion: tell it view and phase of each frame; generation then takes them from the masks"
    command.add_argument("--conditioned", action="store_true", help=conditioned)
    teacher = "student and companion: bundle of the trained diffusion model that they learn from"
    add_option(command, "--teacher", type=Path, metavar="DIR", help=teacher)
    distillation = (
        "student: learn the teacher's samples (trajectory, when left out) or tune on real frames (consistency)"
    )
    add_option(command, "--distillation", choices=DISTILLATIONS, help=distillation)
    add_option(command, "--guidance", choices=GUIDANCE, metavar="KIND", help="guided: class (default), text or image")
    encoder = "guided by text: local folder of a text encoder such as CLIP's (extra metrics)"
    add_option(command, "--text-encoder", type=Path, metavar="DIR", help=encoder)
    prompt = "guided by text: what is said of a frame, its class for {}, where dataset.json holds no text of it"
    add_option(command, "--prompt", metavar="TEXT", help=prompt)
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of weights, batches and noise")
    return command


def run(args: argparse.Namespace) -> int:
    """Trains one model; returns the exit code."""
    from monai_echosynth.data.datalist import read_dataset_json

    for folder in [*args.data, *([args.validation] if args.validation else [])]:
        read_dataset_json(folder)  # refuses before anything is written
    _check_options(args)
    if args.model == "guided":
        _train_guided(args)
    elif args.model in ("student", "companion"):
        _train_from_teacher(args)
    elif args.model == "segmenter":
        from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, train_segmenter

        settings = SEGMENTATION_PRESETS[SegmentationPreset(args.preset)].scaled(args.budget)
        settings = replace(settings, seed=args.seed)
        train_segmenter(args.out, args.data, settings, val_dataset_dir=args.validation)
    elif args.model == "view-classifier":
        from monai_echosynth.workflows.training_settings import Preset
        from monai_echosynth.workflows.view_classification import VIEW_PRESETS, train_view_classifier

        views = replace(VIEW_PRESETS[Preset(args.preset)].scaled(args.budget), seed=args.seed)
        made = train_view_classifier(args.out, args.data, views, val_dataset_dir=args.validation)
        print(f"views {', '.join(made['class_names'])} from {made['frames']} frames")
    elif args.model == "gan":
        from monai_echosynth.workflows.gan import train_gan

        train_gan(args.data[0], args.out, preset=args.preset, seed=args.seed, budget=args.budget)
    else:
        from monai_echosynth.workflows.train import train

        shared = {"preset": args.preset, "seed": args.seed, "budget": args.budget}
        train(args.data[0], args.out, conditioned=args.conditioned, family=args.family, **shared)
    print(f"trained bundle in {args.out}")
    return 0


def _check_options(args: argparse.Namespace) -> None:
    """Raises an EchoSynthError where options do not go together."""
    if args.conditioned and args.model != "diffusion":
        raise EchoSynthError(f"only diffusion is conditioned, got --conditioned with a {args.model}: leave it out")
    if args.family and args.model != "diffusion":
        raise EchoSynthError(
            f"only diffusion has families, got --family {args.family} with --model {args.model}: leave one of them out"
        )
    guiding = [name for name in ("guidance", "text_encoder", "prompt") if getattr(args, name) is not None]
    if guiding and args.model != "guided":
        flag = guiding[0].replace("_", "-")
        raise EchoSynthError(f"--{flag} is for a guided generator, got it with a {args.model}: leave it out")
    taught = args.model in ("student", "companion")
    if taught != (args.teacher is not None):
        got = "no --teacher" if taught else f"--teacher {args.teacher}"
        raise EchoSynthError(
            f"a student and a companion have a teacher, nothing else does, got {got} with --model {args.model}: "
            + ("name its bundle" if taught else "leave it out")
        )
    if args.distillation and args.model != "student":
        raise EchoSynthError(
            f"only a student is distilled, got --distillation {args.distillation} with --model {args.model}: leave it out"
        )
    if args.model in ("segmenter", "view-classifier"):
        return
    if len(args.data) > 1:
        raise EchoSynthError(f"a generator takes one data folder, got {len(args.data)}: name one --data folder")
    if args.validation:
        raise EchoSynthError(
            f"a generator validates on frames of its own data folder, got --validation {args.validation}: leave it out"
        )


def _train_from_teacher(args: argparse.Namespace) -> None:
    from monai_echosynth.workflows.training_settings import Preset

    if args.model == "companion":
        from monai_echosynth.workflows.companion import train_companion

        train_companion(args.data[0], args.teacher, args.out, args.preset, args.seed, args.budget)
        return
    from monai_echosynth.workflows.student import train_student
    from monai_echosynth.workflows.student_settings import STUDENT_PRESETS, Distillation

    settings = STUDENT_PRESETS[Preset(args.preset)].scaled(args.budget)
    settings = replace(settings, distillation=Distillation(args.distillation or Distillation.TRAJECTORY))
    train_student(args.data[0], args.teacher, args.out, settings, args.seed)


def _train_guided(args: argparse.Namespace) -> None:
    from monai_echosynth.networks.nets.guided_unet import Guidance
    from monai_echosynth.workflows.guided_settings import GUIDED_PRESETS
    from monai_echosynth.workflows.guided_training import train_guided
    from monai_echosynth.workflows.training_settings import Preset

    if (args.text_encoder is not None or args.prompt is not None) and args.guidance != Guidance.TEXT:
        raise EchoSynthError(
            "--text-encoder and --prompt go with --guidance text, got another guidance: add it or leave them out"
        )
    settings = GUIDED_PRESETS[Preset(args.preset)].scaled(args.budget)
    settings = replace(settings, guidance=Guidance(args.guidance or Guidance.CLASS))
    settings = settings if args.prompt is None else replace(settings, prompt=args.prompt)
    made = train_guided(args.data[0], args.out, settings, args.seed, args.text_encoder)
    print(f"classes {', '.join(made['class_names'])}")
