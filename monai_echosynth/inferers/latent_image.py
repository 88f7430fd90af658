"""One pass from masks to images: noise, a solver in latent space, decoding, texture. Where the noise comes from is the caller's.

The noise of an image is a sequence of draws: one latent to start from, one latent for each time the solver asks for fresh noise,
one image for the texture. Generators give such sequences, and so does a list of tensors that was written down before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.solvers.base import Solver
from monai_echosynth.inferers.sector_denoiser import SectorDenoiser
from monai_echosynth.networks.blocks.modulation_store import ModulationStore
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.pixel_space import PixelSpace
from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture

__all__ = ["Draw", "LatentImage"]

Draw = Callable[[Sequence[int]], Tensor]
"""Returns the next unit normal noise (B, 1, X, Y) for a grid (X, Y)."""


@dataclass(frozen=True, eq=False)
class LatentImage:
    """What turns noise and masks into images.

    Attributes:
        autoencoder: gamma-VAE whose latents the network denoises, or the pixel space of a network that denoises frames.
        preconditioning: diffusion family of the network.
        solver: numerical method.
        sigmas: noise levels, decreasing, last 0.
        texture: adds the speckle that decoded frames lack; none when omitted.
        reuse_modulation: compute the modulation by the mask once instead of in every call.
        companion: weaker network of the same latents and masks that guides the sampling; none when omitted.
        guidance: weight of the guidance, 1 without.
        modulations: keeps it for further images of the mask; none when omitted, as a traced pass must have it.
    """

    autoencoder: GammaAutoencoder | PixelSpace
    preconditioning: Preconditioning
    solver: Solver
    sigmas: Sequence[float]
    texture: SpeckleTexture | None = None
    reuse_modulation: bool = True
    companion: nn.Module | None = None
    guidance: float = 1.0
    modulations: ModulationStore | None = None

    def __call__(self, network: nn.Module, seg: Tensor, draw: Draw, **conditioning: Tensor) -> tuple[Tensor, int]:
        """Images (B, 1, X, Y) in [0, 1] for one-hot maps (B, K, X, Y) with channel 0 outside the sector, and network calls.

        Args:
            network: denoising network.
            seg: the maps.
            draw: source of the noise.
            **conditioning: further keywords of the network, such as ``class_labels`` (B,).
        """
        latent, calls = self.sampled(network, seg, draw, **conditioning)
        return self.decoded(latent, seg, draw), calls

    def sampled(self, network: nn.Module, seg: Tensor, draw: Draw, **conditioning: Tensor) -> tuple[Tensor, int]:
        """The first part: latents (B, 1, x, y) and network calls; arguments as above."""
        latent_sector = self.autoencoder.latent_sector(_sector(seg))
        size = latent_sector.shape[2:]
        noise = draw(size)
        small = area_pool(seg, size)
        keep = SpadeCache if self.modulations is None else self.modulations.of
        told = {"seg": keep(small) if self.reuse_modulation else small, **conditioning}
        inside = (latent_sector, self.autoencoder.data_range())
        denoiser = SectorDenoiser(network, self.preconditioning, *inside, told, self.companion, self.guidance)
        return self.solver.integrate(denoiser, noise, self.sigmas, lambda: draw(size)), denoiser.nfe

    def decoded(self, latent: Tensor, seg: Tensor, draw: Draw) -> Tensor:
        """The second part: images of latents, on a CPU one after the other: the maps of one fit into its caches."""
        sector = _sector(seg)
        together = 1 if latent.device.type == "cpu" else len(latent)
        parts = zip(latent.split(together), sector.split(together), strict=True)
        image = torch.cat([self.autoencoder.decode_stage_2_outputs(*part) for part in parts])
        if self.texture is not None:
            residual = self.texture.residual(image, sector, draw(image.shape[2:]))
            image = (image + residual).clamp(0.0, 1.0) * sector
        return image


def _sector(seg: Tensor) -> Tensor:
    """1 inside the ultrasound sector (B, 1, X, Y)."""
    return (seg[:, :1] < 0.5).to(seg.dtype)
