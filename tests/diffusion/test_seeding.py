"""Seeds: stable values, no collisions, independence of the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_echosynth.diffusion.seeding import derive_seed, image_generator, normal_noise
from monai_echosynth.errors import EchoSynthError


def test_golden_values() -> None:
    """These numbers may never change: every stored study depends on them."""
    assert derive_seed(0) == 5940445630358017772
    assert derive_seed(7, "a", 3) == 2707672513374657886
    assert derive_seed(-1, "image", 10**20) == 4335127612454545259


def test_no_collisions() -> None:
    seeds = {derive_seed(s, "frame", k) for s in range(10) for k in range(10_000)}
    assert len(seeds) == 100_000
    assert min(seeds) >= 0 and max(seeds) < 2**63 and max(seeds) > 2**62


def test_keys_are_unambiguous() -> None:
    variants = [
        derive_seed(1, 2, 3),
        derive_seed(1, 23),
        derive_seed(12, 3),
        derive_seed(1, "2", 3),
        derive_seed(1, "2|i3"),
        derive_seed(1, "2", "3"),
        derive_seed(1, "23"),
    ]
    assert len(set(variants)) == len(variants)
    assert derive_seed(np.int64(4), np.int32(2)) == derive_seed(4, 2)
    with pytest.raises(TypeError):
        derive_seed(1, 2.0)  # type: ignore[arg-type]


def test_image_generators_never_share_a_stream() -> None:
    seeds = {image_generator(3, k).initial_seed() for k in range(5000)}
    assert len({seed % 2**32 for seed in seeds}) == 5000
    a, b, c = (torch.randn(8, generator=image_generator(*key)) for key in ((3, 0), (3, 1), (4, 0)))
    assert torch.equal(a, torch.randn(8, generator=image_generator(3, 0)))
    assert not torch.equal(a, b) and not torch.equal(a, c)


def test_neighboring_images_are_uncorrelated() -> None:
    draws = torch.stack([torch.randn(4096, generator=image_generator(0, k)) for k in range(20)])
    off_diagonal = torch.corrcoef(draws) - torch.eye(20)
    assert float(off_diagonal.abs().max()) < 5 / 4096**0.5
    assert float(draws[:, 0].std()) > 0.5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_noise_of_an_image_does_not_depend_on_batch_or_type(dtype: torch.dtype) -> None:
    batch = normal_noise(torch.empty(5, 1, 6, 6, dtype=dtype), [image_generator(9, k) for k in range(5)])
    alone = normal_noise(torch.empty(1, 1, 6, 6), image_generator(9, 3))
    assert batch.dtype is dtype and torch.equal(batch[3:4], alone.to(dtype))


def test_wrong_number_of_generators_is_refused() -> None:
    with pytest.raises(EchoSynthError, match=r"one generator per image \(2\), got 1"):
        normal_noise(torch.empty(2, 1, 4, 4), image_generator(0, 0))
    with pytest.raises(EchoSynthError, match=r"one generator per image \(2\), got 0"):
        normal_noise(torch.empty(2, 1, 4, 4), None)
