"""Bad tables, rules and label maps for ``echosynth remap``: one line, code 2, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import TEE_LABELS
from tests.helpers.echo_frames import save_png

Fails = Callable[..., str]

LEFT = [
    {"kind": "identity", "labels": ["la"], "target": "la"},
    {"kind": "identity", "labels": ["lv"], "target": "lv_endo"},
]
RIGHT = {"kind": "repurpose", "labels": ["ra", "rv"], "target": "myo"}


def rule(kind: str, target: str, *labels: str) -> dict[str, Any]:
    return {"kind": kind, "labels": list(labels), "target": target}


def command(out: Path, *more: object) -> list[object]:
    return ["remap", "--source", "tee", "--out", out, *more]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (LEFT, ["'ra', 'rv'", "needs a rule"]),
        ([*LEFT, RIGHT, rule("reduce", "la", "ra")], ["mapped once", "'ra'"]),
        ([*LEFT, rule("repurpose", "lv_epi", "ra", "rv")], ["'lv_epi'", "choose one of these"]),
        ([*LEFT, rule("repurpose", "la", "ra", "rv")], ["'ra', 'rv' -> 'la'", "choose 'myo'"]),
        ([*LEFT, rule("reduce", "myo", "ra", "rv", "sector")], ["'sector' must be kept"]),
        ([*LEFT, rule("reduce", "myo", "ra", "rv", "outside")], ["'outside' must be kept"]),
        ([*LEFT, rule("identity", "myo", "ra", "rv")], ["identity keeps one label", "'ra', 'rv'"]),
        ([*LEFT, RIGHT, rule("identity", "myo", "aorta")], ["'aorta'", "'tee'"]),
        ([*LEFT, rule("fuse", "myo", "ra", "rv")], ["'fuse'", "repurpose"]),
        ([*LEFT, {"kind": "reduce"}], ["kind, labels and target"]),
        ({"rules": 3}, ["a list under 'rules'"]),
    ],
)
def test_rules(rules: object, words: list[str], tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    fails(command(tmp_path / "out", "--rules", tmp_path / "rules.json"), "rules.json", *words)
    assert not (tmp_path / "out").exists()


def test_rules_of_another_table(tmp_path: Path, fails: Fails) -> None:
    content = {"source": {**TEE_LABELS.to_dict(), "name": "old"}, "rules": [*LEFT, RIGHT]}
    content["source"]["labels"][1]["id"] = 9  # type: ignore[index]
    (tmp_path / "rules.json").write_text(json.dumps(content))
    fails(command(tmp_path / "out", "--rules", tmp_path / "rules.json"), "source table 'old'", "'tee'")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--source", "--base", "--rules", "--labels"])
def test_missing_files(option: str, tmp_path: Path, fails: Fails) -> None:
    fails(command(tmp_path / "out", option, tmp_path / "missing.json"), tmp_path / "missing.json")
    assert not (tmp_path / "out").exists()


def test_tables(tmp_path: Path, fails: Fails) -> None:
    path = tmp_path / "table.json"
    rows = TEE_LABELS.to_dict()["labels"]
    for content, words in (
        ("{", ["readable JSON", path]),
        (json.dumps({"labels": rows[:5]}), ["'table'", "'sector'"]),
        (json.dumps({"labels": [*rows, {**rows[1], "id": 6, "channel": 6, "name": "aorta"}]}), ["aorta", "by hand"]),
        (json.dumps({"labels": [*rows, {**rows[1], "channel": 6, "name": "x"}]}), ["unique id"]),
    ):
        path.write_text(content)
        fails(command(tmp_path / "out", "--source", path), *words)
    path.write_text(json.dumps({"labels": rows[1:]}).replace('"channel": 5', '"channel": 0'))
    fails(command(tmp_path / "out", "--base", path), "'outside'")
    assert not (tmp_path / "out").exists()


def test_label_maps(tmp_path: Path, fails: Fails) -> None:
    label = np.full((16, 16), 5, np.uint8)
    label[4:8] = 6
    save_png(tmp_path / "labels" / "a.png", label)
    for given in (tmp_path, tmp_path / "labels", tmp_path / "labels" / "a.png"):
        fails(command(tmp_path / "out", "--labels", given), "got 6 in", "a.png", "'tee'")
    (tmp_path / "empty").mkdir()
    fails(command(tmp_path / "out", "--labels", tmp_path / "empty"), "empty")
    (tmp_path / "labels" / "a.png").write_bytes(b"no picture")
    fails(command(tmp_path / "out", "--labels", tmp_path / "labels"), "a.png", "whole PNG")
    assert not (tmp_path / "out").exists()


def test_output_below_a_file(tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "file").write_text("not a folder")
    fails(command(tmp_path / "file" / "out"), tmp_path / "file", "choose")
