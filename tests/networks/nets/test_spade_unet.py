"""The denoising network: MONAI's state dicts fit, folding is a change of grid and nothing else, tracing is exact."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE
from monai.networks.nets import SPADEDiffusionModelUNet

from monai_echosynth.networks.nets.presets import gamma_autoencoder, spade_unet
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from tests.helpers.tiny_generator import TINY_UNET, scramble, tiny_seg, tiny_unet


def _monai(**overrides: Any) -> SPADEDiffusionModelUNet:
    sizes: dict[str, Any] = {"in_channels": 1, "out_channels": 1, "label_nc": 5, **TINY_UNET, **overrides}
    return SPADEDiffusionModelUNet(spatial_dims=2, **sizes)


def test_state_dicts_interchange_with_monai_both_ways() -> None:
    theirs, ours = scramble(_monai(), 1), tiny_unet(2, patch=1, spade_norm_affine=True)
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())
    theirs.load_state_dict(before, strict=True)


def test_equals_monai_without_the_norms_on_scale_and_shift() -> None:
    """With the one difference undone by hand, and a mask that any resampling leaves alone, the two nets are one."""
    ours = tiny_unet(patch=1, spade_norm_affine=True)
    theirs = _monai().eval()
    theirs.load_state_dict(ours.state_dict())
    for layer in theirs.modules():
        if isinstance(layer, MonaiSPADE):
            del layer.mlp_gamma.adn, layer.mlp_beta.adn
    blocks = F.one_hot(torch.randint(0, 5, (2, 4, 4)), 5).movedim(-1, 1).float()
    seg = blocks.repeat_interleave(4, -1).repeat_interleave(4, -2)
    x, timesteps = torch.randn(2, 1, 16, 16), torch.tensor([-0.4, 1.1])
    with torch.inference_mode():
        expected = theirs(x, timesteps, seg=seg)
        torch.testing.assert_close(ours(x, timesteps, seg=seg), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.01


def test_patch_folding_is_the_net_on_the_unshuffled_input() -> None:
    folded = tiny_unet(patch=2)
    plain = SPADEUNet(in_channels=4, out_channels=4, label_nc=5, use_flash_attention=True, **TINY_UNET).eval()
    plain.load_state_dict(folded.state_dict())
    x, timesteps, seg = torch.randn(2, 1, 16, 16), torch.zeros(2), tiny_seg(2)
    with torch.inference_mode():
        expected = F.pixel_shuffle(plain(F.pixel_unshuffle(x, 2), timesteps, seg), 2)
        assert torch.equal(folded(x, timesteps, seg=seg), expected)


def test_an_input_gate_adds_the_input_by_noise_level() -> None:
    gated, plain = tiny_unet(3, input_gate=True), tiny_unet(4)
    assert gated.input_gate is not None
    plain.load_state_dict({name: v for name, v in gated.state_dict().items() if not name.startswith("input_gate")})
    x, seg = torch.randn(2, 1, 16, 16), tiny_seg(2)
    with torch.inference_mode():
        added = gated(x, torch.tensor([0.5, -0.7]), seg=seg) - plain(x, torch.tensor([0.5, -0.7]), seg=seg)
        shares = (added / x).flatten(1)
        torch.testing.assert_close(shares, shares.median(1, keepdim=True)[0].expand_as(shares), rtol=0.01, atol=1e-3)
        assert abs(float(shares[0].median() - shares[1].median())) > 0.01
    fresh = SPADEUNet(1, 1, label_nc=5, use_flash_attention=True, input_gate=True, **TINY_UNET)
    assert fresh.input_gate is not None and not fresh.input_gate.weight.any() and not fresh.input_gate.bias.any()


def test_answers_to_mask_and_noise_level() -> None:
    network, x = tiny_unet(), torch.randn(1, 1, 16, 16)
    first, second = tiny_seg(2).split(1)
    with torch.inference_mode():
        output = network(x, timesteps=torch.zeros(1), seg=first)
        assert not torch.allclose(output, network(x, timesteps=torch.zeros(1), seg=second))
        assert not torch.allclose(output, network(x, timesteps=torch.ones(1), seg=first))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_trace_is_exact() -> None:
    network = tiny_unet()
    inputs = torch.randn(1, 1, 16, 16), torch.zeros(1), tiny_seg()
    with torch.no_grad(), torch.jit.optimized_execution(False):
        traced = torch.jit.trace(network, inputs, check_trace=False)
        other = torch.randn(1, 1, 16, 16), torch.ones(1), tiny_seg(seed=1)
        torch.testing.assert_close(traced(*other), network(*other), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", ["quick", "cpu", "l128", "quick_l64", "cpu_l64", "l64"])
def test_presets_exist(size: str) -> None:
    with torch.device("meta"):
        autoencoder = gamma_autoencoder(size)
    assert autoencoder.downsampling == (4 if size.endswith("l64") else 2)


def test_paper_sizes() -> None:
    with torch.device("meta"):
        unet = spade_unet("l64")
    assert unet.conv_in.conv.in_channels == unet.patch == 1
    widths = [block.resnets[0].conv1.conv.out_channels for block in unet.down_blocks]
    assert widths == [192, 384, 576, 800]
    assert all(len(block.resnets) == 3 for block in unet.down_blocks)


def test_unknown_size_names_the_choices() -> None:
    with pytest.raises(ValueError, match="choose one of quick, cpu"):
        spade_unet("huge")
