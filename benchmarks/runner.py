"""Measures alternatives in turns and collects the results of all benchmarks with a description of the machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from monai_echosynth.workflows.machine import describe_machine, package_versions

__all__ = ["FORMAT", "Benchmark", "Case", "Options", "measure", "run_benchmarks", "tabulate", "that_run"]

FORMAT = 1


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Attributes:
        quick: smallest networks and few rounds: to see that everything runs, not to quote.
        rounds: turns of each case.
    """

    quick: bool = False
    rounds: int = 7


@dataclass(frozen=True)
class Case:
    """One of the alternatives.

    Attributes:
        name: what differs from the others.
        run: the work.
        items: images or samples that one call makes.
        facts: further columns of its row, such as the number of network calls.
    """

    name: str
    run: Callable[[], object]
    items: int = 1
    facts: Mapping[str, Any] | None = None


Benchmark = Callable[[Options], dict[str, Any]]
"""Returns ``{"title", "rows": [...]}`` and, where outputs are compared, ``"checks": {name: value}``."""


def that_run(cases: Sequence[Case]) -> tuple[list[Case], dict[str, str]]:
    """Runs every case once; those that can be had here, and for the others why not, by name.

    Compilers fail in ways of their own, and large batches may not fit into memory.
    """
    fine, reasons = list[Case](), dict[str, str]()
    for case in cases:
        try:
            case.run()
        except Exception as error:
            reasons[case.name] = str(error).split("\n")[0]
        else:
            fine.append(case)
    return fine, reasons


def measure(cases: Sequence[Case], rounds: int, warm_up: int = 1) -> list[dict[str, Any]]:
    """Time every case ``rounds`` times, in turns.

    Args:
        cases: alternatives; the first is the reference of ``speedup``.
        rounds: turns, at least 1.
        warm_up: turns before, which do not count.

    Returns:
        A row a case: ``name``, ``seconds_per_item`` (median), ``quartiles``, ``speedup`` (median over the rounds of the
        reference's time per item divided by this one's), ``items``, ``rounds`` and the facts.
    """
    for case in [case for _ in range(warm_up) for case in cases]:
        case.run()
    times: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, column in zip(cases, times, strict=True):
            column.append(_seconds(case.run) / case.items)
    return tabulate(cases, times)


def tabulate(cases: Sequence[Case], times: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """The rows of :func:`measure` for seconds per item that were taken elsewhere, of each case in each round."""
    return [_row(case, column, times[0]) for case, column in zip(cases, times, strict=True)]


def run_benchmarks(benchmarks: Mapping[str, Benchmark], options: Options) -> dict[str, Any]:
    """Run the benchmarks in order; the result is plain JSON."""
    results = {}
    for name, benchmark in benchmarks.items():
        start = time.perf_counter()
        found = benchmark(options)
        results[name] = {**found, "seconds": round(time.perf_counter() - start, 2)}
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "rounds": options.rounds,
        "machine": describe_machine(),
        "versions": package_versions(),
        "results": results,
    }


def _seconds(run: Callable[[], object]) -> float:
    _wait()
    start = time.perf_counter()
    run()
    _wait()
    return time.perf_counter() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _row(case: Case, times: Sequence[float], reference: Sequence[float]) -> dict[str, Any]:
    ratios = [first / own for first, own in zip(reference, times, strict=True)]
    low, _, high = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else [times[0]] * 3
    return {
        "name": case.name,
        "seconds_per_item": statistics.median(times),
        "quartiles": [low, high],
        "speedup": statistics.median(ratios),
        "items": case.items,
        "rounds": len(times),
        **(case.facts or {}),
    }
