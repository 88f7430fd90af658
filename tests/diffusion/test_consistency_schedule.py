"""The levels of consistency tuning: from the image itself to the level next door."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from monai_echosynth.diffusion.consistency_schedule import ConsistencySchedule
from monai_echosynth.errors import EchoSynthError

SIGMAS = torch.logspace(-2.5, 2, 60, dtype=torch.float64)


def test_published_ratio() -> None:
    """r / t = 1 - n(t) / q^a with n(t) = 1 + 8 / (1 + exp(t)), a = 3 in the third of eight stages."""
    t = torch.tensor([4.0, 80.0], dtype=torch.float64)
    found = ConsistencySchedule().earlier(t, 2.5 / 8)
    torch.testing.assert_close(found, t * (1 - (1 + 8 / (1 + t.exp())) / 8))


def test_training_starts_where_diffusion_training_is() -> None:
    start = ConsistencySchedule().earlier(SIGMAS, 0.0)
    assert (start[SIGMAS < 1.9] == 0).all()
    assert (ConsistencySchedule(stages=1).earlier(SIGMAS, 1.0) == start).all()


def test_levels_close_up_and_never_meet() -> None:
    schedule, gaps = ConsistencySchedule(stages=6), []
    for progress in (0.0, 0.17, 0.34, 0.51, 0.68, 0.84, 0.999, 1.0):
        level = schedule.earlier(SIGMAS, progress)
        assert ((level >= 0) & (level < SIGMAS)).all()
        assert ((level == 0) | (level >= schedule.sigma_min)).all()
        gaps.append(SIGMAS - level)
    assert all((later <= earlier).all() for earlier, later in pairwise(gaps))
    assert torch.equal(gaps[-1], gaps[-2]) and float((gaps[-1] / SIGMAS)[-1]) == pytest.approx(1 / 64)


def test_boundary() -> None:
    """A lower level below sigma_min is the image itself, whatever the stage."""
    low = torch.tensor([0.002, 0.0022, 0.1], dtype=torch.float64)
    found = ConsistencySchedule().earlier(low, 0.5)
    assert found[:2].tolist() == [0.0, 0.0] and found[2] > 0.002


@pytest.mark.parametrize("wrong", [{"stages": 0}, {"shrink": 1.0}, {"widening": -1.0}])
def test_bad_schedules(wrong: dict[str, float]) -> None:
    with pytest.raises(EchoSynthError, match="a consistency schedule needs"):
        ConsistencySchedule(**wrong)  # type: ignore[arg-type]
