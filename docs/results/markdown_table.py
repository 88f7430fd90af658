"""Tables and intervals in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["score", "table"]


def score(value: Mapping[str, Any], sign: str = "") -> str:
    """A mean with its interval, a dash where there is none; ``sign`` is "+" for differences."""
    if value["mean"] is None:
        return "–"
    low, high = value["ci95"]
    return f"{value['mean']:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table and an empty one."""
    for row in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(row) + " |"
    yield ""
