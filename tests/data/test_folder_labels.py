"""A folder's own label table: completion, refusal with the file's name, and masks read with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.datalist import label_keys, read_label_table
from monai_echosynth.data.folder_labels import CAMUS_FOLDER, folder_labels, labels_beside, semantic_table, structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.masks import load_masks, read_mask
from monai_echosynth.errors import EchoSynthError
from tests.helpers.echo_frames import frame, save_png, sector


def table(*names: str, ids: tuple[int, ...] | None = None) -> dict[str, Any]:
    """A table whose channels run as the names do."""
    numbers = ids or tuple(range(len(names)))
    rows = zip(numbers, names, range(len(names)), strict=True)
    return {
        "name": "mine",
        "labels": [{"id": i, "name": n, "channel": c, "color": [i, 9, 9]} for i, n, c in rows],
    }


def test_completing_the_raw_tables_gives_the_semantic_ones() -> None:
    completed = semantic_table(CAMUS_LABELS)
    assert completed.entries == SEMANTIC_LABELS.entries
    raw = LabelTable.from_dict(table("background", "la", "lv", "ra", "rv"))
    assert semantic_table(raw).names == TEE_LABELS.names
    assert [entry.name for entry in structures(TEE_LABELS)] == ["la", "lv", "ra", "rv"]
    assert semantic_table(TEE_LABELS) == TEE_LABELS


def test_structures_are_numbered_by_channel_whatever_their_ids() -> None:
    raw = LabelTable.from_dict(table("rv", "background", "la", ids=(40, 7, 3)))
    completed = semantic_table(raw)
    assert completed.names == {"0": "outside", "1": "rv", "2": "la", "3": "sector"}
    assert [entry.channel for entry in completed.entries] == [0, 1, 2, 3]
    assert completed.colors[1].tolist() == [40, 9, 9]


def test_a_folder_without_a_table_is_camus(tmp_path: Path) -> None:
    assert folder_labels(tmp_path) is CAMUS_FOLDER
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0}}')
    assert folder_labels(tmp_path) is CAMUS_FOLDER


def test_a_table_may_leave_the_background_out(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(table("la", "lv", ids=(1, 2))))
    labels = folder_labels(tmp_path)
    assert labels.raw.id_of("background") == 0
    assert labels.semantic.names == {"0": "outside", "1": "la", "2": "lv", "3": "sector"}


def test_an_edited_table_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(table("background", "la")))
    assert folder_labels(tmp_path).semantic.num_channels == 3
    path.write_text(json.dumps(table("background", "la", "lv")))
    assert folder_labels(tmp_path).semantic.num_channels == 4


def without(key: str) -> str:
    content = table("background", "la")
    del content["labels"][1][key]
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "readable JSON"),
        ("[]", "JSON object"),
        ("{}", "list under 'labels'"),
        (without("color"), "id, name, channel and color"),
        (without("id"), "id, name, channel and color"),
        (json.dumps(table("background", "la", ids=(0, 300))), "0..255"),
        (json.dumps(table("background", "la", "lv", ids=(0, 1, 1))), "unique ids"),
        (json.dumps(table("background", "la", "la")), "unique names"),
        (json.dumps(table("background")), "needs a structure"),
        (json.dumps(table("background", "outside", "la")), "remove one"),
        (json.dumps(table("la", "lv")), "id 0 for 'la'"),
    ],
)
def test_bad_tables_are_named_in_one_line(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(EchoSynthError, match=word) as caught:
        folder_labels(tmp_path)
    message = str(caught.value)
    assert "\n" not in message and message.count(str(tmp_path / "labels.json")) == 1


def test_a_table_in_the_wrong_place_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/labels.json").write_text(json.dumps(table("background", "la")))
    with pytest.raises(EchoSynthError, match="one folder up"):
        folder_labels(tmp_path)


def test_masks_are_read_with_the_table_of_their_folder(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(table("background", "la", "lv", "rv", ids=(0, 1, 3, 4))))
    image, label = frame()
    label[label == 2] = 4
    save_png(tmp_path / "images/a_ME4C_ED.png", image)
    save_png(tmp_path / "labels/a_ME4C_ED.png", label)
    (item,) = load_masks(tmp_path)
    assert (item["view"], item["phase"]) == ("ME4C", "ED")
    mask = read_mask(item, 48).label
    assert set(np.unique(mask)) == {0, 1, 2, 3, 4}
    native = read_mask({**item}, 48, labels_beside(Path(item["label"]))).label
    assert np.array_equal(native, mask)
    label[24, 20] = 9
    save_png(tmp_path / "labels/a_ME4C_ED.png", label)
    with pytest.raises(EchoSynthError, match=r"got 9 in .*a_ME4C_ED\.png"):
        read_mask(item, 48)


def test_semantic_masks_need_no_image(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(table("outside", "la", "lv", "ra", "rv", "sector")))
    stored = np.where(sector(), 5, 0).astype(np.uint8)
    stored[22:26, 10:14] = 3
    save_png(tmp_path / "labels/a.png", stored)
    (item,) = load_masks(tmp_path)
    mask = read_mask(item, 48).label
    assert set(np.unique(mask)) == {0, 3, 5}


def prepared(folder: Path, labels: LabelTable) -> Path:
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"format": 1, **label_keys(labels)}))
    return folder


def test_the_table_of_prepared_folders_comes_back(tmp_path: Path) -> None:
    camus, tee = prepared(tmp_path / "c", SEMANTIC_LABELS), prepared(tmp_path / "t", TEE_LABELS)
    assert "label_table" not in json.loads((camus / "dataset.json").read_text())
    assert read_label_table(camus) == SEMANTIC_LABELS
    assert read_label_table([tee, tee]) == TEE_LABELS
    with pytest.raises(EchoSynthError, match=r"share one label table.*prepare them"):
        read_label_table([camus, tee])
    (tee / "dataset.json").write_text('{"format": 1, "label_table": {"labels": [{"id": 1}]}}')
    with pytest.raises(EchoSynthError, match=r"dataset\.json.*id, name, channel"):
        read_label_table(tee)
    (tee / "dataset.json").write_text('{"format": 1, "label_table": 3}')
    with pytest.raises(EchoSynthError, match="JSON object"):
        read_label_table(tee)
