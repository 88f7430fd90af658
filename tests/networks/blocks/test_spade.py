"""SPADE against its formula, and where it parts from MONAI's block of the same name."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE

from monai_echosynth.networks.blocks import SPADE
from tests.helpers.tiny_generator import scramble, tiny_seg


def test_equals_the_formula() -> None:
    layer = scramble(SPADE(5, 8, hidden_channels=6, num_groups=4, eps=1e-6)).double()
    x, seg = torch.randn(2, 8, 16, 16, dtype=torch.float64), tiny_seg(2, 16).double()
    groups = x.reshape(2, 4, -1)
    normalized = (groups - groups.mean(-1, keepdim=True)) / (groups.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()
    state = layer.state_dict()

    def convolve(values: torch.Tensor, name: str) -> torch.Tensor:
        return F.conv2d(values, state[f"{name}.conv.weight"], state[f"{name}.conv.bias"], padding=1)

    hidden = convolve(seg, "mlp_shared")
    hidden = torch.where(hidden > 0, hidden, 0.01 * hidden)
    expected = (1 + convolve(hidden, "mlp_gamma")) * normalized.reshape_as(x) + convolve(hidden, "mlp_beta")
    torch.testing.assert_close(layer(x, seg), expected, rtol=1e-12, atol=1e-12)


def test_parameter_names_are_those_of_monai() -> None:
    theirs = MonaiSPADE(5, 8, hidden_channels=6, norm="GROUP", norm_params={"num_groups": 4, "affine": True})
    ours = SPADE(5, 8, hidden_channels=6, num_groups=4, affine=True)
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    assert not any("param_free_norm" in name for name in SPADE(5, 8, 6, 4).state_dict())


def test_a_constant_mask_still_modulates() -> None:
    """MONAI's instance norm on scale and shift erases a constant mask away from the border; the paper's layer keeps it."""
    ours = scramble(SPADE(2, 8, hidden_channels=6, num_groups=4), scale=0.3)
    theirs = MonaiSPADE(2, 8, hidden_channels=6, norm="GROUP", norm_params={"num_groups": 4, "affine": False})
    theirs.load_state_dict(ours.state_dict())
    first, second = torch.zeros(1, 2, 64, 64), torch.zeros(1, 2, 64, 64)
    first[:, 0], second[:, 1] = 1, 1
    x = torch.randn(1, 8, 64, 64)
    middle = (..., slice(20, 44), slice(20, 44))
    ours_differ, theirs_differ = ((layer(x, first) - layer(x, second))[middle].abs().max() for layer in (ours, theirs))
    assert ours_differ > 0.1
    assert theirs_differ < 0.3 * ours_differ


def test_masks_are_averaged_over_the_area_of_a_feature_pixel() -> None:
    layer = scramble(SPADE(5, 8, hidden_channels=6, num_groups=4))
    seg = tiny_seg(1, 32)
    by_hand = seg.reshape(1, 5, 8, 4, 8, 4).mean((3, 5))
    scale, shift = layer.modulation(seg, (8, 8))
    expected_scale, expected_shift = layer.modulation(by_hand, (8, 8))
    torch.testing.assert_close(scale, expected_scale)
    torch.testing.assert_close(shift, expected_shift)
    assert not torch.equal(scale, layer.modulation(seg[..., ::4, ::4], (8, 8))[0])


@pytest.mark.parametrize("size", [8, 16, 32])
def test_masks_of_any_resolution_serve(size: int) -> None:
    layer = SPADE(5, 8, hidden_channels=6, num_groups=4)
    assert layer(torch.randn(1, 8, 16, 16), tiny_seg(1, size)).shape == (1, 8, 16, 16)
