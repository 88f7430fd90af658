"""How far frames go on the way to their aligned form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.alignment import AlignmentInferer
from monai_echosynth.networks.nets.domain_aligner import BankFeatures, DomainAligner

COUNT, SIDE = 8, 32


class Setting:
    """An aligner that changes frames, its bank, and frames to align."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = DomainAligner(channels=(8, 8, 16, 16)).eval()
        for parameter in self.network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        self.image = torch.rand(COUNT, 1, SIDE, SIDE)
        seg = torch.zeros(COUNT, 5, SIDE, SIDE)
        seg[:, 4] = 1.0
        seg[:, 4, 8:16, 8:16], seg[:, 1, 8:16, 8:16] = 0.0, 1.0
        self.seg = seg
        with torch.no_grad():
            self.bank: BankFeatures = self.network.encode_bank(self.image.flip(0), self.seg)

    def aligned(self, strength: Sequence[float], rows: slice = slice(None), seed: int = 0) -> Tensor:
        inferer = AlignmentInferer(self.bank, seed=seed, strength=strength)
        return inferer(self.image[rows], self.network, seg=self.seg[rows], index=torch.arange(COUNT)[rows])


@pytest.fixture(scope="module")
def setting() -> Setting:
    return Setting()


def test_frames_go_nowhere_halfway_and_all_the_way(setting: Setting) -> None:
    whole = setting.aligned((1.0, 1.0))
    assert not torch.allclose(whole, setting.image, atol=1e-3)
    torch.testing.assert_close(setting.aligned((0.0, 0.0)), setting.image)
    torch.testing.assert_close(setting.aligned((0.5, 0.5)), 0.5 * (setting.image + whole))


def test_each_frame_goes_a_way_of_its_own_within_the_range(setting: Setting) -> None:
    whole, drawn = setting.aligned((1.0, 1.0)), setting.aligned((0.25, 0.75))
    gone = ((drawn - setting.image).abs().sum((1, 2, 3)) / (whole - setting.image).abs().sum((1, 2, 3))).tolist()
    assert all(0.25 <= part <= 0.75 for part in gone)
    assert max(gone) - min(gone) > 0.1


def test_a_frame_does_not_depend_on_its_batch_but_on_the_seed(setting: Setting) -> None:
    whole = setting.aligned((0.0, 1.0))
    assert torch.equal(whole[3:5], setting.aligned((0.0, 1.0), slice(3, 5)))
    assert not torch.equal(whole, setting.aligned((0.0, 1.0), seed=1))


@pytest.mark.parametrize("strength", [(0.5,), (0.6, 0.4), (-0.1, 1.0), (0.0, 1.5), (float("nan"), 1.0)])
def test_other_strengths_are_refused(setting: Setting, strength: Sequence[float]) -> None:
    with pytest.raises(EchoSynthError, match="strength must be two numbers from 0 to 1"):
        AlignmentInferer(setting.bank, strength=strength)


def test_frames_that_move_further_than_they_may_are_refused(setting: Setting) -> None:
    inferer = AlignmentInferer(setting.bank, max_shift=0.5)
    frame = {"seg": setting.seg[:1], "index": torch.tensor([0])}
    inferer(setting.image[:1], setting.network, **frame)
    assert 0 < inferer.largest_shift <= 0.5 + 1e-6
    for moved in (0.51, float("nan")):
        shift = torch.full((1, 2, SIDE, SIDE), moved)

        class Mover(DomainAligner):
            def forward(self, image: Tensor, *_: Any) -> dict[str, Tensor]:
                return {"image": image, "shift": shift}  # noqa: B023 - used at once

        network = Mover(channels=(8, 8, 16, 16)).eval()
        with pytest.raises(EchoSynthError, match=r"may move by 0\.5 at most, got .* in frame 0"):
            inferer(setting.image[:1], network, **frame)
