"""Which real frames a synthetic one is aligned to."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from monai_echosynth.alignment.exemplar_choice import ExemplarChoice, draw_exemplars
from monai_echosynth.alignment.real_bank import RealBank
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.domain_aligner import DomainAligner

SIDE = 32
FRAMES = 24
GRAY = torch.linspace(0.2, 0.5, FRAMES)
DARKER = 0.5
"""Gray levels of synthetic frames in those of the real ones."""


def _domain(gray: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Grainy frames of one mean gray each, all inside the sector."""
    noise = torch.rand(len(gray), 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    seg = torch.stack([torch.zeros(SIDE, SIDE), torch.ones(SIDE, SIDE)]).expand(len(gray), 2, SIDE, SIDE)
    return gray[:, None, None, None] * (0.8 + 0.4 * noise), seg


@pytest.fixture
def fitted() -> tuple[DomainAligner, RealBank, Tensor, Tensor]:
    bank, (image, seg) = RealBank(*_domain(GRAY, 0)), _domain(DARKER * GRAY, 1)
    network = DomainAligner(structures=2, channels=(8, 8, 16, 16))
    bank.fit(network, [{"image": i, "seg": s} for i, s in zip(image, seg, strict=True)])
    return network, bank, image, seg


def test_exemplars_follow_from_the_seed_alone() -> None:
    rows = draw_exemplars([5, 6, 7], 100, 4)
    assert torch.equal(draw_exemplars([7], 100, 4)[0], rows[2])
    assert all(len(set(row.tolist())) == 4 for row in rows)
    assert len(set(map(tuple, rows.tolist()))) == 3
    assert draw_exemplars([1], 2, 5).max() <= 1


def test_rank_in_the_own_domain_decides(fitted: tuple[DomainAligner, RealBank, Tensor, Tensor]) -> None:
    network, bank, image, seg = fitted
    rows = ExemplarChoice(network, bank, candidates=FRAMES)(range(FRAMES), image, seg)[:, 0]
    assert (rows - torch.arange(FRAMES)).abs().float().mean() < 4  # 8 by chance
    nearest = (image.mean(dim=(1, 2, 3))[:, None] - bank.image.mean(dim=(1, 2, 3))).abs().argmin(dim=1)
    assert rows.max() > 0.6 * FRAMES > nearest.max()  # gray levels as they are would leave the brighter half unused


def test_as_many_candidates_as_exemplars_leave_it_to_chance(
    fitted: tuple[DomainAligner, RealBank, Tensor, Tensor],
) -> None:
    network, bank, image, seg = fitted
    rows = ExemplarChoice(network, bank, count=1, candidates=1)(range(FRAMES), image, seg)
    assert torch.equal(rows, draw_exemplars(range(FRAMES), FRAMES, 1))
    several = ExemplarChoice(network, bank, count=3, candidates=3)(range(FRAMES), image, seg)
    assert torch.equal(several.sort().values, draw_exemplars(range(FRAMES), FRAMES, 3).sort().values)


def test_a_stored_bank_chooses_like_the_frames(fitted: tuple[DomainAligner, RealBank, Tensor, Tensor]) -> None:
    network, bank, image, seg = fitted
    choices = [ExemplarChoice(network, each, 2, 8)(range(FRAMES), image, seg) for each in (bank, bank.encode(network))]
    assert torch.equal(*choices)


@pytest.mark.parametrize(("count", "candidates"), [(0, 8), (9, 8)])
def test_numbers_that_do_not_fit_are_refused(
    count: int, candidates: int, fitted: tuple[DomainAligner, RealBank, Tensor, Tensor]
) -> None:
    with pytest.raises(EchoSynthError, match="exemplars must be 1 or more and at most the candidates"):
        ExemplarChoice(fitted[0], fitted[1], count, candidates)
