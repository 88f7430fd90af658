"""Everything needed to judge and to repeat the study: data, model, seeds, versions, machine, settings of each stage."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

from monai_echosynth.workflows.report.markup import Section, details, key_values, note, paragraph
from monai_echosynth.workflows.report.study import Study

__all__ = ["limits_section", "reproduce_section", "settings_section"]


def settings_section(study: Study) -> Section:
    """Tables of data, model and generation; settings of each stage behind a click."""
    run = {"preset": study.summary["preset"], "seed": study.summary["seed"]}
    body = key_values("Study", {**run, **study.part("data")})
    for title, key in (("Diffusion model", "diffusion"), ("Generation", "generation"), ("Machine", "machine")):
        if study.part(key):
            body += key_values(title, study.part(key))
    body += (
        key_values("Versions", study.part("versions"))
        if study.part("versions")
        else note("Versions were not recorded.")
    )
    stages = [stage for stage in study.stages() if isinstance(stage.get("settings"), Mapping) and stage["settings"]]
    for stage in stages:
        fingerprint = {"fingerprint": stage["fingerprint"]} if stage.get("fingerprint") else {}
        body += details(
            f"Settings of {stage.get('stage', '?')}", key_values("Settings", {**stage["settings"], **fingerprint})
        )
    if not stages:
        body += note("No stage files were found, so their settings are left out.")
    notes = (study.json("prepared/dataset.json") or {}).get("notes") or []
    body += "".join(note(f"Data: {text}") for text in notes)
    return Section("settings", "Settings and versions", f'<div class="columns">{body}</div>')


def reproduce_section(study: Study) -> Section:
    """The command, as recorded or rebuilt from preset and seed."""
    command = _command(study.summary)
    text = paragraph(
        "The same command with the same seed and versions gives the same scores; finished stages are skipped."
    )
    return Section("reproduce", "How to reproduce", f"{text}<pre><code>{escape(command)}</code></pre>")


def _command(summary: Mapping[str, Any]) -> str:
    recorded = summary.get("command")
    if isinstance(recorded, str):
        return recorded
    if isinstance(recorded, list):
        return shlex.join(map(str, recorded))
    return shlex.join(
        ["echosynth", "demo", "--preset", str(summary["preset"]), "--seed", str(summary["seed"]), "--out", "OUT"]
    )


def limits_section(study: Study) -> Section:
    """What the numbers do not say."""
    patients = study.part("data").get("patients_test", "few")
    points = (
        "For research only. Neither the frames nor the segmenters are medical devices; do not use them for diagnosis.",
        f"Scores come from {patients} test patients of one source. Other machines, views and pathologies may score differently.",
        "Intervals reflect the choice of patients, not a repeated training: another seed moves the scores as well.",
        "A synthetic frame shows what the training set held. What is rare there is rare or absent here.",
        "Synthetic frames can resemble training frames. Check for copies before sharing a set made from private data.",
    )
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    return Section("limits", "Limits", f"<ul>{items}</ul>")
