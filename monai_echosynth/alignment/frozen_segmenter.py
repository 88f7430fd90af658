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

DOUBTED, TRUSTED = 0.5, 0.75
"""Soft Dice of a frame's worst structure below which a segmenter's own view of it counts nothing, and above which it is all."""


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

    def disagreement(self, image: Tensor, seg: Tensor, before: Tensor | None = None) -> Tensor:
        """Scalar: mean of cross-entropy and 1 - Dice of the segmentation of images against what they should show.

        Args:
            image: (B, 1, X, Y) in [0, 1].
            seg: membership maps (B, K + 1, X, Y), which are what images should show.
            before: the images before they were changed: what they should show then is what this segmenter saw there, as far as
                that is what the mask says.
        """
        logits = self(image).float()
        target = torch.cat([seg[:, :1] + seg[:, -1:], seg[:, 1:-1]], dim=1)
        if logits.shape != target.shape:
            raise EchoSynthError(
                f"a segmenter of the labels of the masks is needed, {target.shape[1] - 1} structures, got {logits.shape[1] - 1}: "
                "choose the one that was trained on this label table"
            )
        if before is not None:
            target = self._own_view(before, target)
        share = logits.softmax(dim=1)
        dice = _overlap(share, target, over=(0, 2, 3))
        return 0.5 * (-(target * logits.log_softmax(dim=1)).sum(dim=1).mean() + 1.0 - dice[1:].mean())

    @torch.no_grad()
    def _own_view(self, before: Tensor, target: Tensor) -> Tensor:
        """What the segmenter sees, mixed with the mask by how well both agree.

        A segmenter sees borders a little beside those of masks. To hold frames to their masks would move what they show until it
        sees them there, and teach that shift to whoever learns from the frames; to hold them to its own view leaves them.
        """
        view = self(before).float().softmax(dim=1)
        agreed = _overlap(view, target, over=(2, 3))[:, 1:].amin(dim=1)
        trust = ((agreed - DOUBTED) / (TRUSTED - DOUBTED)).clamp(0.0, 1.0).reshape(-1, 1, 1, 1)
        return trust * view + (1.0 - trust) * target


def _overlap(share: Tensor, target: Tensor, over: tuple[int, ...]) -> Tensor:
    """Soft Dice of shares and targets (B, K, X, Y), summed over some axes."""
    return (2.0 * (share * target).sum(dim=over) + 1.0) / ((share + target).sum(dim=over) + 1.0)


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
