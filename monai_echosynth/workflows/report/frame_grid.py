"""Rows of frames with outlines that the reader can switch off, without a script: a checkbox and the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from monai_echosynth.workflows.report.palette import OUTLINES, STRUCTURE_NAMES

__all__ = ["cell", "frame_grid"]


def cell(uri: str, overlay: str, aspect: float, caption: str, alt: str, kind: str = "") -> str:
    """One frame with its overlay and caption.

    Args:
        uri: Data URI of the picture.
        overlay: `<svg>` markup or nothing.
        aspect: Physical width over height.
        caption: Plain text below the frame.
        alt: What the picture shows.
        kind: Arm whose color underlines the caption, or nothing.
    """
    return (
        f'<figure class="frame {escape(kind)}"><div class="screen" style="aspect-ratio:{aspect:.4f}">'
        f'<img src="{uri}" alt="{escape(alt)}">{overlay}</div><figcaption>{escape(caption)}</figcaption></figure>'
    )


def frame_grid(name: str, rows: Sequence[tuple[str, Sequence[str]]], reference: str = "") -> str:
    """Titled rows of cells under a switch and a color key.

    Args:
        name: Unique on the page.
        rows: Title of a row (plain text) and its cells (markup).
        reference: Meaning of the dashed white outline, if drawn.
    """
    key = "".join(
        f'<span class="key"><i style="background:{color}"></i>{escape(STRUCTURE_NAMES[structure])}</span>'
        for structure, _, color in reversed(OUTLINES)
    )
    if reference:
        key += f'<span class="key"><i class="dashed"></i>{escape(reference)}</span>'
    columns = max(len(cells) for _, cells in rows)
    body = "".join(
        f'<h3>{escape(title)}</h3><div class="row" style="--columns:{columns}">{"".join(cells)}</div>'
        for title, cells in rows
    )
    switch = f'<input type="checkbox" id="{name}-outlines" checked><label for="{name}-outlines">Show outlines</label>'
    return f'<div class="frames">{switch}<span class="keys">{key}</span>{body}</div>'
