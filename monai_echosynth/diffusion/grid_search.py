r"""Search for the sampling grid of a number of steps: first the three numbers of Karras' law, then every level by itself.

The law has a first and a last level and an exponent; a pattern search over :math:`(\ln\sigma_{max}, \ln\sigma_{min}, \rho)`
finds a good one. From there each level in turn moves up and down in :math:`\ln\sigma` between its neighbors. A move stays where
it lowers the distance; a round without any halves the moves. What the distance is, is the caller's: that of few-call samples from
the many-call samples of the same noise, say. The result is never worse than the start.

References:
    Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", equation 5: https://arxiv.org/abs/2206.00364
    Sabour et al., "Align Your Steps: Optimizing Sampling Schedules in Diffusion Models": https://arxiv.org/abs/2404.14507
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monai_echosynth.diffusion.sigma_grid import karras_sigmas

__all__ = ["FoundGrid", "search_grid"]

Distance = Callable[[Sequence[float]], float]
_Move = Callable[[tuple[float, ...], int, float], tuple[float, ...] | None]

_SMALLEST = 0.02
_LOWEST, _HIGHEST = 1e-3, 1e3


@dataclass(frozen=True)
class FoundGrid:
    """Result of a search.

    Attributes:
        levels: noise levels, decreasing, last 0.
        distance: of these levels.
        default: distance of the levels that the search started from.
        evaluations: distances that were computed.
    """

    levels: tuple[float, ...]
    distance: float
    default: float
    evaluations: int


def search_grid(distance: Distance, start: Sequence[float], rho: float = 7.0, evaluations: int = 80) -> FoundGrid:
    """Lowers ``distance`` over grids with as many levels as ``start``.

    Args:
        distance: of a grid; it is called with decreasing levels that end with 0. Values that are not finite count as bad.
        start: the grid to improve.
        rho: exponent from which the search of the law starts.
        evaluations: distances to compute at most; half of them at most for the law.
    """
    seen: dict[tuple[float, ...], float] = {}

    def measured(levels: tuple[float, ...]) -> float:
        if levels not in seen:
            value = distance(levels)
            seen[levels] = value if math.isfinite(value) else math.inf
        return seen[levels]

    best = tuple(float(level) for level in start)
    default = measured(best)
    steps = len(best) - 1
    if steps > 1:
        law = (math.log(best[0]), math.log(best[-2]), rho)
        for found in _descend(lambda p: measured(_levels(p, steps)), law, _of_law, evaluations // 2, seen):
            candidate = _levels(found, steps)
            best = candidate if measured(candidate) < measured(best) else best
    logs = tuple(math.log(level) for level in best[:-1])
    for found in _descend(lambda p: measured((*map(math.exp, p), 0.0)), logs, _of_level, evaluations, seen):
        candidate = (*map(math.exp, found), 0.0)
        best = candidate if measured(candidate) < measured(best) else best
    return FoundGrid(best, measured(best), default, len(seen))


def _descend(
    value: Callable[[tuple[float, ...]], float],
    point: tuple[float, ...],
    move: _Move,
    limit: int,
    seen: dict[tuple[float, ...], float],
) -> Iterator[tuple[float, ...]]:
    """Every better point of a pattern search that ends after ``limit`` distances in all or where its moves are small."""
    size, lowest = 0.5, value(point)
    yield point
    while size > _SMALLEST:
        improved = False
        for axis in range(len(point)):
            for sign in (1.0, -1.0):
                if len(seen) >= limit:
                    return
                tried = move(point, axis, sign * size)
                if tried is not None and value(tried) < lowest:
                    point, lowest, improved = tried, value(tried), True
                    yield point
                    break
        size = size if improved else size / 2


def _levels(law: tuple[float, ...], steps: int) -> tuple[float, ...]:
    return tuple(karras_sigmas(steps, math.exp(law[1]), math.exp(law[0]), law[2]).tolist())


def _of_law(law: tuple[float, ...], axis: int, amount: float) -> tuple[float, ...] | None:
    """The levels move in their logarithm, the exponent by a factor; None where that makes no grid."""
    moved = list(law)
    moved[axis] = law[axis] * math.exp(amount) if axis == 2 else law[axis] + amount
    high, low, rho = moved
    inside = math.log(_LOWEST) < low < high - 0.1 and high < math.log(_HIGHEST) and 0.5 < rho < 50
    return tuple(moved) if inside else None


def _of_level(logs: tuple[float, ...], axis: int, amount: float) -> tuple[float, ...] | None:
    """One level moves; None where it would pass a neighbor."""
    moved = (*logs[:axis], logs[axis] + amount, *logs[axis + 1 :])
    inside = math.log(_LOWEST) < moved[-1] and moved[0] < math.log(_HIGHEST)
    return moved if inside and all(a > b + 1e-3 for a, b in pairwise(moved)) else None
