"""Is a frame of two network calls as good as one of 63?

    python -m benchmarks.few_calls --data PREPARED --judge SEGMENTER --teacher BUNDLE --student BUNDLE --out runs/few_calls \\
        --page docs/results/few_calls.md

Resumes where it stopped; the same command in a second terminal shares the work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.few_calls.page import draw, page, rows
from benchmarks.few_calls.study import Budget, Bundles, stages
from monai_echosynth.data.atomic import write_text
from monai_echosynth.workflows.stage_sharing import share_stages

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Does what is left and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.few_calls", description=__doc__)
    for name, told in (
        ("data", "prepared folder of real frames, with test patients"),
        ("judge", "segmenter trained on its real frames"),
        ("teacher", "trained generator"),
        ("student", "its student"),
        ("out", "folder of the work"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="DIR", help=told)
    parser.add_argument("--consistency", type=Path, metavar="DIR", help="another student, by consistency tuning, too")
    parser.add_argument(
        "--tuned", type=Path, metavar="DIR", help="copy of the teacher with levels of tune-grid for unipc, too"
    )
    parser.add_argument("--companion", type=Path, metavar="DIR", help="companion of the teacher: autoguidance, too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="page of results, a picture beside it")
    default = Budget()
    for name in ("frames", "steps", "main_steps", "seeds"):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=int, default=getattr(default, name), metavar="N", help="(%(default)s)"
        )
    args = parser.parse_args(argv)
    given = {name: getattr(args, name) for name in ("frames", "steps", "main_steps", "seeds")}
    names = ("teacher", "student", "consistency", "tuned", "companion")
    bundles = Bundles(*(path and path.resolve() for path in (getattr(args, name) for name in names)))
    budget = Budget(**given)
    share_stages(stages(args.data.resolve(), args.judge.resolve(), bundles, budget), args.out.resolve())
    if args.page:
        options = "".join(
            f" --{name.replace('_', '-')} {value}" for name, value in given.items() if value != getattr(default, name)
        )
        options += "".join(f" --{name} BUNDLE" for name in names if getattr(args, name))
        command = f"python -m benchmarks.few_calls --data PREPARED --judge SEGMENTER{options} --out runs/few_calls"
        write_text(args.page, "\n".join(page(args.out, budget, bundles.cells(), command, args.data.name)))
        draw(rows(args.out, budget, bundles.cells())).savefig(args.page.with_suffix(".png"), dpi=110)
    return 0


if __name__ == "__main__":
    sys.exit(main())
