"""Tables of guides: one row a guide, the frames that refer to it, and what the user asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.guided_set import guided_items
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.transformers_folder import TextEncoder
from monai_echosynth.workflows.clip_agreement import sentence
from monai_echosynth.workflows.guides import asked_guides, frame_guides
from tests.helpers.tiny_guided import CLASSES, write_tiny_lesions


def _lengths(texts: Sequence[str]) -> Tensor:
    return torch.tensor([[[float(len(text))] * 2] * 3 for text in texts])


ENCODER = TextEncoder(2, 3, "0" * 64, _lengths)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_lesions(tmp_path_factory.mktemp("lesions"))


def test_frames_share_the_guide_of_their_class_or_text(prepared: Path) -> None:
    items = load_datalist(prepared, "training")
    classes = frame_guides(items, "class", CLASSES, 32)
    assert torch.equal(classes.rows, torch.arange(3))
    assert [CLASSES[item["condition"]] for item in classes.items] == [item["view"] for item in items]
    told = [{**items[0], "text": "a cyst"}, *items[1:]]
    texts = frame_guides(told, "text", CLASSES, 32, ENCODER, "{} tissue")
    assert texts.rows.shape == (4, 3, 2) and texts.rows[texts.items[0]["condition"], 0, 0] == len("a cyst")
    assert all(texts.rows[item["condition"], 0, 0] == len(f"{item['view']} tissue") for item in texts.items[1:])


def test_frames_are_their_own_guide_picture(prepared: Path) -> None:
    items = load_datalist(prepared, "training")
    guides = frame_guides(items, "image", CLASSES, 32)
    assert guides.rows.dtype is torch.uint8 and guides.rows.shape == (len(items), 1, 32, 32)
    wanted = read_pixels(Path(items[2]["image"])).array
    assert np.array_equal(guides.rows[guides.items[2]["condition"], 0].numpy(), wanted)
    other = frame_guides(items[1:], "image", CLASSES, 32)
    assert guides.sha256 != other.sha256 and len(guides.sha256) == 64


def test_what_the_user_asks_for(prepared: Path) -> None:
    both = asked_guides("class", CLASSES, 32, ["normal", "benign"])
    assert [(item["view"], item["condition"]) for item in both.items] == [("normal", 2), ("benign", 0)]
    assert len(asked_guides("class", CLASSES, 32).items) == 3
    asked = ["Malignant mass", "benign or normal", "abnormal tissue"]
    texts = asked_guides("text", CLASSES, 32, texts=asked, encoder=ENCODER)
    assert [item["view"] for item in texts.items] == ["malignant", "", ""] and texts.rows.shape == (3, 3, 2)
    assert [item["text"] for item in guided_items(texts.items)] == asked
    assert "text" not in guided_items(both.items)[0]
    pictures = asked_guides("image", CLASSES, 32, image=prepared / "images")
    assert len(pictures.items) == len(pictures.rows) == 12
    for kind in ("text", "image"):
        with pytest.raises(EchoSynthError, match=f"guided by --{kind}, got none"):
            asked_guides(kind, CLASSES, 32)
    with pytest.raises(EchoSynthError, match="got no class"):
        asked_guides("class", CLASSES, 32, [])


def test_the_clip_score_reads_the_class() -> None:
    assert sentence({"view": "benign"}) == "an ultrasound image, benign"
    assert sentence({"view": "4CH", "phase": "ED"}).endswith("apical four-chamber view at end-diastole")
    assert sentence({"view": "4CH", "text": "a heart"}) == "a heart"
