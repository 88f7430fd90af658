"""Names, ids and colors of a segmenter; values of a viewer's label map are told by the names it sends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.labels import SegmenterLabels, in_ids, segmenter_labels

LABELS = SegmenterLabels(CAMUS_LABELS)


def _bundle(root: Path, classes: object) -> Path:
    (root / "configs").mkdir(parents=True)
    metadata = {"network_data_format": {"outputs": {"pred": {"channel_def": classes}}}}
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
    return root


def test_the_shipped_bundle_has_the_ids_and_colors_of_the_table(repository: Path) -> None:
    labels = segmenter_labels(repository / "bundles" / "echo_segmentation")
    assert labels.raw is CAMUS_LABELS and labels.semantic is SEMANTIC_LABELS
    assert labels.ids == {"lv_endo": 1, "myo": 2, "la": 3}
    assert labels.colors["la"] == [70, 130, 220]


def test_other_structures_keep_their_order_and_get_distinct_colors(tmp_path: Path) -> None:
    classes = {"0": "Background", "2": "valve", "1": "la", "3": "rv"}
    labels = segmenter_labels(_bundle(tmp_path / "b", classes))
    assert labels.ids == {"la": 1, "valve": 2, "rv": 3}
    assert labels.semantic.names == {"0": "outside", "1": "la", "2": "valve", "3": "rv", "4": "sector"}
    assert len({tuple(color) for color in labels.colors.values()}) == 3 and labels.colors["la"] == [70, 130, 220]


@pytest.mark.parametrize("classes", [None, {"zero": "background"}, 7])
def test_metadata_without_classes_is_refused(tmp_path: Path, classes: object) -> None:
    with pytest.raises(EchoSynthError, match=r"names its classes.*metadata\.json"):
        segmenter_labels(_bundle(tmp_path / "b", classes))


def test_values_follow_the_names() -> None:
    maps = np.array([[0, 1], [2, 3]], np.uint8)
    info = [{"name": "LA", "idx": 1}, {"name": "lv_endo", "idx": 2}, {"name": "myo", "idx": 3}]
    assert in_ids(maps, info, LABELS, "x").tolist() == [[0, 3], [1, 2]]
    assert in_ids(maps, None, LABELS, "x") is maps


def test_unknown_segments_are_refused() -> None:
    maps = np.array([[0, 5]], np.uint8)
    with pytest.raises(EchoSynthError, match="got tumor in x"):
        in_ids(maps, [{"name": "tumor", "idx": 5}], LABELS, "x")
    with pytest.raises(EchoSynthError, match="got value 5 in x"):
        in_ids(maps, [{"name": "la", "idx": 1}], LABELS, "x")
    with pytest.raises(EchoSynthError, match="got 5 in x"):
        in_ids(maps, None, LABELS, "x")
