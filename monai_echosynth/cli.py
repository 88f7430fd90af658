"""The ``echosynth`` program: reads the arguments and calls one function of ``workflows`` for each subcommand.

Workflows are imported by the subcommand that runs, so ``--help`` answers without loading torch. Bad input and files that
cannot be read or written end in one line, ``echosynth: error: ...``, and exit code 2; Ctrl-C ends with 130.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from monai_echosynth import __version__
from monai_echosynth.errors import EchoSynthError

__all__ = ["FORMATS", "PRESETS", "SOLVERS", "VIEWS", "build_parser", "main"]

# Spelled out here so that `--help` need not import torch; a test compares them with the enumerations.
SOLVERS = ("euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "ddim", "ancestral", "churn")
FORMATS = ("nifti", "png", "nnunet")
MODELS = ("generator", "segmenter")
SECTIONS = ("training", "validation", "test")
VIEWS = ("2CH", "4CH")
PRESETS = ("quick", "cpu", "paper")

_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space; the same command then continues"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "choose a folder that you may write, or change its permissions"
    ),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EEXIST, errno.EISDIR), "a file and a folder collide here, choose another path"
    ),
    errno.ENOENT: "check the path",
}

Handler = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    args = build_parser().parse_args(argv)
    logging.getLogger("monai.bundle.workflows").addFilter(_is_news)
    logging.getLogger("ignite").setLevel(logging.CRITICAL)  # it announces errors that are reported here
    handler: Handler = args.handler
    try:
        return handler(args)
    except KeyboardInterrupt:
        print("echosynth: interrupted; the same command continues", file=sys.stderr)
        return 130
    except Exception as error:
        reason = _reason(error)
        if args.debug or reason is None:
            raise
        print(f"echosynth: error: {_one_line(reason)}", file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; each sets ``handler``."""
    parser = argparse.ArgumentParser(
        prog="echosynth", description="Labeled synthetic echocardiography from label maps."
    )
    parser.add_argument("--version", action="version", version=f"echosynth {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    adders = (_add_phantom, _add_prepare, _add_remap, _add_train, _add_generate, _add_evaluate, _add_demo, _add_verify)
    for add in adders:
        command = add(commands)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(commands: Commands, name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.set_defaults(handler=handler)
    return command


def _option(command: argparse.ArgumentParser, flag: str, help: str, **settings: Any) -> None:
    """Adds an option whose help ends with its default, if it has one."""
    shown = "" if settings.get("default") is None else " (default: %(default)s)"
    command.add_argument(flag, help=help + shown, **settings)


def _add_phantom(commands: Commands) -> argparse.ArgumentParser:
    command = _command(commands, "phantom", _phantom, "write simulated patients in the layout of CAMUS")
    _option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    _option(command, "--patients", type=int, default=120, metavar="N", help="number of patients")
    _option(command, "--views", nargs="+", choices=VIEWS, metavar="VIEW", help="2CH, 4CH or both (default)")
    _option(command, "--width", type=int, default=256, metavar="PIXELS", help="width of a frame")
    _option(command, "--seed", type=int, default=0, metavar="S", help="the same seed gives the same bytes")
    _option(command, "--workers", type=int, metavar="N", help="processes")
    return command


def _phantom(args: argparse.Namespace) -> int:
    from monai_echosynth.data.phantom import write_phantom

    write_phantom(args.out, args.patients, args.seed, args.views or VIEWS, args.width, args.workers)
    print(f"{args.patients} simulated patients in {args.out}")
    return 0


def _add_prepare(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "prepare", _prepare, "bring a data folder to one grid with semantic maps and patient splits"
    )
    _option(
        command, "--data", type=Path, required=True, metavar="DIR", help="CAMUS (NIfTI or mhd), or images/ and labels/"
    )
    _option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    _option(command, "--size", type=int, default=128, metavar="PIXELS", help="side of the square grid")
    _option(command, "--n-test", type=int, metavar="N", help="test patients (all others train and validate)")
    _option(command, "--max-train", type=int, default=398, metavar="N", help="most training and validation patients")
    _option(command, "--views", nargs="+", metavar="VIEW", help="keep these views only")
    _option(command, "--phases", nargs="+", metavar="PHASE", help="keep these phases only")
    _option(command, "--split", choices=("auto", "official", "random"), default="auto", help="who tests")
    _option(command, "--seed", type=int, default=0, metavar="S", help="of the random split")
    _option(command, "--workers", type=int, default=2, metavar="N", help="threads")
    return command


def _prepare(args: argparse.Namespace) -> int:
    from monai_echosynth.workflows.prepare import prepare

    out = prepare(
        args.data,
        args.out,
        size=args.size,
        n_test=args.n_test,
        max_train=args.max_train,
        seed=args.seed,
        views=args.views,
        phases=args.phases,
        split=args.split,
        workers=args.workers,
    )
    print(f"prepared data in {out}")
    return 0


def _add_remap(commands: Commands) -> argparse.ArgumentParser:
    command = _command(commands, "remap", _remap, "map a label table onto a generator's channels; shows and checks it")
    table = "label table: a JSON file, tee, camus (as prepared) or semantic"
    _option(command, "--source", required=True, metavar="TABLE", help=table)
    _option(command, "--base", default="semantic", metavar="TABLE", help="table of the generator, likewise")
    _option(command, "--rules", type=Path, metavar="FILE", help="rules (JSON); proposed from the names when left out")
    _option(command, "--labels", type=Path, metavar="PATH", help="label map, or folder of them, for the picture")
    _option(command, "--out", type=Path, required=True, metavar="DIR", help="folder for rules.json and remap.png")
    return command


def _remap(args: argparse.Namespace) -> int:
    from monai_echosynth.workflows.remap_table import format_remapping, remap

    remapping = remap(args.source, args.out, args.base, args.rules, args.labels)
    print(format_remapping(remapping))
    if args.rules is None:
        print("rules proposed from the names: check them; to change one, edit rules.json and pass it with --rules")
    print(f"rules.json and remap.png in {args.out}")
    return 0


def _add_train(commands: Commands) -> argparse.ArgumentParser:
    command = _command(commands, "train", _train, "train a generator or a segmenter; resumes where it stopped")
    _option(command, "--model", choices=MODELS, default="generator", help="gamma-VAE and diffusion, or segmentation")
    _option(
        command, "--data", type=Path, nargs="+", required=True, metavar="DIR", help="prepared data (several: segmenter)"
    )
    _option(
        command,
        "--validation",
        type=Path,
        metavar="DIR",
        help="prepared data that validates a segmenter (first --data when left out; synthetic sets hold no such frames)",
    )
    _option(command, "--out", type=Path, required=True, metavar="DIR", help="bundle folder to write")
    _option(command, "--preset", choices=PRESETS, default="cpu", help="sizes of the networks and the budget")
    _option(command, "--seed", type=int, default=0, metavar="S", help="of weights, batches and noise")
    return command


def _train(args: argparse.Namespace) -> int:
    from monai_echosynth.data.datalist import read_dataset_json

    for folder in [*args.data, *([args.validation] if args.validation else [])]:
        read_dataset_json(folder)  # refuses before anything is written
    if args.model == "segmenter":
        from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset, train_segmenter

        settings = replace(SEGMENTATION_PRESETS[SegmentationPreset(args.preset)], seed=args.seed)
        train_segmenter(args.out, args.data, settings, val_dataset_dir=args.validation)
    else:
        from monai_echosynth.workflows.train import train

        if len(args.data) > 1:
            raise EchoSynthError(f"a generator takes one data folder, got {len(args.data)}: name one --data folder")
        if args.validation:
            raise EchoSynthError(
                f"a generator validates on frames of its own data folder, got --validation {args.validation}: leave it out"
            )
        train(args.data[0], args.out, preset=args.preset, seed=args.seed)
    print(f"trained bundle in {args.out}")
    return 0


def _add_generate(commands: Commands) -> argparse.ArgumentParser:
    command = _command(commands, "generate", _generate, "make images from label maps; completes what was interrupted")
    _option(
        command, "--bundle", type=Path, required=True, metavar="DIR", help="trained echo_generative_diffusion bundle"
    )
    _option(
        command,
        "--masks",
        type=Path,
        required=True,
        metavar="DIR",
        help="label maps: prepared data, NIfTI or PNG files",
    )
    _option(command, "--out", type=Path, required=True, metavar="DIR", help="folder to write")
    _option(command, "--count", type=int, metavar="N", help="number of images; one a mask when left out")
    _option(command, "--seed", type=int, default=0, metavar="S", help="image k depends on (S, k) alone")
    _option(command, "--solver", choices=SOLVERS, default="dpmpp_2m_sde", help="numerical method")
    _option(command, "--nfe", type=int, default=24, metavar="N", help="network evaluations an image")
    _option(
        command, "--copies", type=int, default=0, metavar="N", help="warped copies a mask, used from its second turn on"
    )
    _option(command, "--format", choices=FORMATS, default="nifti", help="files to write")
    _option(command, "--batch-size", type=int, default=8, metavar="N", help="changes speed, not the images")
    return command


def _generate(args: argparse.Namespace) -> int:
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
    )
    pace = f"{made['images_per_second']:.2f} images/s, {made['nfe']} network calls an image"
    if os.environ.get("RANK", "0") == "0":  # torchrun starts the program several times
        print(f"{made['count']} images in {args.out}, {made['new']} of them new ({pace})")
    return 0


def _add_evaluate(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "evaluate", _evaluate, "score a segmenter on test patients, in mm on the original grid"
    )
    _option(command, "--bundle", type=Path, required=True, metavar="DIR", help="trained echo_segmentation bundle")
    _option(command, "--data", type=Path, required=True, metavar="DIR", help="prepared data")
    _option(command, "--out", type=Path, required=True, metavar="DIR", help="folder for summary.json and predictions")
    _option(command, "--section", choices=SECTIONS, default="test", help="frames to score")
    _option(command, "--draws", type=int, default=1000, metavar="N", help="bootstrap draws over patients")
    _option(command, "--seed", type=int, default=0, metavar="S", help="of the bootstrap")
    return command


def _evaluate(args: argparse.Namespace) -> int:
    from monai_echosynth.workflows.evaluate import evaluate_segmenter

    scores = evaluate_segmenter(
        args.bundle, args.data, args.out, section=args.section, draws=args.draws, seed=args.seed
    )
    print(f"{scores['frames']} frames of {scores['patients']} patients; Dice with 95 % interval over patients")
    for structure, score in scores["dice"].items():
        low, high = score["ci95"]
        print(f"{structure:<8} {score['mean']:.3f}  [{low:.3f}, {high:.3f}]")
    return 0


def _add_demo(commands: Commands) -> argparse.ArgumentParser:
    command = _command(commands, "demo", _demo, "run the whole study and write its report; skips what is done")
    _option(command, "--data", type=Path, metavar="DIR", help="real frames; the embedded phantom when left out")
    _option(command, "--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="folder of the study")
    _option(
        command, "--preset", choices=PRESETS, help="budget; quick on the phantom and cpu on real frames when left out"
    )
    _option(command, "--seed", type=int, default=0, metavar="S", help="of everything")
    return command


def _demo(args: argparse.Namespace) -> int:
    from monai_echosynth.workflows.demo import run_demo

    preset = args.preset or ("cpu" if args.data else "quick")
    report = run_demo(args.data, args.out, preset=preset, seed=args.seed)
    print(f"report: {report}")
    return 0


def _add_verify(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "verify", _verify, "check a bundle folder: metadata, checksums, weights, workflow properties"
    )
    _option(command, "--bundle", type=Path, required=True, metavar="DIR", help="bundle folder")
    _option(command, "--data", type=Path, metavar="DIR", help="prepared data: the workflows are built on it, too")
    _option(command, "--schema", type=Path, metavar="FILE", help="MONAI's metadata schema, to validate against")
    return command


def _verify(args: argparse.Namespace) -> int:
    from monai_echosynth.workflows.verify import format_checks, verify_bundle

    checks = verify_bundle(args.bundle, args.data, args.schema)
    print(format_checks(checks))
    return 0 if all(check.passed is not False for check in checks) else 1


def _is_news(record: logging.LogRecord) -> bool:
    """MONAI warns whenever a workflow leaves the logging settings alone, as all workflows here do."""
    return not record.getMessage().startswith("Logging file is set to False")


def _reason(error: BaseException | None) -> Exception | None:
    """The user's error behind ``error``, if any: bundles and transforms raise a RuntimeError from what stopped them."""
    while error is not None:
        if isinstance(error, (EchoSynthError, OSError)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: {_REMEDIES.get(error.errno or 0, 'check the file and its folder')}"
    return " ".join(str(error).split())
