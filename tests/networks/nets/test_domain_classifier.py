"""Size, shape and field of view of the classifier of two sets."""

from __future__ import annotations

import torch

from monai_echosynth.networks.nets.domain_classifier import domain_classifier


def test_one_logit_a_frame_of_any_size_from_few_parameters() -> None:
    network = domain_classifier().eval()
    assert [network(torch.randn(3, 1, size, size + 16)).shape for size in (48, 128)] == [(3,), (3,)]
    assert 40_000 < sum(parameter.numel() for parameter in network.parameters()) < 60_000


def test_features_see_31_pixels() -> None:
    body = domain_classifier().eval()[:4]
    image = torch.randn(1, 1, 128, 128, requires_grad=True)
    body(image)[0, :, 4, 4].sum().backward()
    seen = image.grad[0, 0].abs() > 0
    assert (int(seen.any(1).sum()), int(seen.any(0).sum())) == (31, 31)
