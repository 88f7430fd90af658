"""A set on disk: which mask an image has, what is pending, what is refused, and a manifest only over a whole set."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_echosynth.data.atomic import PARTIAL_PREFIX
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.synthetic_set import SyntheticSet, set_items
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError

SETTINGS = {"seed": 5, "solver": "heun", "nfe": 7}


@pytest.fixture
def masks(tmp_path: Path) -> list[dict[str, Any]]:
    items = []
    for name in "abc":
        path = tmp_path / "masks" / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
        items.append({"label": str(path), "id": name, "patient": f"p{name}", "view": "4CH", "phase": "ED"})
    return items


def _set(folder: Path, masks: list[dict[str, Any]], count: int, **settings: Any) -> SyntheticSet:
    return SyntheticSet(folder, set_items(masks, count, copies=2), {**SETTINGS, **settings}, 8)


def _fill(target: SyntheticSet, only: slice = slice(None)) -> None:
    for item in target.items[only]:
        gray = np.full((8, 8), item["index"] / 20)
        target.write(item, gray, np.full((8, 8), 4), (0.5, 0.25))


def test_masks_go_round_and_their_copies_after_them(masks: list[dict[str, Any]]) -> None:
    items = set_items(masks, 11, copies=2)
    assert [item["mask"] for item in items] == list("abcabcabcab")
    assert [item["copy"] for item in items] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0]
    assert len({item["id"] for item in items}) == 11
    assert items[:4] == set_items(masks, 4, copies=2)
    assert len(set_items(masks)) == 3
    with pytest.raises(EchoSynthError, match="count = 0"):
        set_items(masks, 0)
    with pytest.raises(EchoSynthError, match="copies = -1"):
        set_items(masks, 3, copies=-1)


def test_manifest_stands_over_a_whole_set_alone(tmp_path: Path, masks: list[dict[str, Any]]) -> None:
    target = _set(tmp_path / "out", masks, 5)
    target.begin()
    _fill(target, slice(0, 4))
    assert [item["index"] for item in target.pending()] == [4]
    with pytest.raises(EchoSynthError, match="1 of 5 images are missing"):
        target.finish()
    assert not (tmp_path / "out" / "manifest.json").exists()
    (tmp_path / "out" / "images" / f"{PARTIAL_PREFIX}1-x.nii.gz").write_bytes(b"left by a killed writer")
    _fill(target, slice(4, 5))
    manifest = json.loads(target.finish().read_text())
    assert not list((tmp_path / "out").rglob(f"{PARTIAL_PREFIX}*"))
    assert manifest["count"] == 5 and manifest["nfe"] == 7 and manifest["synthetic"] is True
    record = manifest["images"][3]
    assert (record["mask"], record["copy"], record["seed"]) == ("a", 1, derive_seed(5, 3))
    for key in ("image", "label"):
        content = (tmp_path / "out" / record[key]).read_bytes()
        assert record[f"{key}_sha256"] == hashlib.sha256(content).hexdigest()


def test_a_finished_set_is_a_prepared_folder(tmp_path: Path, masks: list[dict[str, Any]]) -> None:
    target = _set(tmp_path / "out", masks, 4)
    target.begin()
    _fill(target)
    target.finish()
    items = load_datalist(tmp_path / "out", "training")
    assert [item["patient"] for item in items] == ["pa", "pb", "pc", "pa"]


def test_ranks_share_what_is_pending(tmp_path: Path, masks: list[dict[str, Any]]) -> None:
    target = _set(tmp_path / "out", masks, 5)
    shares = [[item["index"] for item in target.pending(rank, 2)] for rank in range(2)]
    assert [sorted(share) for share in shares] == [[0, 2, 4], [1, 3]]


def test_images_of_one_map_follow_each_other(tmp_path: Path, masks: list[dict[str, Any]]) -> None:
    pending = _set(tmp_path / "out", masks, 13).pending()
    maps = [(item["mask"], item["copy"]) for item in pending]
    assert len([1 for a, b in pairwise(maps) if a != b]) + 1 == len(set(maps))


@pytest.mark.parametrize(("count", "larger"), [(1, 2), (2, 5), (4, 9)])
def test_a_larger_count_extends_a_set(tmp_path: Path, masks: list[dict[str, Any]], count: int, larger: int) -> None:
    """Also while the smaller one has not yet used every mask."""
    first = _set(tmp_path / "out", masks, count)
    first.begin()
    _fill(first)
    first.finish()
    second = _set(tmp_path / "out", masks, larger)
    second.begin()
    assert sorted(item["index"] for item in second.pending()) == list(range(count, larger))
    with pytest.raises(EchoSynthError, match=f"a set of {larger} images, more than the {count}"):
        first.begin()


@pytest.mark.parametrize(("key", "value"), [("seed", 6), ("solver", "euler"), ("nfe", 9)])
def test_other_settings_are_refused(tmp_path: Path, masks: list[dict[str, Any]], key: str, value: Any) -> None:
    _set(tmp_path / "out", masks, 3).begin()
    _set(tmp_path / "out", masks, 3).begin()
    with pytest.raises(EchoSynthError, match=f"a set made with {key} = {SETTINGS[key]}, not {value}"):
        _set(tmp_path / "out", masks, 3, **{key: value}).begin()


def test_other_masks_are_refused(tmp_path: Path, masks: list[dict[str, Any]]) -> None:
    _set(tmp_path / "out", masks, 4).begin()
    for others in (masks[::-1], masks[:2]):
        with pytest.raises(EchoSynthError, match="a set made with masks"):
            _set(tmp_path / "out", others, 4).begin()
    Path(masks[1]["label"]).write_bytes(b"edited")
    with pytest.raises(EchoSynthError, match="a set made with masks"):
        _set(tmp_path / "out", masks, 4).begin()


def test_a_folder_with_other_files_is_refused(tmp_path: Path, masks: list[dict[str, Any]]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{PARTIAL_PREFIX}7-generation.json").write_text("left by a killed start")
    _set(tmp_path / "out", masks, 3).begin()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(EchoSynthError, match="must be new or empty"):
        _set(tmp_path / "mine", masks, 3).begin()
