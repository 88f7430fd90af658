"""Which guide and frame the pictures of a guided set have, and what is said about pictures that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_echosynth.data.guided_set import class_conditions, frame_text, guided_items, picture_files, read_picture
from monai_echosynth.errors import EchoSynthError

GUIDES = [{"name": name, "view": name, "condition": number} for number, name in enumerate(("benign", "normal"))]


def test_guides_take_turns_then_frames() -> None:
    items = guided_items(GUIDES, [Path("a.png"), Path("b.png")], 5)
    assert [item["condition"] for item in items] == [0, 1, 0, 1, 0]
    assert [Path(item["source"]).name for item in items] == ["a.png", "a.png", "b.png", "b.png", "a.png"]
    assert all(Path(item["source"]).is_absolute() for item in items)  # found from any folder later
    assert [item["index"] for item in items] == list(range(5))
    assert items[3]["id"] == "normal_s000003" and items[3]["view"] == "normal"
    assert guided_items(GUIDES, [Path("a.png"), Path("b.png")], 3) == items[:3]
    assert len(guided_items(GUIDES)) == 2 and guided_items(GUIDES)[0]["source"] == ""
    with pytest.raises(EchoSynthError, match="count = 0"):
        guided_items(GUIDES, count=0)


def test_classes_and_texts_of_frames() -> None:
    items = [{"id": "a", "view": "normal", "label": "a.png"}, {"id": "b", "view": "benign", "text": "a cyst"}]
    numbered = class_conditions(items, ["benign", "normal"])
    assert [item["condition"] for item in numbered] == [1, 0] and numbered[0]["label"] == "a.png"
    assert [frame_text(item, "tissue, {}") for item in items] == ["tissue, normal", "a cyst"]
    with pytest.raises(EchoSynthError, match="got normal in a"):
        class_conditions(items, ["benign", "malignant"])


def test_pictures_are_read_at_one_size(tmp_path: Path) -> None:
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(gray).save(tmp_path / "b.png")
    Image.fromarray(np.zeros((8, 9), np.uint8) + gray[:, :1]).save(tmp_path / "a.png")
    assert [path.name for path in picture_files(tmp_path)] == ["a.png", "b.png"]
    assert picture_files(tmp_path / "a.png") == [tmp_path / "a.png"]
    assert np.array_equal(read_picture(tmp_path / "b.png", 8), gray.T)
    with pytest.raises(EchoSynthError, match=r"8 x 8 pixels, got 9 x 8 in .*a\.png"):
        read_picture(tmp_path / "a.png", 8)
    with pytest.raises(EchoSynthError, match=r"a picture .* was expected"):
        picture_files(tmp_path / "none")
