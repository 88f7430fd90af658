"""``echosynth remap``: the table, the rules file and what the picture shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from monai_echosynth import cli
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.frame import Pixels
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_proposal import propose_remapping
from monai_echosynth.data.phantom.esophageal_writer import write_label_table
from monai_echosynth.workflows.remap_picture import draw_remapping
from monai_echosynth.workflows.remap_table import format_remapping, load_table, remap
from tests.helpers.echo_frames import save_png

TEE = propose_remapping(TEE_LABELS)
TABLE = """\
tee -> semantic
source label  id  operation  base label  channel
outside       0   identity   outside     0
la            1   reduce     la          3
lv            2   identity   lv_endo     1
ra            3   reduce     la          3
rv            4   repurpose  myo         2
sector        5   identity   sector      4
unused base labels: none"""
CAMUS_RULES = [
    {"kind": "identity", "labels": ["lv_endo"], "target": "lv_endo"},
    {"kind": "identity", "labels": ["la"], "target": "la"},
    {"kind": "reduce", "labels": ["myo"], "target": "sector"},
]


def tee_map() -> NDArray[np.uint8]:
    """Four chambers as quarters of a sector, (X, Y)."""
    label = np.full((32, 24), 5, np.uint8)
    label[:, :2] = 0
    label[4:12, 4:10], label[18:26, 4:10], label[4:12, 12:20], label[18:26, 12:20] = 3, 1, 4, 2
    return label


def sides(path: Path) -> list[set[tuple[int, ...]]]:
    """Colors in the left quarter and in the right quarter of a picture."""
    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    codes = picture[..., 0] << 16 | picture[..., 1] << 8 | picture[..., 2]
    width = codes.shape[1] // 4
    parts = (np.unique(part).tolist() for part in (codes[:, :width], codes[:, -width:]))
    return [{(code >> 16, code >> 8 & 255, code & 255) for code in part} for part in parts]


def test_table_in_words() -> None:
    assert format_remapping(TEE) == TABLE


def test_command_proposes_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert cli.main(["remap", "--source", "tee", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(TABLE) and "proposed" in printed
    assert sorted(path.name for path in out.iterdir()) == ["remap.png", "rules.json"]
    assert Remapping.from_file(out / "rules.json") == TEE
    assert cli.main(["remap", "--source", "tee", "--rules", str(out / "rules.json"), "--out", str(out)]) == 0
    assert "proposed" not in capsys.readouterr().out


def test_tables_are_names_or_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**TEE_LABELS.to_dict(), "name": "mine"}))
    assert load_table(path).name == "mine" and load_table("semantic") is SEMANTIC_LABELS
    assert load_table("camus").entries == SEMANTIC_LABELS.entries
    (tmp_path / "rules.json").write_text(json.dumps(CAMUS_RULES))
    remapping = remap("camus", tmp_path / "out", "semantic", tmp_path / "rules.json")
    assert remapping.sources_of("sector") == ("myo", "sector")
    assert format_remapping(remapping).endswith("unused base labels: myo")


def test_picture_shows_the_map_before_and_after(tmp_path: Path) -> None:
    draw_remapping(TEE, tmp_path / "remap.png", Pixels(tee_map(), (1.0, 0.8)))
    before, after = sides(tmp_path / "remap.png")
    color = {entry.name: entry.color for entry in (*SEMANTIC_LABELS.entries, *TEE_LABELS.entries)}
    assert {color[name] for name in ("la", "lv", "ra", "rv", "sector", "outside")} <= before
    assert {color[name] for name in ("la", "lv_endo", "myo", "sector", "outside")} <= after
    assert not {color["ra"], color["rv"]} & after and color["myo"] not in before


def test_picture_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_remapping(TEE, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_folder_gives_its_fullest_map(tmp_path: Path) -> None:
    poor = tee_map()
    poor[poor == 4] = 5
    save_png(tmp_path / "labels" / "a.png", poor)
    save_png(tmp_path / "labels" / "b.png", tee_map())
    save_png(tmp_path / "labels" / "c.png", poor)
    remap("tee", tmp_path / "out", labels=tmp_path)
    before, _ = sides(tmp_path / "out" / "remap.png")
    assert TEE_LABELS.entries[4].color in before


def test_a_table_of_annotations_gets_the_ids_of_prepared_maps(tmp_path: Path) -> None:
    write_label_table(tmp_path)
    for source in (tmp_path, tmp_path / "labels.json"):
        assert load_table(source) == TEE_LABELS
