"""The aligner: identity at the start, limits that hold whatever the weights, and input that does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from monai_echosynth.alignment.uncertainty import alignment_spread
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.differential_analysis import DifferentialAnalysis
from monai_echosynth.networks.blocks.morphology import gaussian_smooth
from monai_echosynth.networks.nets.domain_aligner import DomainAligner
from monai_echosynth.workflows.alignment_settings import COMPONENTS

CHANNELS = (8, 8, 16, 16)
NETWORK_COMPONENTS = {
    name: ids
    for name, ids in COMPONENTS.items()
    if name not in {"alignment", "agreement", "own_view", "identity", "diversity", "bridge", "matching", "critic"}
}


def frames(count: int, side: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images and masks: a sector with a brighter block in it."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.zeros(count, 1, side, side, dtype=torch.long)
    label[..., 4:-4, 2:-2] = 4
    label[..., 10:-10, 8:-12] = 1
    seg = torch.zeros(count, 5, side, side).scatter_(1, label, 1.0)
    image = (0.3 + 0.4 * (label == 1)) * torch.rand(count, 1, side, side, generator=generator)
    return image * (label > 0), seg


def shaken(**ids: Any) -> DomainAligner:
    """A network whose zero-initialized layers are random and large."""
    torch.manual_seed(0)
    network = DomainAligner(channels=CHANNELS, **ids)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=3.0)
    return network.eval()


@torch.no_grad()
def run(network: DomainAligner, count: int = 3) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    image, seg = frames(count)
    bank = network.encode_bank(*frames(4, seed=1))
    return image, seg, network(image, seg, bank, torch.randn(image.shape, generator=torch.Generator().manual_seed(2)))


def test_starts_as_the_identity() -> None:
    image, _, found = run(DomainAligner(channels=CHANNELS))
    torch.testing.assert_close(found["image"], image, atol=1e-5, rtol=0)
    assert not found["shift"].any()


@pytest.mark.parametrize("max_change", [0.02, 0.25])
@pytest.mark.parametrize("max_shift", [0.3, 2.0])
def test_limits_hold_whatever_the_weights(max_change: float, max_shift: float) -> None:
    image, seg, found = run(shaken(max_change=max_change, max_shift=max_shift))
    sector = 1.0 - seg[:, :1]
    change = ((found["image"] - image).abs() * sector).sum(dim=(1, 2, 3)) / sector.sum(dim=(1, 2, 3))
    assert change.max() <= max_change + 1e-6
    assert change.min() > 0.5 * max_change
    assert found["shift"].norm(dim=1).max() <= max_shift * (1 + 1e-6)
    assert found["shift"].norm(dim=1).max() > 0.1 * max_shift
    assert found["image"].min() >= 0 and found["image"].max() <= 1


def test_nothing_changes_outside_the_sector() -> None:
    image, seg, found = run(shaken())
    outside = seg[:, :1] > 0
    assert torch.equal(found["image"][outside], image[outside])


def test_noise_is_what_is_random() -> None:
    network, (image, seg) = shaken(max_change=1.0), frames(2)
    bank = network.encode_bank(*frames(4, seed=1))
    with torch.no_grad():
        plain = [network(image, seg, bank)["image"] for _ in range(2)]
        noisy = [network(image, seg, bank, torch.randn(image.shape))["image"] for _ in range(2)]
    assert torch.equal(*plain)
    assert not torch.equal(*noisy)


def test_spread_over_the_noise_is_where_texture_is_random() -> None:
    network, (image, seg) = shaken(max_change=1.0), frames(2)
    bank = network.encode_bank(*frames(4, seed=1))
    spread = alignment_spread(network, image, seg, bank, draws=4)
    assert spread.shape == image.shape
    assert not spread[seg[:, :1] > 0].any() and float(spread.max()) > 0.01
    assert not alignment_spread(shaken(stochastic=False), image, seg, bank, draws=2).any()
    with pytest.raises(EchoSynthError, match="two draws"):
        alignment_spread(network, image, seg, bank, draws=1)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_frames_come_out_finite(level: float) -> None:
    network, (image, seg) = shaken(), frames(2)
    image = torch.full_like(image, level)
    with torch.no_grad():
        found = network(image, seg, network.encode_bank(image, seg), torch.randn(image.shape))["image"]
    assert torch.isfinite(found).all()


def test_a_bank_for_each_frame_equals_frame_by_frame() -> None:
    network, (image, seg) = shaken(), frames(3)
    bank = network.encode_bank(*frames(6, seed=1))
    rows = torch.tensor([[0, 1], [5, 2], [3, 3]])
    with torch.no_grad():
        together = network(image, seg, bank.take(rows))["image"]
        single = [network(image[i : i + 1], seg[i : i + 1], bank.take(rows[i : i + 1]))["image"] for i in range(3)]
    torch.testing.assert_close(together, torch.cat(single), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NETWORK_COMPONENTS)
def test_every_component_can_be_switched_off_and_matters(name: str) -> None:
    _, _, without = run(shaken(**NETWORK_COMPONENTS[name]))
    _, _, whole = run(shaken())
    assert torch.isfinite(without["image"]).all()
    assert not torch.equal(without["image"], whole["image"])


def test_every_parameter_learns() -> None:
    network = shaken(max_change=1.0).train()
    image, seg = frames(2)
    found = network(image, seg, network.encode_bank(*frames(4, seed=1)), torch.randn(image.shape))
    found["image"].square().sum().backward()
    idle = [
        name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert idle == []


@torch.no_grad()
def test_weights_grow_with_the_discrepancy_of_a_structure() -> None:
    analysis = DifferentialAnalysis(levels=3, structures=5)
    image, seg = frames(8)
    bank = analysis.energies(image, seg)
    analysis.fit(bank)
    shared = type(bank)(*(tensor.unsqueeze(0) for tensor in bank))
    like = analysis(analysis.energies(image[:1], seg[:1]), shared)
    smooth = torch.where(seg[:1, 1:2] > 0, gaussian_smooth(image[:1], 2.0), image[:1])
    blurred = analysis(analysis.energies(smooth, seg[:1]), shared)
    assert blurred[0, 0, 1] > like[0, 0, 1] + 0.3, "the blurred structure"
    assert abs(float(blurred[0, 0, 4] - like[0, 0, 4])) < 0.2, "the untouched one"
    assert float(like.min()) >= 0 and float(blurred.max()) <= 1


def test_structures_that_the_bank_lacks_have_no_discrepancy() -> None:
    analysis = DifferentialAnalysis(levels=2, structures=5)
    image, seg = frames(3)
    bank = analysis.energies(image, seg)
    distance = analysis.discrepancy(bank, type(bank)(*(tensor.unsqueeze(0) for tensor in bank)))
    assert not distance[..., [2, 3]].any()


def test_empty_bank_is_refused() -> None:
    image, seg = frames(2)
    with pytest.raises(EchoSynthError, match="at least one image"):
        DomainAligner(channels=CHANNELS).encode_bank(image[:0], seg[:0])


@pytest.mark.parametrize(
    ("image", "seg"),
    [((2, 1, 40, 32), (2, 5, 40, 32)), ((2, 2, 32, 32), (2, 5, 32, 32)), ((2, 1, 32, 32), (2, 4, 32, 32))],
    ids=["size", "image channels", "structures"],
)
def test_frames_that_do_not_fit_are_refused(image: tuple[int, ...], seg: tuple[int, ...]) -> None:
    with pytest.raises(EchoSynthError, match="multiples of 32"):
        DomainAligner(channels=CHANNELS).encode_bank(torch.zeros(image), torch.zeros(seg))


def test_bank_of_another_size_is_refused() -> None:
    network = DomainAligner(channels=CHANNELS)
    with pytest.raises(EchoSynthError, match="bank must have the channels and size"):
        network(*frames(2), network.encode_bank(*frames(2, side=64)))


def test_values_that_are_not_finite_are_refused() -> None:
    image, seg = frames(2)
    image[1, 0, 16, 16] = float("nan")
    network = DomainAligner(channels=CHANNELS)
    bank = network.encode_bank(*frames(2))
    with pytest.raises(EchoSynthError, match="finite"):
        network(image, seg, bank)


@pytest.mark.parametrize("ids", [{"max_shift": -1.0}, {"max_change": 0.0}])
def test_limits_out_of_range_are_refused(ids: dict[str, float]) -> None:
    with pytest.raises(EchoSynthError, match="max_shift"):
        DomainAligner(**ids)  # type: ignore[arg-type]


@torch.no_grad()
def test_without_attention_places_of_the_bank_are_not_told_apart() -> None:
    network = shaken(reaches=((), ()))
    image, seg = frames(3)
    bank = network.encode_bank(*frames(4, seed=1))
    target = network(image, seg, bank)["target"]
    assert (target == target[:1, :, :1, :1]).all()
    valid = bank.valid.expand_as(bank.statistics[:, :, :1])
    places = bank.statistics.movedim(2, -1)[valid[:, :, 0] > 0]
    torch.testing.assert_close(target[0, :, 0, 0], places.mean(dim=0))
    told_apart = run(shaken())[2]["target"]
    assert told_apart.std(dim=(2, 3)).max() > 1e-3
