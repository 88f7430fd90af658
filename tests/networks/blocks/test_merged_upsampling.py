"""Upsampling and convolution in one: MONAI's two layers are the oracle, in float64 to rounding."""

import pytest
import torch
from monai.networks.blocks import Convolution, Upsample
from monai.networks.nets.diffusion_model_unet import WrappedUpsample
from torch import nn

from monai_echosynth.networks.blocks.merged_upsampling import MergedUpsampling, merge_upsampling


def _layer(kind: type[Upsample] = Upsample, **changed: object) -> Upsample:
    convolution = {"kernel_size": 3, "conv_only": True, **changed.pop("convolution", {})}
    after = Convolution(2, 3, 3, **convolution)
    form = {"mode": "nontrainable", "interp_mode": "nearest", "scale_factor": 2.0, "align_corners": None, **changed}
    torch.manual_seed(0)
    return kind(2, 3, 3, post_conv=after, **form)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_two_layers_up_to_rounding_at_the_border_too(size: tuple[int, int], bias: bool) -> None:
    layer = _layer(convolution={"bias": bias}).double()
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    merged = MergedUpsampling(layer)
    torch.testing.assert_close(merged(x), layer(x), rtol=0, atol=1e-13)
    assert not any(parameter.requires_grad for parameter in merged.parameters())
    assert all(parameter.requires_grad for parameter in layer.parameters())  # it stays as it was


def test_channels_last_maps_stay_so_and_a_time_embedding_changes_nothing() -> None:
    layer = _layer(WrappedUpsample)
    x = torch.randn(2, 3, 6, 6).to(memory_format=torch.channels_last)
    merged = MergedUpsampling(layer).to(memory_format=torch.channels_last)
    out = merged(x, torch.randn(2, 8))
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out, layer(x), rtol=0, atol=1e-5)


_OTHERS = {
    "trained upsampling": lambda: Upsample(2, 3, 3, mode="deconv"),
    "nothing after it": lambda: Upsample(2, 3, 3, mode="nontrainable", interp_mode="nearest", align_corners=None),
    "by three": lambda: _layer(scale_factor=3),
    "linear": lambda: _layer(interp_mode="linear", align_corners=False),
    "a larger kernel": lambda: _layer(convolution={"kernel_size": 5}),
    "an activation after it": lambda: _layer(convolution={"conv_only": False}),
    "stride": lambda: _layer(convolution={"strides": 2}),
    "mirrored border": lambda: _mirrored(_layer()),
}


def _mirrored(layer: Upsample) -> Upsample:
    layer.postconv.conv.padding_mode = "reflect"
    return layer


@pytest.mark.parametrize("name", _OTHERS)
def test_layers_of_another_form_stay_as_they_are(name: str) -> None:
    model = nn.Sequential(_OTHERS[name](), _layer())
    x = torch.randn(1, 3, 4, 4)
    expected, other = model(x), model[0]
    assert merge_upsampling(model) == 1
    assert model[0] is other
    assert isinstance(model[1], MergedUpsampling)
    torch.testing.assert_close(model(x), expected, rtol=0, atol=1e-5)
    with pytest.raises(TypeError, match="nearest pixel and a plain convolution is needed"):
        MergedUpsampling(other)
