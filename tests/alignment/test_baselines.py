"""Baselines of alignment on cases whose result is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from monai_echosynth.alignment.cycle_training import CycleTraining
from monai_echosynth.alignment.fourier_swap import swap_amplitude
from monai_echosynth.alignment.histogram_matching import match_histogram
from monai_echosynth.errors import EchoSynthError

SIDE = 32


def frame(seed: int = 0) -> Tensor:
    return torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def half() -> Tensor:
    sector = torch.zeros(1, SIDE, SIDE)
    sector[..., : SIDE // 2] = 1.0
    return sector


def test_histogram_matching_gives_the_levels_of_the_exemplar_in_the_order_of_the_frame() -> None:
    image, exemplar = frame(), 0.3 * frame(1) + 0.5
    found = match_histogram(image, half(), exemplar, half())
    inside = half() > 0
    torch.testing.assert_close(found[inside].sort().values, exemplar[inside].sort().values)
    assert torch.equal(found[inside].argsort(), image[inside].argsort())
    assert torch.equal(found[~inside], image[~inside])


def test_histogram_matching_between_sectors_of_two_sizes() -> None:
    whole = torch.ones(1, SIDE, SIDE)
    found = match_histogram(frame(), half(), 0.5 * frame(1), whole)[half() > 0]
    levels = torch.tensor([0.1, 0.5, 0.9])
    torch.testing.assert_close(found.quantile(levels), (0.5 * frame(1)).flatten().quantile(levels), atol=5e-3, rtol=0)


def test_empty_sector_is_refused() -> None:
    with pytest.raises(EchoSynthError, match="empty"):
        match_histogram(frame(), torch.zeros(1, SIDE, SIDE), frame(), half())


def test_no_share_changes_nothing_and_the_mean_comes_first() -> None:
    image, exemplar, whole = frame(), 0.2 * frame(1), torch.ones(1, SIDE, SIDE)
    torch.testing.assert_close(swap_amplitude(image, whole, exemplar, 0.0), image, atol=1e-5, rtol=0)
    found = swap_amplitude(0.2 * image + 0.4, whole, exemplar + 0.3, 0.5 / SIDE)
    assert found.mean() == pytest.approx(float((exemplar + 0.3).mean()), abs=1e-4)
    assert found.std() == pytest.approx(float((0.2 * image).std()), abs=1e-3)


def test_swapping_everything_keeps_the_phases() -> None:
    image, exemplar, whole = 0.2 * frame() + 0.4, 0.2 * frame(1) + 0.4, torch.ones(1, SIDE, SIDE)
    spectrum = torch.fft.fft2(swap_amplitude(image, whole, exemplar, 0.5))
    low = spectrum[0, 1:8, 1:8]
    torch.testing.assert_close(low.abs(), torch.fft.fft2(exemplar)[0, 1:8, 1:8].abs(), atol=1e-3, rtol=1e-3)
    difference = low.angle() - torch.fft.fft2(image)[0, 1:8, 1:8].angle()
    torch.testing.assert_close(difference.cos(), torch.ones(7, 7), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("side", "share"), [(16, 0.1), (SIDE, 0.7)])
def test_frames_that_do_not_fit_are_refused(side: int, share: float) -> None:
    with pytest.raises(EchoSynthError, match="amplitudes"):
        swap_amplitude(frame(), half(), torch.rand(1, side, side), share)


def test_adversarial_training_learns_to_brighten() -> None:
    torch.manual_seed(0)
    training, sector = CycleTraining(40, channels=8, learning_rate=2e-3), torch.ones(2, 1, SIDE, SIDE)
    for step in range(40):
        dark = 0.2 * torch.stack([frame(4 * step), frame(4 * step + 1)])
        light = 0.6 + 0.2 * torch.stack([frame(4 * step + 2), frame(4 * step + 3)])
        losses = training.step(dark, sector, light, sector)
    assert all(value == value for value in losses.values())
    assert [schedule.get_last_lr()[0] for schedule in training.schedules] == [0.0, 0.0]
    with torch.no_grad():
        found = training.eval().to_real(dark, sector)
    assert found.mean() > 0.4
    assert not training.to_real(dark, torch.zeros_like(sector)).any()
