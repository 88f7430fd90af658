"""Texture without gain and anatomy, and its match over shifts."""

from __future__ import annotations

import numpy as np
import pytest

from monai_echosynth.metrics.frame_texture import Texture, frame_texture
from monai_echosynth.metrics.shift_match import shift_match, shifted
from tests.helpers.speckle_frames import speckle_frames


@pytest.fixture(scope="module")
def frames() -> list[Texture]:
    return [frame_texture(frame.image, frame.label) for frame in speckle_frames(4)]


def test_gain_and_anatomy_are_taken_off() -> None:
    frame = speckle_frames(1)[0]
    plain = frame_texture(frame.image, frame.label)
    gain = np.clip(0.7 * frame.image + 0.1 + 0.001 * np.arange(64)[None, :], 0, 1)
    brighter = frame_texture(gain, frame.label)
    assert shift_match(plain, brighter, 2).correlation > 0.97
    means = [plain.values[frame.label == number].mean() for number in (1, 2, 3)]
    assert max(map(abs, means)) < 0.2
    assert (plain.values[frame.label == 0] == 0).all() and (plain.weight[frame.label == 0] == 0).all()


def test_frames_of_one_label_map_are_unrelated(frames: list[Texture]) -> None:
    found = [shift_match(frames[i], frames[j], 3).correlation for i in range(4) for j in range(i)]
    assert max(found) < 0.35


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-4, 4)])
def test_a_shift_is_found(frames: list[Texture], shift: tuple[int, int]) -> None:
    moved = Texture(*(shifted(part, (-shift[0], -shift[1])) for part in frames[0]))
    found = shift_match(frames[0], moved, 5)
    assert found.shift == shift and found.correlation > 0.99


def test_the_match_is_the_sum_over_places(frames: list[Texture]) -> None:
    a, b = frames[:2]
    best = max(
        (float((w * a.values * s).sum() / np.sqrt((w * a.values**2).sum() * (w * s**2).sum())), (x, y))
        for x in range(-2, 3)
        for y in range(-2, 3)
        for s, v in [(shifted(b.values, (x, y)), shifted(b.weight, (x, y)))]
        for w in [a.weight * v]
    )
    found = shift_match(a, b, 2)
    assert found.shift == best[1] and found.correlation == pytest.approx(best[0], abs=1e-5)


def test_frames_with_nothing_in_common_do_not_match(frames: list[Texture]) -> None:
    half = frames[0].weight.copy()
    half[32:] = 0
    other = frames[0].weight - half
    parts = [Texture(frames[0].values * weight, weight) for weight in (half, other)]
    assert shift_match(*parts, 2).correlation == 0.0
    flat = Texture(np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32))
    assert shift_match(flat, flat, 2).correlation == 0.0


def test_bad_frames_are_refused(frames: list[Texture]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        frame_texture(np.zeros((4, 4)), np.ones((4, 5), int))
    with pytest.raises(ValueError, match="outside pixels alone"):
        frame_texture(np.zeros((4, 4)), np.zeros((4, 4), int))
    with pytest.raises(ValueError, match="one shape"):
        shift_match(frames[0], Texture(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)), 2)
