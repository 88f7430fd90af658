"""Painted frames: gray levels as drawn in every structure, speckle by its law, deterministic, the sector and the labels kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.label_synthesis import LabelSynthesis, LabelSynthesisd, paint, speckle
from monai_echosynth.transforms.synthesis_look import FrameLook, LookLimits, draw_look
from tests.helpers.tiny_prepared import tiny_frame

SIZE = 256
PLAIN = LookLimits(
    mean=(0.35, 0.65),
    spread=(0.02, 0.05),
    patches=(0.0, 0.0),
    axial=(0.002, 0.002),
    lateral=(0.002, 0.004),
    blur=(0.0, 0.0),
    gain=(0.0, 0.0),
    shading=(0.0, 0.0),
    contrast=(0.0, 0.0),
)
"""Gray level and speckle alone, far from black and white."""


@pytest.fixture(scope="module")
def label() -> NDArray[np.uint8]:
    return tiny_frame((SIZE, SIZE), np.random.default_rng(3))[1]


def stream(seed: int, index: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(derive_seed(seed, "synthesis", index)))


def look_with(**values: object) -> FrameLook:
    return replace(draw_look(np.random.default_rng(0), (1, 2, 3, 4), PLAIN), **values)  # type: ignore[arg-type]


def test_every_structure_has_the_gray_level_and_the_spread_that_were_drawn(label: NDArray[np.uint8]) -> None:
    means, seen = [], LabelSynthesis(7, PLAIN)
    for index in range(4):
        image, drawn = seen(label, index), draw_look(stream(7, index), (1, 2, 3, 4), PLAIN)
        for number in (1, 2, 3, 4):
            inside = image[label == number]
            assert inside.mean() == pytest.approx(drawn.means[number], abs=0.15 * drawn.spreads[number])
            assert inside.std() == pytest.approx(drawn.spreads[number], rel=0.12)
        means.append([drawn.means[number] for number in (1, 2, 3, 4)])
    assert np.ptp(np.array(means), axis=0).min() > 0.03  # drawn anew for each frame


def test_the_default_ranges_reach_from_black_to_white(label: NDArray[np.uint8]) -> None:
    seen = LabelSynthesis(0)
    levels = np.array(
        [[seen(label[::4, ::4], k)[label[::4, ::4] == i].mean() for i in (1, 2, 3, 4)] for k in range(40)]
    )
    assert levels.min() < 0.12 and levels.max() > 0.8
    order = {tuple(np.argsort(row)) for row in levels}
    assert len(order) > 12  # any structure may be the brightest


def test_the_sector_is_kept_and_values_are_gray_levels(label: NDArray[np.uint8]) -> None:
    before = label.copy()
    for index in range(6):
        image = LabelSynthesis(1)(label, index)
        assert image.dtype == np.float32 and image.shape == label.shape
        assert np.all(image[label == 0] == 0) and image.min() >= 0 and image.max() <= 1
        assert (image[label > 0] > 0).mean() > 0.3
    assert np.array_equal(label, before)


def test_a_frame_depends_on_seed_and_index_alone(label: NDArray[np.uint8]) -> None:
    small = label[::4, ::4]
    first = LabelSynthesis(1)
    alone = first(small, 5)
    for index in range(3):
        first(small, index)
    assert np.array_equal(first(small, 5), alone)
    assert not np.array_equal(first(small, 6), alone) and not np.array_equal(LabelSynthesis(2)(small, 5), alone)


def test_speckle_follows_the_law_of_a_log_compressed_envelope() -> None:
    field = speckle((512, 512), look_with(axial=0.001, lateral=0.001, narrowing=1.0), np.random.default_rng(0))
    assert field.mean() == pytest.approx(0, abs=0.03) and field.std() == pytest.approx(1, abs=0.03)
    assert np.mean(((field - field.mean()) / field.std()) ** 3) == pytest.approx(
        -1.14, abs=0.1
    )  # of ln of a Rayleigh variable


def test_the_grain_widens_sideways_with_depth() -> None:
    field = speckle((512, 512), look_with(axial=0.002, lateral=0.02, narrowing=0.2), np.random.default_rng(0))

    def alike(rows: NDArray[np.float64]) -> float:
        return float(np.corrcoef(rows[:-6].ravel(), rows[6:].ravel())[0, 1])

    assert alike(field[:, -100:]) > alike(field[:, :100]) + 0.2


def test_gain_shading_and_gray_map_do_what_they_say(label: NDArray[np.uint8]) -> None:
    def painted(**values: object) -> NDArray[np.float64]:
        return paint(label, look_with(**values), np.random.default_rng(1))

    inside, plain = label > 0, painted()
    assert np.allclose(painted(gain=0.1)[inside], plain[inside] + 0.1)
    assert np.allclose(painted(contrast=2.0)[inside], plain[inside] ** 2)
    darker = painted(shading=np.array([0.0, -0.2])) - plain
    clear = inside & (plain > 0.25)  # the skewed speckle has a few black points
    assert np.allclose(darker[clear], np.broadcast_to(np.linspace(0, -0.2, SIZE), label.shape)[clear])


def test_blur_softens_borders_but_not_the_edge_of_the_sector(label: NDArray[np.uint8]) -> None:
    flat = {"spreads": dict.fromkeys((1, 2, 3, 4), 0.0), "means": {1: 0.1, 2: 0.9, 3: 0.1, 4: 0.5}}
    sharp, soft = (paint(label, look_with(**flat, blur=width), np.random.default_rng(0)) for width in (0.0, 0.01))
    assert len(np.unique(np.round(sharp, 6))) == 4
    assert len(np.unique(np.round(soft, 3))) > 50
    rim = (label == 4) & (np.hypot(*np.meshgrid(*[np.linspace(-1, 1, SIZE)] * 2)) > 0.9)
    assert np.allclose(soft[rim & (np.abs(soft - sharp) < 1)], 0.5, atol=0.05)


def test_tensors_keep_their_kind_and_items_their_labels(label: NDArray[np.uint8]) -> None:
    item = {
        "label": MetaTensor(torch.from_numpy(label[::4, ::4].copy())[None], torch.diag(torch.tensor([2.0, 3, 1, 1]))),
        "index": 3,
    }
    made = LabelSynthesisd(seed=1)(item)
    assert isinstance(made["image"], MetaTensor) and made["image"].shape == item["label"].shape
    assert torch.equal(made["image"].affine, item["label"].affine) and made["image"].dtype == torch.float32
    assert made["label"] is item["label"] and "image" not in item
    assert np.array_equal(made["image"][0].numpy(), LabelSynthesis(1)(label[::4, ::4], 3))


def test_other_tables_are_painted_by_their_ids() -> None:
    label = np.zeros((32, 32), np.uint8)
    label[4:28, 4:28] = 5
    label[8:16, 8:16] = 4
    image = LabelSynthesis(0, PLAIN, TEE_LABELS)(label, 0)
    assert abs(image[label == 4].mean() - image[label == 5].mean()) > 0.01


def test_bad_input_is_named(label: NDArray[np.uint8]) -> None:
    with pytest.raises(EchoSynthError, match="got 9 in the label map"):
        LabelSynthesis()(np.full((8, 8), 9, np.uint8), 0)
    with pytest.raises(EchoSynthError, match=r"got shape \(2, 8, 8\)"):
        LabelSynthesis()(np.zeros((2, 8, 8), np.uint8), 0)
    with pytest.raises(EchoSynthError, match="its number under 'index'"):
        LabelSynthesisd()({"label": label})
    for limits in ({"mean": (0.9, 0.1)}, {"axial": (-0.1, 0.1)}):
        with pytest.raises(EchoSynthError, match="is a range"):
            LookLimits(**limits)
