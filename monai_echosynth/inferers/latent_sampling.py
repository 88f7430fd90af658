"""Masks in, images out: one solver run in latent space per image, then one decoding.

Image k depends on (seed, k) and its mask alone. On a CPU every image is computed by itself
(:mod:`~monai_echosynth.inferers.lanes`), with identical bytes for any batch size and any number of processes. On a GPU images are
computed in batches unless ``exact`` is asked for. A :class:`~monai_echosynth.inferers.runtime.Runtime` says how the networks are
run: as they are, or in a faster form.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor, nn

from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.seeding import image_generator
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.inferers.batch_limit import BatchLimit
from monai_echosynth.inferers.lanes import one_by_one
from monai_echosynth.inferers.latent_image import LatentImage
from monai_echosynth.inferers.memory_need import fitting_batch, free_memory, pass_memory, weight_memory
from monai_echosynth.inferers.part_clock import PartClock
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.inferers.sector_denoiser import autoguidance_calls
from monai_echosynth.networks.blocks.modulation_store import ModulationStore
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.pixel_space import PixelSpace
from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture

__all__ = ["LatentSamplingInferer"]

_LOGGER = logging.getLogger(__name__)


class LatentSamplingInferer(Inferer):
    """Samples images for semantic maps with a latent diffusion model.

    Args:
        autoencoder: gamma-VAE whose latents the network denoises, or the pixel space of a network that denoises frames.
        preconditioning: diffusion family of the network.
        solver: name of the solver.
        nfe: network calls per image; the largest number of steps that fits is taken.
        seed: seed of the set.
        texture: adds the speckle that decoded frames lack; none when omitted.
        exact: compute every image by itself; by default on a CPU only.
        reuse_modulation: compute the modulation by the mask once per mask instead of in every call.
        grids: noise levels found for the network; those of its family where there are none for the solver and the calls.
        companion: weaker network that guides the sampling; its calls are among ``nfe``.
        guidance: weight of the guidance, 1 without.
        runtime: form of the networks that computes; the networks themselves when omitted.

    Attributes:
        nfe_per_image: network calls per image, those of a companion included.
        tuned_sigmas: the levels taken from ``grids``; None where they are those of the family.
        clock: seconds of ``sampling`` and ``decoding``.
        memory_need: estimated bytes of networks and images at once, known once an image was asked for.

    Raises:
        EchoSynthError: a few-step generator has no such solver or number of calls, or the guidance is out of range.
    """

    def __init__(
        self,
        autoencoder: GammaAutoencoder | PixelSpace,
        preconditioning: Preconditioning,
        solver: SolverName | str = SolverName.DPMPP_2M_SDE,
        nfe: int = 24,
        seed: int = 0,
        texture: SpeckleTexture | None = None,
        exact: bool | None = None,
        reuse_modulation: bool = True,
        grids: GridTable | None = None,
        companion: nn.Module | None = None,
        guidance: float = 1.0,
        runtime: Runtime | None = None,
    ) -> None:
        method = make_solver(solver)
        networks = autoguidance_calls(companion, guidance)
        own_calls = max(nfe // networks, min(nfe, 1))
        found = (grids or GridTable()).sigmas(solver, own_calls)
        self.tuned_sigmas = None if found is None else list(found)  # a list, as manifests give it back
        steps = method.steps(own_calls) if found is None else len(found) - 1
        sigmas = self.tuned_sigmas or preconditioning.sigmas(steps).tolist()
        sampling = (texture, reuse_modulation, companion, guidance)
        self.image = LatentImage(autoencoder, preconditioning, method, sigmas, *sampling)
        self.seed, self.exact, self.runtime, self.clock = seed, exact, runtime or Runtime(), PartClock()
        self._limit, self._store = BatchLimit(), ModulationStore()
        self._ready: tuple[nn.Module, nn.Module, LatentImage] | None = None
        self.memory_need: int | None = None
        self.nfe_per_image = networks * method.nfe(steps)  # planned; counted once an image was made

    def __call__(self, inputs: Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> Tensor:
        """Images (B, 1, X, Y) in [0, 1] for one-hot maps (B, K, X, Y) with channel 0 outside the sector.

        Args:
            inputs: the maps.
            network: denoising network.
            index: keyword, positions k of the images in the set (B,).
            class_labels: keyword, class of each image (B,) for a network that takes one.
        """
        index: list[int] = [int(k) for k in kwargs["index"]]
        classes: Tensor | None = kwargs.get("class_labels")
        inputs = inputs.as_tensor() if hasattr(inputs, "as_tensor") else inputs
        plain, (network, image) = network, self._prepared(network)
        if self.memory_need is None:
            self._bound_memory(plain, inputs, classes is not None)

        def compute(rows: slice) -> Tensor:
            if not self.bit_stable(inputs.device):
                return self._sample(
                    network, image, inputs[rows], index[rows], None if classes is None else classes[rows]
                )
            each = [slice(k, k + 1) for k in range(rows.start, rows.stop)]
            parts = [(inputs[k].clone(), index[k], None if classes is None else classes[k]) for k in each]
            return one_by_one(lambda part: self._sample(network, image, *part), parts, inputs.device)

        return self._limit.run(compute, len(index))

    def with_runtime(self, runtime: Runtime) -> LatentSamplingInferer:
        """The same sampling in another form."""
        twin = copy.copy(self)
        twin.runtime, twin._ready = runtime, None
        twin._limit, twin._store, twin.clock = BatchLimit(), ModulationStore(), PartClock()
        return twin

    def bit_stable(self, device: torch.device | str) -> bool:
        """Whether images are computed one by one, so that their bytes depend neither on the batch nor on the other processes."""
        if self.runtime.batched:
            return False
        return torch.device(device).type == "cpu" if self.exact is None else self.exact

    def _bound_memory(self, network: nn.Module, seg: Tensor, classes: bool) -> None:
        """Estimates, before the first image, what a batch takes, and computes fewer images at once where that is not free."""
        lanes = min(len(seg), torch.get_num_threads()) if seg.device.type == "cpu" else 1
        together = lanes if self.bit_stable(seg.device) else len(seg)
        companions = [] if self.image.companion is None else [self.image.companion]
        weights = weight_memory(network, self.image.autoencoder, *companions)
        further = weights * (self.runtime.weight_copies - 1)
        one = pass_memory(network, self.image, seg[:1], classes)
        fits = fitting_batch(together, one, free_memory(seg.device) - further)
        self.memory_need = weights + further + fits * one
        if fits < together:
            self._limit.bound(fits)
            need = (together, together * one / 2**30, fits)
            _LOGGER.warning("%d images at once need about %.2f GiB, which are not free: going on with %d", *need)

    def _prepared(self, network: nn.Module) -> tuple[nn.Module, LatentImage]:
        """The network and the pass in the form that computes, made on first use."""
        if self._ready is None or self._ready[0] is not network:
            image = replace(self.image, modulations=self._store)
            self._ready = (network, *self.runtime.prepare(network, image))
        return self._ready[1:]

    @torch.inference_mode()
    def _sample(
        self, network: nn.Module, image: LatentImage, seg: Tensor, index: Sequence[int], classes: Tensor | None = None
    ) -> Tensor:
        generators = [image_generator(self.seed, k) for k in index]
        conditioning = {} if classes is None else {"class_labels": classes.to(seg.device)}

        def draw(size: Sequence[int]) -> Tensor:
            return torch.stack([torch.randn((1, *size), generator=g) for g in generators]).to(seg.device)

        with self.clock.part("sampling", seg.device):
            latent, self.nfe_per_image = image.sampled(network, seg, draw, **conditioning)
        with self.clock.part("decoding", seg.device):
            return image.decoded(latent, seg, draw)
