"""A volume of one slice becomes a frame and back; what the image says about its grid follows."""

from __future__ import annotations

import numpy as np
import torch
from monai.data import MetaTensor

from monai_echosynth.transforms.slice_axis import AddSliceAxisd, DropSliceAxisd


def test_slice_axis_is_dropped_where_there_is_one() -> None:
    volume = MetaTensor(torch.arange(6.0).reshape(1, 2, 3, 1), affine=torch.diag(torch.tensor([2.0, 3.0, 1.0, 1.0])))
    cine = torch.zeros(1, 2, 3, 5)
    out = DropSliceAxisd(["image", "cine", "frame"])({"image": volume, "cine": cine, "frame": cine[..., 0]})
    assert out["image"].shape == (1, 2, 3) and torch.equal(out["image"].as_tensor().flatten(), torch.arange(6.0))
    assert torch.equal(out["image"].affine, volume.affine)
    assert out["cine"] is cine and out["frame"].shape == (1, 2, 3)


def test_slice_axis_is_added_and_announced() -> None:
    image = MetaTensor(torch.zeros(1, 8, 8), meta={"spatial_shape": np.array([2, 3])})
    out = AddSliceAxisd("pred")({"image": image, "pred": torch.ones(1, 2, 3)})
    assert out["pred"].shape == (1, 2, 3, 1)
    assert out["image"].meta["spatial_shape"].tolist() == [2, 3, 1]
    again = AddSliceAxisd("pred")({"image": out["image"], "pred": torch.ones(1, 2, 3)})
    assert again["image"].meta["spatial_shape"].tolist() == [2, 3, 1]
