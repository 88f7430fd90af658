"""Scores with confidence intervals in the shapes in which a summary holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from monai_echosynth.workflows.report.markup import number

__all__ = ["Interval", "as_interval", "interval_html"]


class Interval(NamedTuple):
    """A score and its 95 % interval; bounds are NaN where no interval is known."""

    mean: float
    low: float
    high: float

    def html(self, digits: int = 3) -> str:
        """The score with its interval in smaller type."""
        if self.low != self.low or self.high != self.high:
            return number(self.mean, digits)
        return f'{number(self.mean, digits)} <span class="ci">[{number(self.low, digits)}, {number(self.high, digits)}]</span>'


def as_interval(value: Any) -> Interval | None:
    """Reads `{"mean", "ci95": [low, high]}` or a bare number; None for anything else."""
    if isinstance(value, Mapping):
        mean, bounds = value.get("mean"), value.get("ci95") or (None, None)
    else:
        mean, bounds = value, (None, None)
    if isinstance(mean, bool) or not isinstance(mean, int | float):
        return None
    low, high = (float("nan") if bound is None else float(bound) for bound in bounds)
    return Interval(float(mean), low, high)


def interval_html(value: Any, digits: int = 3, signed: bool = False) -> str:
    """What :func:`as_interval` reads as markup, differences with their sign; an en dash where there is none."""
    found = as_interval(value)
    if found is None:
        return "–"
    if not signed:
        return found.html(digits)
    mean, low, high = (f"{bound:+.{digits}f}" for bound in found)
    return f'{mean} <span class="ci">[{low}, {high}]</span>'
