"""Input frames of guided images: gray levels in [0, 1], black without a path, refused at another size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.load_picture import LoadPictured


def test_pictures_and_no_pictures(tmp_path: Path) -> None:
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(gray).save(tmp_path / "a.png")
    load = LoadPictured("source", "image", 8)
    found = load({"source": str(tmp_path / "a.png"), "index": 3})
    assert found["index"] == 3 and found["image"].dtype is torch.float32
    assert torch.equal(found["image"][0], torch.from_numpy(gray.T.copy()) / 255)
    assert torch.equal(load({"source": ""})["image"], torch.zeros(1, 8, 8))
    with pytest.raises(EchoSynthError, match="16 x 16 pixels, got 8 x 8"):
        LoadPictured("source", "image", 16)({"source": str(tmp_path / "a.png")})
