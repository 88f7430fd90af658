"""Resampling: exact area averages, linear interpolation, labels without new ids."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.data.gray_levels import to_uint8
from monai_echosynth.data.resample import resample_image, resample_label, resample_weights


@pytest.mark.parametrize(("n", "m"), [(8, 4), (7, 3), (3, 7), (5, 5), (389, 128)])
def test_weights_sum_to_one_and_keep_constants(n: int, m: int) -> None:
    weights = resample_weights(n, m)
    assert weights.shape == (m, n)
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-6)


def test_downsampling_is_the_exact_area_average() -> None:
    image = np.random.default_rng(0).random((6, 9)).astype(np.float32)
    blocks = image.reshape(3, 2, 3, 3).mean(axis=(1, 3))
    assert np.allclose(resample_image(image, (3, 3)), blocks, atol=1e-6)
    fraction = resample_image(np.array([[0.0], [1.0], [1.0]]), (2, 1))
    assert np.allclose(fraction[:, 0], [1 / 3, 1.0])
    assert resample_image(image, (4, 5)).mean() == pytest.approx(image.mean(), abs=1e-6)


def test_upsampling_is_linear() -> None:
    ramp = np.arange(4.0)[:, None] * np.ones((1, 4))
    values = resample_image(ramp, (8, 4))[:, 0]
    assert np.allclose(values, np.clip((np.arange(8) + 0.5) / 2 - 0.5, 0, 3), atol=1e-6)


def test_labels_take_the_largest_share_and_no_new_ids() -> None:
    label = np.array([[0, 0, 3], [0, 3, 3], [4, 4, 4]], np.uint8)
    assert resample_label(label, (1, 1)).tolist() == [[0]]
    assert np.array_equal(resample_label(label, (3, 3)), label)
    assert set(np.unique(resample_label(label, (11, 7)))) <= {0, 3, 4}


def test_gray_levels() -> None:
    same = np.array([[0, 7, 255]], np.uint8)
    assert to_uint8(same) is same
    assert to_uint8(np.array([[0.0, 0.5, 1.0]])).tolist() == [[0, 128, 255]]
    assert to_uint8(np.array([[-5.0, 10.4, 255.0]])).tolist() == [[0, 10, 255]]
    assert to_uint8(np.array([[0, 65535]], np.uint16)).tolist() == [[0, 255]]
