"""Label tables: what is accepted, what is refused and how it is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError


def row(**changes: Any) -> dict[str, Any]:
    return {"id": 0, "name": "a", "channel": 0, "color": [0, 0, 0], **changes}


def test_builtin_tables_have_the_ids_of_the_specification() -> None:
    assert CAMUS_LABELS.names == {"0": "background", "1": "lv_endo", "2": "myo", "3": "la"}
    assert SEMANTIC_LABELS.names == {"0": "outside", "1": "lv_endo", "2": "myo", "3": "la", "4": "sector"}
    assert SEMANTIC_LABELS.num_channels == 5


def test_a_table_survives_a_file(tmp_path: Path) -> None:
    (tmp_path / "tee.json").write_text(json.dumps(SEMANTIC_LABELS.to_dict()))
    assert LabelTable.from_file(tmp_path / "tee.json") == SEMANTIC_LABELS


def test_channels_order_the_entries() -> None:
    table = LabelTable.from_dict({"name": "t", "labels": [row(id=7, channel=1), row(id=9, name="b")]})
    assert [entry.id for entry in table.entries] == [9, 7]
    assert table.channel_of_id[[7, 9, 3]].tolist() == [1, 0, -1]
    assert table.id_of("a") == 7


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([], "at least one"),
        ([row(), row(name="b", channel=1)], "unique id"),
        ([row(), row(id=1, channel=1)], "unique name"),
        ([row(), row(id=1, name="b")], "unique channel"),
        ([row(channel=1)], "channels 0..0"),
        ([row(id=300)], "0..255"),
        ([row(id=True)], "0..255"),
        ([row(color=[0, 0])], "three numbers"),
        ([row(color=[0, 0, 999])], "0..255"),
        ([row(name="two words")], "names like"),
        ([{"id": 0}], "id, name, channel and color"),
        ("text", "a list"),
    ],
)
def test_bad_tables_are_refused(rows: Any, word: str) -> None:
    with pytest.raises(EchoSynthError, match=word):
        LabelTable.from_dict({"name": "bad", "labels": rows})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{")
    with pytest.raises(EchoSynthError, match=r"t\.json"):
        LabelTable.from_file(tmp_path / "t.json")
    (tmp_path / "t.json").write_text("[]")
    with pytest.raises(EchoSynthError, match="JSON object"):
        LabelTable.from_file(tmp_path / "t.json")


def test_unknown_ids_are_listed_with_the_source() -> None:
    with pytest.raises(EchoSynthError, match=r"got 9, 2\.5 in|got 2\.5, 9 in x\.png"):
        CAMUS_LABELS.check(np.array([[0, 1], [2.5, 9]]), "x.png")
    CAMUS_LABELS.check(np.array([[0.0, 3.0]]), "x.png")
