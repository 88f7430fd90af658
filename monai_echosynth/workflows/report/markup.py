"""The few pieces of HTML every section is made of; whatever text goes in is escaped here and nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

__all__ = ["Section", "details", "figure", "key_values", "note", "number", "paragraph", "png_uri", "table"]


class Section(NamedTuple):
    """One section of the page.

    Attributes:
        anchor: Fragment id, a plain word, which is also its name in the navigation.
        title: Heading, plain text.
        body: HTML.
    """

    anchor: str
    title: str
    body: str


def number(value: Any, digits: int = 3) -> str:
    """Formats a score: fixed digits, an en dash for what is absent (None, NaN, text that is no number)."""
    try:
        real = float(value)
    except (TypeError, ValueError):
        return "–"
    return "–" if real != real else f"{real:.{digits}f}".replace("-", "−")


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def note(text: str) -> str:
    """A plain remark, used where a part of the study is missing."""
    return f'<p class="note">{escape(text)}</p>'


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], html_cells: bool = False) -> str:
    """A table with a caption, column headers and a row header in the first column.

    Args:
        caption: Plain text.
        header: Column names, plain text.
        rows: Cells; plain text, or HTML where `html_cells` (the row header is plain text always).
        html_cells: Whether cells after the first are markup already.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = []
    for first, *rest in rows:
        cells = "".join(f"<td>{cell if html_cells else escape(cell)}</td>" for cell in rest)
        body.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def figure(content: str, caption: str, kind: str = "") -> str:
    """A figure around ready markup with a plain-text caption."""
    return (
        f'<figure{_class(kind)}><div class="scroll">{content}</div><figcaption>{escape(caption)}</figcaption></figure>'
    )


def details(summary: str, content: str) -> str:
    """A block that opens on a click; `content` is markup. Printing opens it through the style sheet."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def key_values(caption: str, values: Mapping[str, Any]) -> str:
    """A two-column table of a nested mapping, keys joined by dots."""
    return table(caption, ("Setting", "Value"), [(key, str(value)) for key, value in _flat(values)])


def png_uri(data: bytes) -> str:
    """Bytes of a PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
