"""The learning rate at the points that define its curve."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.engines.schedules import warmup_cosine


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
def test_warm_up_peak_and_floor() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = warmup_cosine(optimizer, total=110, warmup=10, floor=0.01)
    rates = []
    for _ in range(130):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(2 / 11)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == pytest.approx(2.0)
    assert rates[60] == pytest.approx(2 * (0.01 + 0.99 / 2))
    assert rates[110] == rates[129] == pytest.approx(0.02)
