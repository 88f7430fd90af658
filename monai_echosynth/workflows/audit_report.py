"""The page of an audit: answers, suspicion of synthetic and held-out frames, the most suspicious ones beside training frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_echosynth.workflows.audit_table import audit_rows
from monai_echosynth.workflows.report.frame_grid import cell
from monai_echosynth.workflows.report.frame_io import frame_png, read_frame
from monai_echosynth.workflows.report.markup import Section, figure, note, number, paragraph, png_uri, table
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.report.palette import ARM_COLORS, INK, MUTED
from monai_echosynth.workflows.report.svg import inline_svg, new_figure, style_axes

__all__ = ["audit_page"]

_READING = (
    "The control is what held-out patients give, whom the generator has never seen: numbers near it speak for nothing "
    "remembered. Textures are frames without gain and without what their label map explains; mirrored, shifted, rotated and "
    "scaled frames are searched as well."
)
_SUSPICION = (
    "Robust standard deviations above the median of held-out frames, of correlation or SSIM with the nearest training frame, "
    "whichever is larger. Frames beyond the line are flagged; it is set by the largest value of each held-out patient."
)

Shown = Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]


def audit_page(found: Mapping[str, Any], shown: Shown) -> str:
    """The page; it holds frames of the training set and must be kept as they are.

    Args:
        found: content of ``audit.json``.
        shown: row of ``audit.json``, entry of the synthetic frame, and entry of its nearest training frame.
    """
    copies, counts = found["copies"], found["sets"]
    sections = [
        Section("answers", "Is anything remembered?", _answers(found)),
        Section("suspicion", "Suspicion", _histogram(found)),
        Section("frames", "Most suspicious frames", _frames(shown, copies["threshold"])),
        Section("membership", "Membership", _membership(found)),
    ]
    lead = (
        f'<p class="lead"><strong>{copies["flagged"]}</strong> of {counts["synthetic"]["frames"]} synthetic frames are flagged '
        f"as copies of {counts['training']['frames']} training frames. {counts['held_out']['patients']} held-out patients set "
        "the threshold.</p>"
    )
    kicker = f"monai-echosynth · {found['size']} × {found['size']} pixels · seed {found['seed']}"
    footer = "Shows training frames: keep it as confidential as they are. Research only, not for diagnosis."
    return render_page("Privacy audit", kicker, lead, sections, footer)


def _answers(found: Mapping[str, Any]) -> str:
    notes = "".join(note(text) for text in found["notes"])
    listed = [
        (row["id"], row["nearest"], number(row["correlation"]), number(row["ssim"]), number(row["suspicion"], 1))
        for row in found["copies"]["frames"][:50]
    ]
    header = ("Frame", "Nearest training frame", "Correlation", "SSIM", "Suspicion")
    flagged = table("Flagged frames", header, listed) if listed else ""
    return (
        table("Audit", ("Question", "Synthetic", "Control"), audit_rows(found)) + paragraph(_READING) + flagged + notes
    )


def _histogram(found: Mapping[str, Any]) -> str:
    scores, limit = found["scores"], found["copies"]["threshold"]
    every = [*scores["synthetic"], *scores["held_out"], limit]
    edges = np.linspace(min(every), max(every) + 1e-6, 41)
    canvas = new_figure(7.6, 2.8)
    axes = canvas.subplots()
    style_axes(axes)
    for side, arm, label in (("held_out", "real", "Held-out"), ("synthetic", "synthetic", "Synthetic")):
        counts, _ = np.histogram(scores[side], edges)
        share = 100.0 * counts / len(scores[side])
        axes.stairs(share, edges, color=ARM_COLORS[arm], lw=2.0, label=label)
        axes.stairs(share, edges, color=ARM_COLORS[arm], fill=True, alpha=0.13)
    axes.axvline(limit, color=MUTED, lw=1.2, ls="--")
    axes.set(xlabel="Suspicion", ylabel="Frames, %")
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    alt = f"Histogram of the suspicion of synthetic and held-out frames; the threshold is {limit:.1f}"
    return figure(inline_svg(canvas, "suspicion", alt), _SUSPICION)


def _frames(shown: Shown, threshold: float) -> str:
    rows = []
    for row, *entries in shown:
        cells = []
        captions = (f"{row['id']}, suspicion {number(row['suspicion'], 1)}", f"training frame {row['nearest']}")
        for entry, kind, caption in zip(entries, ("synthetic", "real"), captions, strict=True):
            frame = read_frame(entry)
            uri = png_uri(frame_png(frame.image, frame.aspect))
            cells.append(cell(uri, "", frame.aspect, caption, caption, kind))
        title = "Flagged" if row["suspicion"] > threshold else "Not flagged"
        rows.append(f'<h3>{title}</h3><div class="row" style="--columns:4">{"".join(cells)}</div>')
    return f'<div class="frames">{"".join(rows)}</div>' if rows else note("No frame was compared.")


def _membership(found: Mapping[str, Any]) -> str:
    attack = found["membership"]
    if not attack:
        return note("No generator was given.")
    rows = [(number(level["sigma"], 2), number(level["auc"])) for level in attack["levels"]]
    text = (
        f"{attack['members']} training frames against {attack['others']} held-out ones, by the denoising loss. An AUC above .5 "
        "with an interval beyond it, or more members found than false alarms, says that the generator knows its training frames."
    )
    return table("AUC by noise level", ("Noise level", "AUC"), rows) + paragraph(text)
