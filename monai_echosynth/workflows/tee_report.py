"""The report page of the adaptation study: figures and tables for people, from its ``summary.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.workflows.remap_picture import draw_remapping
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.interval import Interval, as_interval, interval_html
from monai_echosynth.workflows.report.learning_curve import learning_curves
from monai_echosynth.workflows.report.markup import Section, figure, number, paragraph, png_uri, table
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.tee_frames import draw_tee_frames
from monai_echosynth.workflows.tee_names import ADAPTED_ARMS, ARM_TITLES, PLAIN_ARMS, REFERENCE, cells
from monai_echosynth.workflows.tee_settings import TeeSettings
from monai_echosynth.workflows.tee_summary import tee_summary

__all__ = ["write_tee_report"]

_RULES = (
    "The rules that carry the target's labels to the channels of the base; the segmenters keep the labels they had."
)
_CURVES = "The same network with the same budget on each set, tested on the same patients. Bands are 95 % intervals."
_FRAMES = "Rows: masks of target frames; these frames; synthetic ones from the masks; masks of the shape model; frames from them."


def write_tee_report(study: TeeSettings, out: Path, source: str) -> dict[str, Any]:
    """Write ``summary.json``, ``frames.png``, ``remapping.png`` and ``report.html``; returns the summary.

    Args:
        study: sizes and budgets.
        out: folder of a study whose stages up to ``evaluate`` are finished.
        source: what the target frames are.
    """
    summary = tee_summary(study, out, source)
    write_json(out / "summary.json", summary)
    cell = next(iter(cells(study)))
    draw_tee_frames(out, cell, study.frames[0], out / "frames.png")
    draw_remapping(Remapping.from_file(out / f"adapter_{cell}" / "rules.json"), out / "remapping.png")
    sections = [
        _dice(study, summary),
        _differences(summary),
        _adaptations(summary),
        Section("frames", "Frames", _picture(out / "frames.png", "Real and synthetic frames with masks", _FRAMES)),
        Section("rules", "Label rules", _picture(out / "remapping.png", "Label rules as a diagram", _RULES)),
        _cost(summary),
    ]
    kicker = f"monai-echosynth · {source} · {', '.join(map(str, study.frames))} target frames · seed {study.seed}"
    lead = f'<p class="lead">{escape(_sentence(study, summary))}</p>'
    title, footer = "From transthoracic to transesophageal", "Research only, not for diagnosis."
    write_text(out / "report.html", render_page(title, kicker, lead, sections, footer))
    return summary


def _sentence(study: TeeSettings, summary: Mapping[str, Any]) -> str:
    count = study.frames[0]
    found = as_interval(summary["paired_difference"][f"mixed_{count}_minus_real_{count}"]["mean"])
    data = summary["data"]
    change = f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" if found else "an undefined number"
    return (
        f"With {count} real frames, synthetic frames of an adapted generator change the mean Dice by {change} on "
        f"{data['test']} frames of {data['test_patients']} other patients."
    )


def _dice(study: TeeSettings, summary: Mapping[str, Any]) -> Section:
    scores = summary["dice"]
    structures = list(scores[REFERENCE])
    rows = [(_title(name), *(interval_html(scores[name][key]) for key in structures)) for name in scores]
    body = table("Dice", ("Training set", *structures), rows, html_cells=True)
    if len(study.frames) > 1:
        arms = (*PLAIN_ARMS, *ADAPTED_ARMS)
        panels = {key: {arm: _points(scores, arm, study.frames, key) for arm in arms} for key in structures}
        body = learning_curves(panels, ARM_TITLES, _CURVES) + body
    else:
        body = paragraph(_CURVES.replace("Bands", "Brackets")) + body
    return Section("dice", "Segmentation of held-out patients", body)


def _points(scores: Mapping[str, Any], arm: str, counts: tuple[int, ...], structure: str) -> list[tuple[int, Interval]]:
    found = ((count, as_interval(scores[f"{arm}_{count}"][structure])) for count in sorted(counts))
    return [(count, interval) for count, interval in found if interval]


def _differences(summary: Mapping[str, Any]) -> Section:
    rows, structures = [], list(summary["dice"][REFERENCE])
    for key, row in summary["paired_difference"].items():
        first, second = key.split("_minus_")
        rows.append(
            (f"{_title(first)} − {_title(second)}", *(interval_html(row[name], signed=True) for name in structures))
        )
    text = paragraph("Each test patient is scored by both segmenters; brackets are 95 % intervals over patients.")
    body = table("Difference in Dice", ("Training sets", *structures), rows, html_cells=True)
    return Section("differences", "Paired differences", text + body)


def _adaptations(summary: Mapping[str, Any]) -> Section:
    header = ("Adaptation", "Frames", "Trained", "Adherence", "KID", "Dice, synthetic only", "Dice, real + synthetic")
    rows = []
    for cell, row in summary["adaptations"].items():
        rows.append(
            _adaptation_row(_name(row), row, row, [_dice_of(summary, arm, cell) for arm in ("synthetic", "mixed")])
        )
        if "aligned" in row:
            dice = ["–", _dice_of(summary, "aligned", cell)]
            rows.append(_adaptation_row("the same, aligned to the frames", row, row["aligned"], dice))
    text = paragraph(
        "Adherence is the Dice of a segmenter of real frames against the masks that guided the synthetic ones; KID the kernel "
        "distance to the test frames in its features. Two numbers: masks of target frames; masks of the shape model."
    )
    return Section("adaptations", "Adaptations", text + table("Adaptations", header, rows, html_cells=True))


def _adaptation_row(name: str, row: Mapping[str, Any], made: Mapping[str, Any], dice: list[str]) -> tuple[str, ...]:
    sets = (made["masks_of_frames"], made["masks_of_shape_model"])
    kid = "; ".join(f"{each['kid']:.3f} ± {each['kid_sd']:.3f}" for each in sets)
    adherence = "; ".join(number(each["adherence"]["mean"]) for each in sets)
    return (name, str(row["frames"]), f"{row['params']:,}", adherence, kid, *dice)


def _dice_of(summary: Mapping[str, Any], arm: str, cell: str) -> str:
    return interval_html(summary["dice"].get(f"{arm}_{cell}", {}).get("mean"))


def _name(row: Mapping[str, Any]) -> str:
    if row["method"] != "lora":
        return str(row["name"])
    return f"{row['name']}: {', '.join(row['groups'])}, rank {row['rank']}"


def _title(name: str) -> str:
    arm, _, cell = name.partition("_")
    return f"{ARM_TITLES[arm]}{', ' if cell else ''}{cell.replace('_', ' ', 1)}"


def _picture(path: Path, alt: str, caption: str) -> str:
    return figure(f'<img src="{png_uri(path.read_bytes())}" alt="{escape(alt)}">', caption)


def _cost(summary: Mapping[str, Any]) -> Section:
    def rows() -> Iterator[tuple[str, str]]:
        for name, seconds in summary["timing_s"].items():
            yield name, duration(seconds)
        yield "together", duration(sum(summary["timing_s"].values()))

    return Section("cost", "Time", table("Stages", ("Stage", "Time"), rows()))
