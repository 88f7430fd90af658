"""A segmenter that takes no part in training: it says what structures a frame shows, and whether they are where the mask says.

Images come as they are aligned, (B, 1, X, Y) in [0, 1]; what the segmenter's own preprocessing does to an image is done
here in steps that a gradient can pass: to its size, then to mean 0 and standard deviation 1.
"""

from __future__ import annotations

from pathlib import Path

import torch
from monai.bundle import ConfigParser
from monai.networks.nets import DynUNet
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import load_weights

__all__ = ["FrozenSegmenter", "load_frozen_segmenter"]


class FrozenSegmenter(nn.Module):
    """The segmenter.

    Args:
        network: logits (B, K, s, s) of normalized images (B, 1, s, s).
        spatial_size: s.
    """

    def __init__(self, network: nn.Module, spatial_size: int) -> None:
        super().__init__()
        self.network, self.spatial_size = network.requires_grad_(False).eval(), spatial_size

    def train(self, mode: bool = True) -> FrozenSegmenter:
        """Stays in evaluation mode."""
        return super().train(False)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, K, X, Y) of images (B, 1, X, Y) in [0, 1], on their own grid."""
        logits = self.network(self.preprocessed(image))
        if logits.shape[-2:] == image.shape[-2:]:
            return torch.as_tensor(logits)
        return F.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=False)

    def preprocessed(self, image: Tensor) -> Tensor:
        """Images (B, 1, X, Y) in [0, 1] as the network wants them, (B, 1, s, s)."""
        size = (self.spatial_size, self.spatial_size)
        seen = image if image.shape[-2:] == size else F.interpolate(image, size, mode="area")
        mean, spread = seen.mean(dim=(1, 2, 3), keepdim=True), seen.std(dim=(1, 2, 3), keepdim=True, correction=0)
        return (seen - mean) / spread.clamp_min(1e-6)

    @torch.no_grad()
    def membership(self, image: Tensor, sector: Tensor) -> Tensor:
        """Structures that the segmenter sees in images, (B, K + 1, X, Y): outside, the K - 1 structures, the rest of the sector.

        Args:
            image: (B, 1, X, Y) in [0, 1].
            sector: (B, 1, X, Y), 1 inside.
        """
        share = self(image).float().softmax(dim=1) * sector
        return torch.cat([1.0 - sector, share[:, 1:], share[:, :1]], dim=1)

    def disagreement(self, image: Tensor, seg: Tensor) -> Tensor:
        """Scalar: mean of cross-entropy and 1 - Dice of the segmentation of images against membership maps (B, K + 1, X, Y)."""
        logits = self(image).float()
        target = torch.cat([seg[:, :1] + seg[:, -1:], seg[:, 1:-1]], dim=1)
        if logits.shape != target.shape:
            raise EchoSynthError(
                f"a segmenter of the labels of the masks is needed, {target.shape[1] - 1} structures, got {logits.shape[1] - 1}: "
                "choose the one that was trained on this label table"
            )
        share = logits.softmax(dim=1)
        overlap = 2.0 * (share * target).sum(dim=(0, 2, 3)) + 1.0
        dice = overlap / ((share + target).sum(dim=(0, 2, 3)) + 1.0)
        return 0.5 * (-(target * logits.log_softmax(dim=1)).sum(dim=1).mean() + 1.0 - dice[1:].mean())


def load_frozen_segmenter(bundle: str | Path) -> FrozenSegmenter:
    """The trained network of an ``echo_segmentation`` bundle.

    Raises:
        EchoSynthError: the folder is no such bundle, or has no weights.
    """
    path = Path(bundle) / "configs" / "inference.json"
    if not path.is_file():
        raise EchoSynthError(f"a trained echo_segmentation bundle was expected, got {bundle}: name the segmenter")
    parser = ConfigParser()
    parser.read_config(str(path))
    parser["bundle_root"] = str(bundle)
    network = load_weights(parser.get_parsed_content("network_def"), parser.get_parsed_content("weights_path"))
    if not isinstance(network, DynUNet):
        raise EchoSynthError(
            f"a trained echo_segmentation bundle was expected, got a {type(network).__name__} in {bundle}: name it"
        )
    return FrozenSegmenter(network, int(parser["spatial_size"]))
