"""``summary.json`` and the report page of the adaptation study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.adaptation import read_adapter_info
from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.workflows.machine import describe_machine, package_versions
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.interval import as_interval
from monai_echosynth.workflows.report.markup import Section, figure, key_values, paragraph, png_uri, table
from monai_echosynth.workflows.report.mosaic import draw_mosaic
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.tee_arms import ARM_TITLES, TEE_ARMS
from monai_echosynth.workflows.tee_scores import PAIRS, SETS

__all__ = ["write_tee_report"]

_SHOWN = 6


def write_tee_report(out: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``summary.json``, ``frames.png`` and ``report.html``; returns the summary.

    Args:
        out: folder of a study whose stages up to ``evaluate`` are finished.
        description: ``seed`` and ``frames``.
    """
    summary = _summary(out, description)
    write_json(out / "summary.json", summary)
    _draw_frames(out, out / "frames.png")
    sections = [_scores(summary), _differences(summary), _frames(out), _cost(summary)]
    kicker = f"monai-echosynth · {description['frames']} target frames · seed {description['seed']}"
    lead = f'<p class="lead">{escape(_sentence(summary))}</p>'
    title = "From transthoracic to transesophageal"
    footer = "Simulated frames. Research only, not for diagnosis."
    write_text(out / "report.html", render_page(title, kicker, lead, sections, footer))
    return summary


def _summary(out: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    records = {path.stem: _read(path) for path in sorted((out / "stages").glob("*.json"))}
    records = {name: record for name, record in records.items() if "seconds" in record}
    scores = {arm: _read(out / "evaluation" / arm / "scores.json") for arm in TEE_ARMS}
    adherence = {name: _read(out / "evaluation" / f"adherence_{name}" / "scores.json") for name in SETS}
    info = read_adapter_info(out / "adapter" / "models" / "adapter.safetensors")
    return {
        "data": {**records["target"]["metrics"], "frames": description["frames"]},
        "adapter": {**records["adapter"]["metrics"], **info.settings.to_dict()},
        "shapes": records["shapes"]["metrics"],
        "dice": {arm: {**score["dice"], "mean": score["mean_dice"]} for arm, score in scores.items()},
        "paired_difference": _read(out / "evaluation" / "differences.json"),
        "mask_adherence": {name: score["mean_dice"]["mean"] for name, score in adherence.items()},
        "timing_s": {name: record["seconds"] for name, record in records.items()},
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records.values()),
        "versions": package_versions(),
        "machine": describe_machine(),
        "seed": description["seed"],
    }


def _sentence(summary: Mapping[str, Any]) -> str:
    found = summary["paired_difference"]["mixed_minus_real"]["mean"]
    low, high = found["ci95"]
    return (
        f"With {summary['data']['frames']} real frames, synthetic frames of an adapted generator change the mean Dice by "
        f"{found['mean']:+.3f} [{low:+.3f}, {high:+.3f}] on {summary['data']['test']} frames of other patients."
    )


def _scores(summary: Mapping[str, Any]) -> Section:
    names = [*summary["dice"]["real"]]
    rows = [(ARM_TITLES[arm], *(_cell(scores[name]) for name in names)) for arm, scores in summary["dice"].items()]
    text = paragraph(
        "The same network with the same budget on each set, tested on the same patients. Brackets are 95 % intervals."
    )
    header = ("Training set", *names)
    return Section("scores", "Segmentation of held-out patients", text + table("Dice", header, rows, html_cells=True))


def _differences(summary: Mapping[str, Any]) -> Section:
    names = [*summary["dice"]["real"]]
    rows = [
        (f"{a} − {b}", *(_cell(summary["paired_difference"][f"{a}_minus_{b}"][name]) for name in names))
        for a, b in PAIRS
    ]
    return Section("differences", "Paired differences", table("Dice", ("Arms", *names), rows, html_cells=True))


def _frames(out: Path) -> Section:
    caption = "Columns: masks; real frames; frames generated from the masks; sampled masks and their frames below."
    picture = f'<img src="{png_uri((out / "frames.png").read_bytes())}" alt="Real and synthetic esophageal frames">'
    return Section("frames", "Frames", figure(picture, caption))


def _cost(summary: Mapping[str, Any]) -> Section:
    rows = [(name, duration(seconds)) for name, seconds in summary["timing_s"].items()]
    adapter = key_values("Adapter", summary["adapter"])
    return Section("cost", "Adapter and cost", adapter + table("Stages", ("Stage", "Time"), rows))


def _draw_frames(out: Path, path: Path) -> None:
    """Rows: masks, real frames, frames from the same masks, sampled masks, frames from them."""
    colors = read_label_table(out / "few").colors
    few = {str(item["id"]): item for item in load_datalist(out / "few", "training")}
    rows: list[list[np.ndarray]] = [[], [], [], [], []]
    for item in load_datalist(out / "generate", "training")[:_SHOWN]:
        rows[0].append(colors[_pixels(item["label"])])
        rows[1].append(_pixels(few[str(item["mask"])]["image"]))
        rows[2].append(_pixels(item["image"]))
    for item in load_datalist(out / "generate_shapes", "training")[:_SHOWN]:
        rows[3].append(colors[_pixels(item["label"])])
        rows[4].append(_pixels(item["image"]))
    draw_mosaic(rows, ["mask, real, synthetic, sampled mask, synthetic"], path)


def _pixels(path: str) -> np.ndarray:
    return np.asarray(read_pixels(Path(path)).array).astype(np.uint8)


def _cell(value: Any) -> str:
    found = as_interval(value)
    return found.html() if found else "–"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
