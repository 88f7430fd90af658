"""Guided images: from noise, or from a partially noised frame, with classifier-free guidance, by one solver run in latent space.

Image k depends on (seed, k), its condition and its input frame alone. As in :mod:`~monai_echosynth.inferers.latent_sampling`,
images are computed one by one on a CPU, so that they are the same bytes in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor, nn

from monai_echosynth.diffusion.classifier_free import ClassifierFreeDenoiser, guidance_calls
from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.partial_noise import partial_sigmas, starting_noise
from monai_echosynth.diffusion.seeding import image_generator, normal_noise
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.inferers.lanes import one_by_one
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder

__all__ = ["GuidedSamplingInferer"]

_Part = tuple[Tensor, list[int], Tensor | None]


class GuidedSamplingInferer(Inferer):
    """Samples images with a guided latent diffusion model.

    Args:
        autoencoder: gamma-VAE whose latents the network denoises.
        preconditioning: the discrete diffusion family of the network.
        solver: name of the solver.
        nfe: network calls of an image that starts from noise; one that starts from a frame takes its share.
        guidance: classifier-free guidance scale; 1 follows the condition, 0 ignores it.
        strength: how much noise is added to the input frame, in [0, 1]; 0 returns its reconstruction, 1 ignores it.
        seed: seed of the set.
        exact: compute every image by itself; by default on a CPU only.

    Raises:
        EchoSynthError: the scale, the strength, the solver or the number of calls is out of range.
    """

    def __init__(
        self,
        autoencoder: GammaAutoencoder,
        preconditioning: IDDPM,
        solver: SolverName | str = SolverName.DDIM,
        nfe: int = 50,
        guidance: float = 2.0,
        strength: float = 1.0,
        seed: int = 0,
        exact: bool | None = None,
    ) -> None:
        self.autoencoder, self.preconditioning = autoencoder, preconditioning
        self.solver = make_solver(solver)
        calls = guidance_calls(guidance)
        self.sigmas = partial_sigmas(preconditioning, strength, self.solver.steps(max(nfe // calls, min(nfe, 1))))
        self.guidance, self.strength, self.seed, self.exact = guidance, strength, seed, exact
        steps = len(self.sigmas) - 1
        self.nfe_per_image = calls * self.solver.nfe(steps) if steps > 0 else 0  # planned; counted once one was made

    def __call__(self, inputs: Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> Tensor:
        """Images (B, 1, X, Y) in [0, 1].

        Args:
            inputs: frames (B, 1, X, Y) in [0, 1] to start from; of those of strength 1 the size alone matters.
            network: denoising network.
            index: keyword, positions k of the images in the set (B,).
            condition: keyword, what guides each image, or None for an unconditional network.
        """
        index: list[int] = [int(k) for k in kwargs["index"]]
        condition: Tensor | None = kwargs.get("condition")
        inputs = inputs.as_tensor() if hasattr(inputs, "as_tensor") else inputs
        exact = inputs.device.type == "cpu" if self.exact is None else self.exact
        if not exact:
            return self._sample(network, inputs, index, condition)
        parts: list[_Part] = [
            (inputs[i : i + 1].clone(), [k], None if condition is None else condition[i : i + 1].clone())
            for i, k in enumerate(index)
        ]
        return one_by_one(lambda part: self._sample(network, *part), parts, inputs.device)

    @torch.inference_mode()
    def _sample(self, network: nn.Module, frames: Tensor, index: Sequence[int], condition: Tensor | None) -> Tensor:
        latent = self.autoencoder.encode_stage_2_inputs(frames)
        if len(self.sigmas):
            latent = self._denoised(network, latent, index, {} if condition is None else {"condition": condition})
        return self.autoencoder.decode_stage_2_outputs(latent)

    def _denoised(
        self, network: nn.Module, latent: Tensor, index: Sequence[int], condition: dict[str, Tensor]
    ) -> Tensor:
        generators = [image_generator(self.seed, k) for k in index]
        bounds = self.autoencoder.data_range()
        denoiser = ClassifierFreeDenoiser(
            Denoiser(network, self.preconditioning, bounds, **condition),
            Denoiser(network, self.preconditioning, bounds),
            self.guidance,
        )
        start = starting_noise(latent, normal_noise(latent, generators), self.sigmas, self.strength)
        made = self.solver.sample(denoiser, start, self.sigmas, generators)
        self.nfe_per_image = denoiser.nfe
        return made
