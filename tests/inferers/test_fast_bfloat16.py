"""bfloat16 is taken where it is faster, by measurement where the processor's word is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from monai_echosynth.inferers import fast_bfloat16 as module
from monai_echosynth.inferers.fast_bfloat16 import fast_bfloat16

Processor = Callable[..., None]


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processor]:
    """Sets what the processor says of itself and how long a convolution takes it."""

    def be(matrix_units: bool, instructions: bool, ratio: float) -> None:
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: matrix_units)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
        monkeypatch.setattr(module, "_convolution", lambda dtype: ratio if dtype is torch.bfloat16 else 1.0)

    module._measured.cache_clear()
    yield be
    module._measured.cache_clear()


@pytest.mark.parametrize(
    ("matrix_units", "instructions", "ratio", "expected"),
    [
        (True, True, 3.0, True),  # matrix units need no measurement
        (False, True, 0.5, True),
        (False, True, 1.5, False),
        (False, True, 0.95, False),  # not worth the precision
        (False, False, 0.1, False),
    ],
)
def test_choice(processor: Processor, matrix_units: bool, instructions: bool, ratio: float, expected: bool) -> None:
    processor(matrix_units, instructions, ratio)
    assert fast_bfloat16("cpu") is expected


def test_measured_once_and_without_random_numbers(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = module._convolution
    processor(False, True, 0.5)
    seen = list[torch.dtype]()
    monkeypatch.setattr(module, "_convolution", lambda dtype: seen.append(dtype) or measure(dtype))
    state = torch.get_rng_state()
    with torch.inference_mode():
        first = fast_bfloat16("cpu")
    turns = len(seen)
    assert fast_bfloat16("cpu") is first
    assert len(seen) == turns > 2
    assert {*seen} == {torch.float32, torch.bfloat16}
    assert torch.equal(torch.get_rng_state(), state)


def test_other_devices_are_not_measured() -> None:
    assert not fast_bfloat16("meta")
