"""The ``echosynth`` program: reads the arguments, runs one of ``commands``, and reports what went wrong.

Bad input and files that cannot be read or written end in one line, ``echosynth: error: ...``, and exit code 2; Ctrl-C ends
with 130.
"""

from __future__ import annotations

import argparse
import errno
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from monai_echosynth import __version__
from monai_echosynth.commands import (
    adapt,
    align,
    audit,
    demo,
    demo_align,
    demo_deploy,
    demo_guided,
    demo_label,
    demo_nnunet,
    demo_tee,
    evaluate,
    export,
    gap,
    generate,
    guide,
    import_weights,
    label_app,
    layers,
    metrics,
    nnunet_export,
    nnunet_train,
    phantom,
    prepare,
    remap,
    shapes,
    study,
    train,
    tune_grid,
    utility,
    verify,
    zoo_gates,
)
from monai_echosynth.commands.options import Handler
from monai_echosynth.commands.quiet import quiet_monai
from monai_echosynth.errors import EchoSynthError

__all__ = ["HUB", "build_parser", "main"]

HUB = "hub:"
"""What stands before the id of a bundle on a hub, where a command takes a bundle's folder."""

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


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    args = build_parser().parse_args(argv)
    quiet_monai()
    logging.getLogger("ignite").setLevel(logging.CRITICAL)  # it announces errors that are reported here
    handler: Handler = args.handler
    try:
        if str(getattr(args, "bundle", "")).startswith(HUB):
            args.bundle = _from_hub(str(args.bundle).removeprefix(HUB))
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


def _from_hub(name: str) -> Path:
    """Folder of a bundle that a command names ``hub:owner/name``, fetched and checked."""
    from monai_echosynth.workflows.pretrained import from_pretrained

    return from_pretrained(name).folder


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; each sets ``handler``."""
    parser = argparse.ArgumentParser(
        prog="echosynth", description="Labeled synthetic echocardiography from label maps."
    )
    parser.add_argument("--version", action="version", version=f"echosynth {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    demos = (demo, study, demo_tee, demo_align, demo_guided, demo_label, demo_deploy, demo_nnunet)
    makers = (phantom, prepare, remap, shapes, train, import_weights, layers, adapt, generate, guide, align, tune_grid)
    doors = (export, label_app, nnunet_export, nnunet_train)
    judges = (evaluate, gap, metrics, audit, utility)
    for module in (*makers, *judges, *doors, *demos, verify, zoo_gates):
        command = module.add(commands)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


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
