"""Against monai-generative itself: networks saved there give the same outputs here. Needs ``pip install -e .[legacy]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.networks.generative_weights import load_generative_weights
from monai_echosynth.networks.nets.generative import generative_network
from tests.helpers.tiny_generator import scramble, tiny_seg

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.timeout(600),
]
generative = pytest.importorskip("generative.networks.nets", reason="monai-generative 0.2.3 (extra legacy)")

CLASSES = {
    "unet": "DiffusionModelUNet",
    "spade_unet": "SPADEDiffusionModelUNet",
    "autoencoder": "AutoencoderKL",
    "spade_autoencoder": "SPADEAutoencoderKL",
}
SHAPE: dict[str, Any] = {
    "in_channels": 1,
    "out_channels": 1,
    "num_res_blocks": 2,
    "attention_levels": (False, True, True),
    "num_channels": (32, 64, 64),
    "norm_num_groups": 16,
}
UNET = SHAPE | {"num_head_channels": (8, 16, 32)}
LABELS = {"label_nc": 5, "spade_intermediate_channels": 16}
CROSS = {"with_conditioning": True, "cross_attention_dim": 6, "transformer_num_layers": 2, "upcast_attention": True}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("unet", UNET),
    ("unet", UNET | CROSS),
    ("unet", UNET | {"resblock_updown": True, "num_class_embeds": 3}),
    ("spade_unet", UNET | LABELS),
    ("spade_unet", UNET | LABELS | CROSS),
    ("spade_unet", UNET | LABELS | {"resblock_updown": True, "num_class_embeds": 3}),
    ("autoencoder", SHAPE),
    ("autoencoder", SHAPE | {"use_convtranspose": True, "with_decoder_nonlocal_attn": False}),
    ("spade_autoencoder", SHAPE | LABELS),
]


def _outputs(kind: str, arguments: dict[str, Any], network: nn.Module, image: Tensor, seg: Tensor) -> list[Tensor]:
    masks = {"seg": seg} if "spade" in kind else {}
    with torch.inference_mode():
        if "autoencoder" in kind:
            mean, deviation = network.encode(image)
            return [mean, deviation, network.decode(mean, **masks)]
        extra: dict[str, Any] = dict(masks)
        if "with_conditioning" in arguments:
            extra["context"] = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(2))
        if "num_class_embeds" in arguments:
            extra["class_labels"] = torch.tensor([0, 2])
        return [network(image, timesteps=torch.tensor([3, 700]), **extra)]


def _both(kind: str, arguments: dict[str, Any], checkpoint: Path) -> tuple[nn.Module, nn.Module]:
    """A network of monai-generative, and ours with the weights that it saved."""
    torch.manual_seed(0)
    theirs = scramble(getattr(generative, CLASSES[kind])(**arguments), scale=0.05)
    torch.save(theirs.state_dict(), checkpoint)
    return theirs, load_generative_weights(generative_network(kind, **arguments), checkpoint).eval()


@pytest.mark.parametrize("number", range(len(CASES)))
def test_outputs_agree(number: int, tmp_path: Path) -> None:
    kind, arguments = CASES[number]
    theirs, ours = _both(kind, {"spatial_dims": 2, **arguments}, tmp_path / "checkpoint.pt")
    inputs = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1)), tiny_seg(2, 16)
    pairs = zip(_outputs(kind, arguments, ours, *inputs), _outputs(kind, arguments, theirs, *inputs), strict=True)
    for found, wanted in pairs:
        assert wanted.std() > 0.01
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("number", [0, 3, 7, 8])
def test_volumes_agree(number: int, tmp_path: Path) -> None:
    """In three dimensions sums are long enough to round by the tolerance; double precision tells networks apart."""
    kind, arguments = CASES[number]
    theirs, ours = (
        network.double() for network in _both(kind, {"spatial_dims": 3, **arguments}, tmp_path / "checkpoint.pt")
    )
    image = torch.randn(2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    inputs = image, tiny_seg(2, 8)[..., None].expand(-1, -1, -1, -1, 8).double()
    pairs = zip(_outputs(kind, arguments, ours, *inputs), _outputs(kind, arguments, theirs, *inputs), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
