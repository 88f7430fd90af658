"""Against torchvision itself, where it is installed: the same names, shapes and logits."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from monai_echosynth.networks.nets.efficientnet_v2 import EfficientNetV2

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


def _torchvision_models():
    """torchvision.models; beside a CPU build of torch its compiled operators are missing and are declared instead."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    if torch.version.cuda is None and not hasattr(torch.ops.torchvision, "nms"):
        for name in ("nms", "qnms"):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", schema)
    return pytest.importorskip("torchvision.models", exc_type=ImportError)


def test_state_dict_and_logits_agree() -> None:
    theirs = _torchvision_models().efficientnet_v2_s(weights=None).eval()
    generator = torch.Generator().manual_seed(0)
    for name, value in theirs.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.is_floating_point():
            value += 0.05 * torch.randn(value.shape, generator=generator)
    ours = EfficientNetV2(in_channels=3, classes=1000).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    image = torch.randn(2, 3, 96, 96, generator=generator)
    with torch.inference_mode():
        expected = theirs(image)
        torch.testing.assert_close(ours(image), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.01


def test_training_mode_draws_the_same_stochastic_depth() -> None:
    theirs = _torchvision_models().efficientnet_v2_s(weights=None).train()
    ours = EfficientNetV2(in_channels=3, classes=1000).train()
    ours.load_state_dict(theirs.state_dict())
    image, logits = torch.randn(2, 3, 64, 64), []
    for network in (theirs, ours):
        torch.manual_seed(7)
        logits.append(network(image).detach())
    torch.testing.assert_close(logits[1], logits[0], rtol=1e-4, atol=1e-4)
