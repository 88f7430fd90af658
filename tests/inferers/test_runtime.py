"""Runtimes compute what the plain networks do, say what they need, and leave what they are made of alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.cuda_graph import CudaGraph
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.inferers.memory_need import weight_memory
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.networks.blocks import winograd_convolution
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet

COUNT = 3


@pytest.fixture(autouse=True)
def _small_maps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minimal filtering for the few channels and pixels of the tests."""
    monkeypatch.setattr(winograd_convolution, "_LEAST_CHANNELS", 1)
    monkeypatch.setattr(winograd_convolution, "_LEAST_PIXELS", 1)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return tiny_unet()


@pytest.fixture(scope="module")
def inferer() -> LatentSamplingInferer:
    return LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), "dpmpp_2m_sde", 4, seed=3)


def _images(inferer: LatentSamplingInferer, network: nn.Module, name: str, batch: int = COUNT) -> Tensor:
    own, seg = inferer.with_runtime(Runtime.named(name)), tiny_seg(COUNT)
    starts = range(0, COUNT, batch)
    return torch.cat([own(seg[k : k + batch], network, index=range(COUNT)[k : k + batch]) for k in starts])


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("fused", 1e-4),
        ("channels_last", 1e-4),
        ("fused+batched", 1e-4),
        ("batched", 1e-4),
        ("channels_last+packed", 1e-4),
        ("winograd", 1e-4),
        ("channels_last+winograd+batched", 1e-4),
        ("packed+bfloat16", 0.2),
    ],
)
def test_images_are_those_of_the_plain_networks(
    network: nn.Module, inferer: LatentSamplingInferer, name: str, tolerance: float
) -> None:
    difference = (_images(inferer, network, name) - _images(inferer, network, "plain")).abs().max()
    assert 0 <= difference < tolerance


@pytest.mark.parametrize("name", ["fused", "fused+channels_last", "packed", "winograd", "bfloat16"])
def test_what_is_called_bit_stable_is(network: nn.Module, inferer: LatentSamplingInferer, name: str) -> None:
    assert inferer.with_runtime(Runtime.named(name)).bit_stable("cpu")
    assert torch.equal(_images(inferer, network, name, 1), _images(inferer, network, name, COUNT))


def test_batched_is_not_called_bit_stable(inferer: LatentSamplingInferer) -> None:
    assert not inferer.with_runtime(Runtime.named("batched")).bit_stable("cpu")
    assert not inferer.bit_stable("cuda")


def test_seeds_of_one_map_share_its_modulation(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    from monai_echosynth.networks.blocks import SPADE

    computed: list[int] = []
    original = SPADE.modulation

    def counted(self: SPADE, seg: Tensor, *args: Any) -> Any:
        if seg.device.type != "meta":  # the estimate of the memory computes nothing
            computed.append(id(self))
        return original(self, seg, *args)

    monkeypatch.setattr(SPADE, "modulation", counted)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        inferer, seg = LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), "euler", 2), tiny_seg()
        for batch in ([0, 1], [2]):
            inferer(seg.expand(len(batch), -1, -1, -1), network, index=batch)
    finally:
        torch.set_num_threads(before)
    assert len(computed) == len(set(computed)) == len([m for m in network.modules() if isinstance(m, SPADE)])


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("plain", "plain"), ("batched", "batched"), ("compiled", "fused+compiled"), ("bfloat16+fused", "fused+bfloat16")],
)
def test_names(name: str, canonical: str) -> None:
    assert Runtime.named(name).name == canonical


@pytest.mark.parametrize(("name", "copies"), [("batched", 1), ("packed", 2), ("winograd+batched", 5)])
def test_weights_in_memory(network: nn.Module, inferer: LatentSamplingInferer, name: str, copies: int) -> None:
    need = []
    for runtime in (Runtime(), Runtime.named(name)):
        one = inferer.with_runtime(runtime)
        one(tiny_seg(1), network, index=[0])
        assert one.memory_need is not None
        need.append(one.memory_need)
    assert need[1] - need[0] == (copies - 1) * weight_memory(network, inferer.image.autoencoder)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("quick", "got 'quick': choose among them"),
        ("compiled+onnxruntime", "at most one of compiled, cuda_graph, onnxruntime, packed, winograd"),
        ("packed+winograd", "got packed\\+winograd: leave one out"),
        ("bfloat16+float16", "at most one of bfloat16, float16"),
        ("onnxruntime+bfloat16", "onnxruntime computes in float32 here"),
        ("winograd+int8_decoder", "winograd computes in float32 here"),
    ],
)
def test_names_that_are_refused(name: str, reason: str) -> None:
    with pytest.raises(EchoSynthError, match=reason):
        Runtime.named(name)


@pytest.mark.parametrize("name", ["cuda_graph", "float16"])
def test_parts_for_cuda_say_so_elsewhere(network: nn.Module, inferer: LatentSamplingInferer, name: str) -> None:
    with pytest.raises(EchoSynthError, match=f"{name} cannot be had here, it needs a CUDA device: leave it out"):
        _images(inferer, network, name)


def test_graphs_refuse_a_cpu_in_one_sentence() -> None:
    with pytest.raises(
        EchoSynthError, match="CUDA graphs need a CUDA device, got tensors on cpu: leave cuda_graph out"
    ):
        CudaGraph(lambda x, times, maps: x)(torch.zeros(1), torch.zeros(1), ())


def test_a_missing_compiler_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    missing = Runtime.named("compiled").missing("cpu")
    assert missing is not None and missing[1] == "it needs a C++ compiler"


def test_networks_that_have_no_such_form_are_refused(inferer: LatentSamplingInferer) -> None:
    class Other(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

    with pytest.raises(EchoSynthError, match="the fused form is for a SPADEUNet, got Other: use plain"):
        _images(inferer, Other(), "fused")
