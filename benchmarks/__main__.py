"""``python -m benchmarks [--quick] [--only NAME ...] [--rounds N] --out results.json [--markdown results.md]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.registry import BENCHMARKS
from benchmarks.runner import Options, run_benchmarks
from benchmarks.table import to_markdown
from monai_echosynth.data.atomic import write_json, write_text

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the parts cost.")
    parser.add_argument("--quick", action="store_true", help="smallest networks, few rounds: only to see that it runs")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each case (default: 7, quick: 2)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="results as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="results as tables, too")
    args = parser.parse_args(argv)
    if args.rounds is not None and args.rounds < 1:
        parser.error(f"--rounds must be 1 or more, got {args.rounds}")
    options = Options(args.quick, args.rounds or (2 if args.quick else 7))
    chosen = {name: run for name, run in BENCHMARKS.items() if not args.only or name in args.only}
    report = run_benchmarks(chosen, options)
    write_json(args.out, report)
    text = to_markdown(report)
    if args.markdown:
        write_text(args.markdown, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
