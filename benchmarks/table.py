"""Results as markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["to_markdown"]

_FIXED = ("name", "seconds_per_item", "quartiles", "speedup", "items", "rounds")


def to_markdown(report: Mapping[str, Any]) -> str:
    """One section a benchmark, the machine at the top."""
    machine = report["machine"]
    told = f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, {machine['memory_gib']} GiB"
    where = f"{told}, {machine['accelerator'] or 'no accelerator'}; torch {report['versions'].get('torch', '?')}"
    quick = "**Quick run: the numbers are not to be quoted.**\n\n" if report["quick"] else ""
    return f"{quick}{where}; {report['created']}\n\n" + "\n".join(_section(r) for r in report["results"].values())


def _section(result: Mapping[str, Any]) -> str:
    facts = list(dict.fromkeys(key for row in result["rows"] for key in row if key not in _FIXED))
    head = ["case", "ms per item", "quartiles", "speedup", *facts]
    lines = [f"### {result['title']}", "", f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    lines += [
        f"| {' | '.join([*_columns(row), *(_short(row.get(key, '')) for key in facts)])} |" for row in result["rows"]
    ]
    checks = [f"{name}: {_short(value)}" for name, value in result.get("checks", {}).items()]
    return "\n".join([*lines, "", *([", ".join(checks), ""] if checks else [])])


def _columns(row: Mapping[str, Any]) -> list[str]:
    low, high = row["quartiles"]
    return [
        row["name"],
        f"{1e3 * row['seconds_per_item']:.2f}",
        f"{1e3 * low:.2f} - {1e3 * high:.2f}",
        f"{row['speedup']:.2f}x",
    ]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
