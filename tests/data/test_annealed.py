"""Shares of two sets over a training, and the order of draws."""

from __future__ import annotations

import pytest

from monai_echosynth.data.annealed import AnnealedSampler
from monai_echosynth.data.seeded import SeededSampler


def drawn(sampler: SeededSampler, epoch: int) -> list[tuple[int, int]]:
    sampler.set_epoch(epoch)
    return list(sampler)


def test_the_share_falls_linearly_to_zero() -> None:
    sampler = AnnealedSampler(30, extra=20, share=0.8, epochs=10, until=0.5, samples_per_epoch=100)
    extra = [sum(index >= 10 for index, _ in drawn(sampler, epoch)) for epoch in range(1, 11)]
    assert extra == [80, 64, 48, 32, 16, 0, 0, 0, 0, 0]


def test_items_of_one_kind_come_equally_often() -> None:
    sampler = AnnealedSampler(12, extra=8, share=0.5, epochs=4, samples_per_epoch=32)
    indices = [index for index, _ in drawn(sampler, 1)]
    assert [indices.count(index) for index in range(12)] == [4] * 4 + [2] * 8
    assert indices != sorted(indices)


def test_without_a_share_the_draws_are_those_of_the_plain_sampler() -> None:
    plain, annealed = SeededSampler(9, 14, seed=3), AnnealedSampler(9, extra=4, samples_per_epoch=14, seed=3)
    assert drawn(annealed, 2) == drawn(plain, 2)


def test_ranks_share_the_draws_of_one_process() -> None:
    options = {"size": 9, "extra": 4, "share": 0.6, "epochs": 3, "samples_per_epoch": 10, "seed": 1}
    whole = drawn(AnnealedSampler(**options), 1)
    parts = [drawn(AnnealedSampler(**options, rank=rank, world_size=2), 1) for rank in range(2)]
    assert [pair for pairs in zip(*parts, strict=True) for pair in pairs] == whole


@pytest.mark.parametrize("options", [{"share": 1.5}, {"extra": 0}, {"extra": 9}, {"until": 0.0}])
def test_shares_are_checked(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="both kinds"):
        AnnealedSampler(**{"size": 9, "extra": 4, "share": 0.5, **options})
