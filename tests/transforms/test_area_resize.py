"""Forward as the preparation, backward linear, spacing kept true."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from monai_echosynth.data.resample import resample_image
from monai_echosynth.transforms.area_resize import AreaResize, AreaResized


def _image(shape: tuple[int, int] = (50, 70)) -> MetaTensor:
    values = torch.from_numpy(np.random.default_rng(0).random((1, *shape), dtype=np.float32))
    return MetaTensor(values, affine=torch.diag(torch.tensor([0.5, 0.25, 1.0, 1.0], dtype=torch.float64)))


def test_forward_is_the_area_average_of_the_preparation() -> None:
    resized = AreaResize(16)(_image())
    assert torch.equal(resized.as_tensor()[0], torch.from_numpy(resample_image(_image()[0].numpy(), (16, 16))))
    assert resized.mean().item() == pytest.approx(_image().mean().item(), rel=1e-5)


def test_size_already_right_changes_nothing() -> None:
    image = _image((16, 16))
    resized = AreaResize(16)(image)
    assert torch.equal(resized, image)
    assert torch.equal(resized.affine, image.affine)


def test_spacing_follows_the_size() -> None:
    resized = AreaResize((25, 35))(_image())
    assert resized.pixdim[:2].tolist() == pytest.approx([1.0, 0.5])


def test_invertd_returns_to_the_native_grid_linearly() -> None:
    transform = Compose([AreaResized("image", 16)])
    item = transform({"image": _image()})
    ramp = torch.linspace(0, 1, 16)[None, :, None].expand(1, 16, 16)
    item["pred"] = MetaTensor(ramp.clone())
    back = Invertd("pred", transform, orig_keys="image", nearest_interp=False)(item)["pred"]
    assert back.shape == (1, 50, 70)
    assert torch.allclose(back.affine, _image().affine)
    steps = torch.diff(back.as_tensor()[0, 4:-4, 0])
    assert torch.allclose(steps, torch.full_like(steps, 16 / 50 / 15), atol=1e-5)


def test_input_is_untouched_and_bad_sizes_are_refused() -> None:
    image = _image()
    AreaResized("image", 16)({"image": image})
    assert not image.applied_operations
    with pytest.raises(ValueError, match="two positive numbers"):
        AreaResize((4, 4, 4))
