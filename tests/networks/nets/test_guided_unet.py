"""The guided network: tokens of each guide, what a dropped condition is, and that every part learns."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.guide_tokens import TOKEN_WIDTH, ClassTokens, ImageTokens, TextTokens
from monai_echosynth.networks.nets.guided_unet import Guidance, guided_unet
from tests.helpers.tiny_guided import tiny_guided_unet

CONDITIONS: dict[Guidance, Any] = {
    Guidance.CLASS: torch.tensor([0, 2]),
    Guidance.TEXT: torch.randn(2, 7, 16, generator=torch.manual_seed(1)),
    Guidance.IMAGE: torch.rand(2, 1, 32, 32, generator=torch.manual_seed(2)),
}


def _run(network: Any, condition: Tensor | None, **options: Any) -> Tensor:
    x = torch.randn(2, 1, 16, 16, generator=torch.manual_seed(0))
    with torch.inference_mode():
        out: Tensor = network(x, torch.tensor([10.0, 700.0]), condition=condition, **options)
    return out


def test_tokens_of_each_guide() -> None:
    assert ClassTokens(3)(torch.tensor([0.0, 2.0])).shape == (2, 4, TOKEN_WIDTH)
    assert TextTokens(16)(CONDITIONS[Guidance.TEXT]).shape == (2, 7, TOKEN_WIDTH)
    images = ImageTokens()
    gray = (255 * CONDITIONS[Guidance.IMAGE]).round().to(torch.uint8)
    tokens = images(gray)
    assert tokens.shape == (2, 16, TOKEN_WIDTH)  # three downsamplings
    torch.testing.assert_close(tokens, images(gray.float() / 255))
    uniform = images(torch.zeros(1, 1, 64, 64))[0].unflatten(0, (8, 8))[2:-2, 2:-2].flatten(0, 1)
    assert torch.cdist(uniform, uniform).fill_diagonal_(9.0).min() > 0.1  # places are told apart


@pytest.mark.parametrize("guidance", Guidance)
def test_the_condition_is_heard_and_can_be_dropped(guidance: Guidance) -> None:
    network, condition = tiny_guided_unet(guidance, text_width=16), CONDITIONS[guidance]
    heard, free = _run(network, condition), _run(network, None)
    assert heard.shape == (2, 1, 16, 16)
    assert not torch.allclose(heard, free, atol=1e-4)
    assert not torch.allclose(heard, _run(network, condition.flip(0)), atol=1e-4)
    torch.testing.assert_close(_run(network, condition, dropped=torch.tensor([True, True])), free, atol=1e-5, rtol=1e-4)
    mixed = _run(network, condition, dropped=torch.tensor([False, True]))
    torch.testing.assert_close(mixed, torch.stack([heard[0], free[1]]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("guidance", Guidance)
def test_every_parameter_learns(guidance: Guidance) -> None:
    network = tiny_guided_unet(guidance, text_width=16)
    dropped = torch.tensor([False, True])
    out = network(torch.randn(2, 1, 16, 16), torch.tensor([1.0, 2.0]), CONDITIONS[guidance], dropped)
    out.square().mean().backward()
    silent = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert [name for name in silent if not name.startswith("unet.down_blocks.0")] == []


def test_unknown_names_are_refused() -> None:
    with pytest.raises(EchoSynthError, match="unknown network size"):
        guided_unet("huge")
    with pytest.raises(EchoSynthError, match="guidance must be one of class, text, image"):
        guided_unet("quick", "sound")
