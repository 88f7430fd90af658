"""What does not fit into memory is halved until it does; images stay what they are."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.batch_limit import BatchLimit, out_of_memory
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet


class _Small(nn.Module):
    """A network on a machine whose memory holds so many images."""

    def __init__(self, network: nn.Module, fits: int) -> None:
        super().__init__()
        self.network, self.fits, self.seen = network, fits, []

    def forward(self, x: Tensor, **conditioning: Any) -> Tensor:
        if x.device.type != "meta":  # the estimate of the memory computes nothing
            self.seen.append(len(x))
        if len(x) > self.fits and x.device.type != "meta":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB (simulated)")
        out: Tensor = self.network(x, **conditioning)
        return out


def test_a_batch_is_halved_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    network, seg = tiny_unet(), tiny_seg(5)
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), "euler", 2, exact=False)
    expected = inferer(seg, network, index=range(5))
    small = _Small(network, 2)
    with caplog.at_level(logging.WARNING):
        found = inferer(seg, small, index=range(5))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)
    assert [record.getMessage() for record in caplog.records] == [
        "5 images at once do not fit into memory: going on with 2"
    ]
    small.seen.clear()
    inferer(seg, small, index=range(5))
    assert max(small.seen) == 2, "what does not fit is not tried again"


def test_one_image_too_large_says_so() -> None:
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), "euler", 1, exact=False)
    with pytest.raises(EchoSynthError, match="one image must fit into memory, got 'CUDA out of memory"):
        inferer(tiny_seg(2), _Small(tiny_unet(), 0), index=range(2))


def test_other_errors_are_not_taken_for_it() -> None:
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: not enough memory"))
    assert out_of_memory(MemoryError()) and not out_of_memory(RuntimeError("shapes differ"))

    def fails(rows: slice) -> Tensor:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        BatchLimit().run(fails, 4)
