"""Image k is a function of (seed, k) and its mask: not of batch, threads, order, wrapper or cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet

COUNT = 8


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return tiny_unet()


@pytest.fixture(scope="module")
def masks() -> Tensor:
    return tiny_seg(COUNT)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _inferer(**options: Any) -> LatentSamplingInferer:
    return LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), **{"nfe": 5, "seed": 3, **options})


def _sample(network: nn.Module, masks: Tensor, batch_size: int = 1, **options: Any) -> Tensor:
    inferer = _inferer(**options)
    starts = range(0, len(masks), batch_size)
    index = list(range(len(masks)))
    return torch.cat([inferer(masks[i : i + batch_size], network, index=index[i : i + batch_size]) for i in starts])


@pytest.fixture(scope="module")
def reference(network: nn.Module, masks: Tensor) -> Tensor:
    return _sample(network, masks)


def test_images_are_whole(reference: Tensor, masks: Tensor) -> None:
    assert reference.shape == (COUNT, 1, 32, 32)
    assert (reference[masks[:, :1] == 1] == 0).all()
    assert reference.min() >= 0 and reference.max() <= 1
    assert reference.std() > 0.02
    assert all(not torch.equal(reference[0], other) for other in reference[1:])


@pytest.mark.parametrize("batch_size", [3, 8])
def test_batch_size_leaves_every_byte(network: nn.Module, masks: Tensor, reference: Tensor, batch_size: int) -> None:
    assert torch.equal(_sample(network, masks, batch_size), reference)


@pytest.mark.parametrize("solver", ["ancestral", "dpmpp_2m_sde", "churn"])
def test_stochastic_solvers_too(network: nn.Module, masks: Tensor, solver: str) -> None:
    one = _sample(network, masks[:3], 1, solver=solver)
    assert torch.equal(_sample(network, masks[:3], 3, solver=solver), one)
    assert not torch.equal(_sample(network, masks[:3], 3, solver=solver, seed=4), one)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.usefixtures("threads")
def test_threads_leave_every_byte(network: nn.Module, masks: Tensor, reference: Tensor, count: int) -> None:
    torch.set_num_threads(count)
    assert torch.equal(_sample(network, masks[:3], 3), reference[:3])
    assert torch.get_num_threads() == count


def test_image_k_is_independent_of_the_others(network: nn.Module, masks: Tensor, reference: Tensor) -> None:
    order = [6, 1, 4]
    assert torch.equal(_inferer()(masks[order], network, index=order), reference[order])
    other_mask = torch.cat([masks[:1], masks[5:6]])
    mixed = _inferer()(other_mask, network, index=[0, 1])
    assert torch.equal(mixed[0], reference[0])
    assert not torch.equal(mixed[1], reference[1])


def test_one_mask_gives_many_images(network: nn.Module, masks: Tensor) -> None:
    same = _inferer()(masks[[0, 0]], network, index=[0, 1])
    assert not torch.equal(same[0], same[1])


def test_reused_modulation_is_the_plain_one(network: nn.Module, masks: Tensor, reference: Tensor) -> None:
    assert torch.equal(_sample(network, masks[:2], 2, reuse_modulation=False), reference[:2])


def test_batched_mode_agrees_up_to_rounding(network: nn.Module, masks: Tensor, reference: Tensor) -> None:
    torch.testing.assert_close(_sample(network, masks[:3], 3, exact=False), reference[:3], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("solver", "nfe", "counted"), [("heun", 5, 5), ("heun", 6, 5), ("dpmpp_2m", 4, 4)])
def test_network_calls_are_counted(network: nn.Module, masks: Tensor, solver: str, nfe: int, counted: int) -> None:
    calls: list[int] = []
    handle = network.register_forward_hook(lambda *_: calls.append(1))
    try:
        inferer = _inferer(solver=solver, nfe=nfe)
        inferer(masks[:2], network, index=[0, 1])
    finally:
        handle.remove()
    assert inferer.nfe_per_image == counted
    assert len(calls) == 2 * counted


def _seg_matters(wrapped: nn.Module, masks: Tensor, reference: Tensor) -> None:
    """The wrapped network gives what the bare one gives, and another mask (of the same sector) gives something else."""
    images = _inferer()(masks[:1], wrapped, index=[0])
    torch.testing.assert_close(images, reference[:1], rtol=0, atol=1e-5)
    other = masks[:1].clone()
    other[:, [1, 2, 3]] = 0
    other[:, 4] = 1 - other[:, 0]
    assert (_inferer()(other, wrapped, index=[0]) - images).abs().max() > 1e-3


def test_distributed_wrapper_passes_the_mask_on(
    network: nn.Module, masks: Tensor, reference: Tensor, tmp_path: Path
) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        _seg_matters(nn.parallel.DistributedDataParallel(network), masks, reference)
    finally:
        torch.distributed.destroy_process_group()


def test_compiled_wrapper_passes_the_mask_on(network: nn.Module, masks: Tensor, reference: Tensor) -> None:
    torch._dynamo.reset()
    _seg_matters(torch.compile(network, backend="eager"), masks, reference)
