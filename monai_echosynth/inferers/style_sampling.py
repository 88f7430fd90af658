"""Masks in, images out by one call of a GAN's generator: image k depends on (seed, k) and its mask alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor, nn

from monai_echosynth.diffusion.seeding import image_generator
from monai_echosynth.inferers.batch_limit import BatchLimit
from monai_echosynth.inferers.lanes import one_by_one
from monai_echosynth.inferers.part_clock import PartClock

__all__ = ["StyleSamplingInferer"]


class StyleSamplingInferer(Inferer):
    """Draws a style for each semantic map and the image that goes with both.

    Args:
        style: length of the style code.
        seed: seed of the set.
        exact: compute every image by itself; by default on a CPU only.

    Attributes:
        nfe_per_image: network calls per image, 1.
        clock: seconds of ``sampling``.
    """

    nfe_per_image = 1

    def __init__(self, style: int, seed: int = 0, exact: bool | None = None) -> None:
        self.style, self.seed, self.exact = style, seed, exact
        self.clock, self._limit = PartClock(), BatchLimit()

    def __call__(self, inputs: Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> Tensor:
        """Images (B, 1, X, Y) in [0, 1] for one-hot maps (B, K, X, Y) with channel 0 outside the sector.

        Args:
            inputs: the maps.
            network: generator, called as ``network(seg, noise)``.
            index: keyword, positions k of the images in the set (B,).
        """
        index = [int(k) for k in kwargs["index"]]
        inputs = inputs.as_tensor() if hasattr(inputs, "as_tensor") else inputs

        def compute(rows: slice) -> Tensor:
            if not self.bit_stable(inputs.device):
                return self._sample(network, inputs[rows], index[rows])
            parts = [(inputs[k : k + 1].clone(), index[k : k + 1]) for k in range(rows.start, rows.stop)]
            return one_by_one(lambda part: self._sample(network, *part), parts, inputs.device)

        return self._limit.run(compute, len(index))

    def bit_stable(self, device: torch.device | str) -> bool:
        """Whether images are computed one by one, so that their bytes depend neither on the batch nor on the other processes."""
        return torch.device(device).type == "cpu" if self.exact is None else self.exact

    @torch.inference_mode()
    def _sample(self, network: nn.Module, seg: Tensor, index: Sequence[int]) -> Tensor:
        noise = torch.stack([torch.randn(self.style, generator=image_generator(self.seed, k)) for k in index])
        with self.clock.part("sampling", seg.device):
            return torch.as_tensor(network(seg, noise.to(seg.device)))
