"""Order and augmentation are functions of (seed, epoch, position): not of ranks, workers or history."""

from __future__ import annotations

import pytest
import torch
from monai.data import DataLoader
from monai.transforms import Compose, Lambdad, RandGaussianNoised

from monai_echosynth.data.seeded import SeededDataset, SeededSampler

Draws = list[tuple[int, int]]


def _draws(epoch: int = 1, **options: int) -> Draws:
    sampler = SeededSampler(**{"size": 7, "samples_per_epoch": 12, "seed": 3, **options})
    sampler.set_epoch(epoch)
    draws = list(sampler)
    assert len(draws) == len(sampler)
    return draws


def test_draws_are_a_function_of_seed_and_epoch() -> None:
    assert _draws() == _draws()
    assert _draws() != _draws(epoch=2)
    assert _draws() != _draws(seed=4)


def test_draws_of_an_epoch_are_fixed_in_number_and_without_repetition() -> None:
    draws = _draws()
    assert len(draws) == 12
    assert sorted(index for index, _ in draws[:7]) == list(range(7))
    assert len({index for index, _ in draws[7:]}) == 5
    assert len({seed for _, seed in draws}) == 12
    assert len(_draws(size=100)) == 12


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_the_same_draws(world_size: int) -> None:
    ranks = [_draws(rank=rank, world_size=world_size) for rank in range(world_size)]
    joined = [draw for group in zip(*ranks, strict=True) for draw in group]
    assert joined == _draws()


def test_ranks_get_equal_shares_of_an_uneven_epoch() -> None:
    ranks = [_draws(rank=rank, world_size=5) for rank in range(5)]
    assert {len(draws) for draws in ranks} == {3}
    joined = [draw for group in zip(*ranks, strict=True) for draw in group]
    assert joined[:12] == _draws()


def test_no_items_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        SeededSampler(0)


def _dataset(cache: bool, loaded: list[int] | None = None) -> SeededDataset:
    def load(index: int) -> torch.Tensor:
        if loaded is not None:
            loaded.append(index)
        return torch.full((1, 4, 4), float(index))

    transform = Compose(
        [Lambdad("image", load), RandGaussianNoised("image", prob=0.7), Lambdad("image", lambda x: 2 * x)]
    )
    return SeededDataset([{"image": index} for index in range(5)], transform, cache=cache, progress=False)


def test_an_item_is_a_function_of_index_and_seed() -> None:
    dataset = _dataset(cache=True)
    first = dataset[2, 77]["image"].clone()
    for key in ((3, 77), (2, 78), 2):
        assert not torch.equal(dataset[key]["image"], first)
    assert torch.equal(dataset[2, 77]["image"], first)
    assert dataset[2, 77]["seed"] == 77
    assert dataset[4]["seed"] == 4


def test_the_deterministic_part_runs_once_and_cached_items_stay_clean() -> None:
    loaded: list[int] = []
    dataset = _dataset(cache=True, loaded=loaded)
    for _ in range(3):
        dataset[1, 5]
    assert loaded == [0, 1, 2, 3, 4]
    plain = _dataset(cache=False)
    assert all(torch.equal(dataset[i, s]["image"], plain[i, s]["image"]) for i, s in ((0, 9), (4, 1), (4, 2)))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_worker_processes_see_the_same_items() -> None:
    batches = []
    for workers in (0, 2):
        sampler = SeededSampler(5, 8, seed=1)
        loader = DataLoader(_dataset(cache=True), sampler=sampler, batch_size=3, num_workers=workers)
        batches.append(list(loader))
    for plain, forked in zip(*batches, strict=True):
        assert torch.equal(plain["image"], forked["image"])
        assert plain["seed"].tolist() == forked["seed"].tolist()
