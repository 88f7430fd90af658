"""The report page of the utility study: figures and tables for people, from its ``summary.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.data.finite_json import finite_json
from monai_echosynth.workflows.report.cards import duration
from monai_echosynth.workflows.report.interval import as_interval, interval_html
from monai_echosynth.workflows.report.markup import Section, figure, key_values, number, paragraph, png_uri, table
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.utility_curves import compute_figure, patients_figure, ratio_figure
from monai_echosynth.workflows.utility_frames import draw_utility_frames
from monai_echosynth.workflows.utility_settings import UtilitySettings
from monai_echosynth.workflows.utility_summary import utility_summary

__all__ = ["cell_title", "write_utility_report"]

_SHARE = (
    "Share: synthetic frames among all that the segmenter sees in its training, repeats included. Brackets are 95 % "
    "intervals over test patients."
)
_SETS = (
    "Adherence is the Dice of the segmenter of all real frames against the masks that guided the synthetic ones; KID the kernel "
    "distance to test frames in its features. Copies: frames that resemble one of their training frames more than held-out "
    "patients do; nearness: share of frames nearer to training frames than to as many held-out ones, .5 if nothing is remembered."
)
_COURSES = (
    "Losses on validation frames are watched and choose nothing; a best epoch long before the last one is overfitting."
)
_COMPUTE = (
    "Frames of one generator at equal compute: as many network calls go into many images of few calls or few of many."
)


def write_utility_report(study: UtilitySettings, out: Path, source: str, stages: Sequence[str]) -> dict[str, Any]:
    """Write ``summary.json``, ``frames.png`` and ``report.html``; returns the summary.

    Args:
        study: what was compared.
        out: folder of a study whose stages up to ``evaluate`` are finished.
        source: what the real frames are.
        stages: names of the study's stages.
    """
    summary: dict[str, Any] = finite_json(utility_summary(study, out, source, stages))
    write_json(out / "summary.json", summary)
    rows = draw_utility_frames(study, out, out / "frames.png")
    picture = f'<img src="{png_uri((out / "frames.png").read_bytes())}" alt="Real frames, masks and synthetic frames">'
    sections = [
        _dice(summary),
        _distances(summary),
        _differences(summary),
        *_compute(summary),
        Section("frames", "Frames", figure(picture, f"Rows: {'; '.join(rows)}.")),
        _sets(summary),
        _courses(summary),
        _cost(summary),
    ]
    budget = summary["budget"]
    kicker = f"monai-echosynth · {source} · {', '.join(map(str, study.patients))} real patients · seed {study.seed}"
    equal = f"Every segmenter has {budget['iterations']} steps of {budget['batch_size']} frames and the same network."
    lead = f'<p class="lead">{escape(_sentence(summary))} {escape(equal)}</p>'
    page = render_page(
        "What synthetic frames are good for", kicker, lead, sections, "Research only, not for diagnosis."
    )
    write_text(out / "report.html", page)
    return summary


def cell_title(row: Mapping[str, Any]) -> str:
    """Name of a segmenter in tables."""
    of = f"all {row['patients']}" if row["all_patients"] else row["patients"]
    title = f"{row['title']}, {of} patients"
    if row["ratio"] is None:
        return f"{title}, {row['nfe']} calls an image"
    return f"{title}, ratio {row['ratio']:g}" if row["ratio"] else title


def _sentence(summary: Mapping[str, Any]) -> str:
    """The pair of the smallest number of patients whose synthetic frames help most against strong augmentation."""
    rows, data, best = summary["utility"], summary["data"], None
    for name, row in rows.items():
        if not row["ratio"]:
            continue
        for other, baseline in rows.items():
            found = summary["paired_difference"].get(f"{name}_minus_{other}")
            if found is None or baseline["arm"] != "affine":
                continue
            interval = as_interval(found["dice"]["mean"])
            if interval and (best is None or (-row["patients"], interval.mean) > best[0]):
                best = ((-row["patients"], interval.mean), row, interval)
    test = f"{data['test']} frames of {data['test_patients']} other patients"
    if best is None:
        return f"Segmenters without synthetic frames, tested on {test}."
    _, row, found = best
    return (
        f"With {row['patients']} real patients, the best synthetic frames ({row['title'].removeprefix('Real + ')}, ratio "
        f"{row['ratio']:g}) change the mean Dice by {found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}] over real frames "
        f"with strong affine augmentation, on {test}."
    )


def _dice(summary: Mapping[str, Any]) -> Section:
    rows = summary["utility"]
    header = ("Training set", "Real", "Synthetic", "Share", *next(iter(rows.values()))["dice"])
    body = table("Dice", header, [_row(row, "dice", 3) for row in rows.values()], html_cells=True)
    figures = patients_figure(rows) + ratio_figure(rows)
    return Section("dice", "Segmentation of held-out patients", figures + paragraph(_SHARE) + body)


def _distances(summary: Mapping[str, Any]) -> Section:
    rows = summary["utility"]
    header = ("Training set", "Real", "Synthetic", "Share", *next(iter(rows.values()))["hd95_mm"])
    names = {"hd95_mm": "95th percentile of the Hausdorff distance, mm", "hd_mm": "Hausdorff distance, mm"}
    tables = (
        table(name, header, [_row(row, key, 2) for row in rows.values()], html_cells=True)
        for key, name in names.items()
    )
    return Section("distances", "Distances of outlines", "".join(tables))


def _row(row: Mapping[str, Any], metric: str, digits: int) -> tuple[str, ...]:
    counts = (str(row["real_frames"]), str(row["synthetic_frames"]), f"{row['share_of_synthetic']:.2f}")
    return (cell_title(row), *counts, *(interval_html(value, digits) for value in row[metric].values()))


def _differences(summary: Mapping[str, Any]) -> Section:
    rows = summary["utility"]
    parts = [paragraph("Each test patient is scored by both segmenters; brackets are 95 % intervals over patients.")]
    for metric, title, digits in (("dice", "Difference in Dice", 3), ("hd95_mm", "Difference in HD95, mm", 2)):
        lines, header = [], ("Training sets",)
        for key, found in summary["paired_difference"].items():
            first, second = (cell_title(rows[name]) for name in key.split("_minus_"))
            header = ("Training sets", *found[metric])
            values = (interval_html(value, digits, signed=True) for value in found[metric].values())
            lines.append((f"{first} − {second}", *values))
        parts.append(table(title, header, lines, html_cells=True))
    return Section("differences", "Paired differences", "".join(parts))


def _compute(summary: Mapping[str, Any]) -> list[Section]:
    rows = [row for row in summary["utility"].values() if row["ratio"] is None]
    if not rows:
        return []
    lines = [(cell_title(row), str(row["synthetic_frames"]), interval_html(row["dice"]["mean"])) for row in rows]
    body = table("Equal compute", ("Training set", "Images", "Mean Dice"), lines, html_cells=True)
    return [
        Section(
            "compute",
            "Many cheap images or few good ones",
            paragraph(_COMPUTE) + compute_figure(summary["utility"]) + body,
        )
    ]


def _sets(summary: Mapping[str, Any]) -> Section:
    header = ("Set", "Images", "Calls an image", "Adherence", "KID", "Copies", "Nearness")
    rows = []
    for name, made in summary["sets"].items():
        kid = "–" if made["kid"] is None else f"{made['kid']:.3f} ± {made['kid_sd']:.3f}"
        copies = f"{made['copies']['flagged']} of {made['frames']}"
        cells = (str(made["count"]), str(made["nfe"]), interval_html(made["adherence"]), kid, copies)
        rows.append((name.replace("_", " "), *cells, interval_html(made["nearness"])))
    return Section("sets", "Synthetic sets", paragraph(_SETS) + table("Sets", header, rows, html_cells=True))


def _courses(summary: Mapping[str, Any]) -> Section:
    header = ("Generator", "Frames", "Epochs", "Loss", "Validation loss", "Best", "Best epoch")
    keys = ("validation_loss", "best_validation_loss")
    rows = []
    for name, row in summary["generators"].items():
        losses = (number(row["final_loss"]), *(number(row.get(key)) for key in keys))
        cells = (str(row["frames"]), str(row["epochs"]), *losses, str(row.get("best_epoch", "–")))
        rows.append((name.replace("_", " "), *cells))
    return Section("generators", "Generators", paragraph(_COURSES) + table("Trainings", header, rows))


def _cost(summary: Mapping[str, Any]) -> Section:
    rows = [(name, duration(seconds)) for name, seconds in summary["timing_s"].items()]
    rows.append(("together", duration(sum(summary["timing_s"].values()))))
    settings = key_values("Settings", {**summary["settings"], "segmenter": summary["budget"]})
    return Section("cost", "Settings and time", settings + table("Stages", ("Stage", "Time"), rows))
