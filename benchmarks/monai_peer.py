"""MONAI's own inferer, network and schedulers against this project's, with equal weights, masks, noise and number of calls.

The weights are those of MONAI's ``SPADEDiffusionModelUNet``; names of parameters are the same in both. The mask is given to both
on the grid of the latents, and no pixel is outside the sector, which MONAI does not know. MONAI's ``DDIMScheduler`` steps from t
to t - T // N, so it is given the N times that are T // N apart. Its ``DDPMScheduler`` steps to t - 1, so it has T = N, and betas
that are 1000 / N times those of T = 1000 and reach the same noise.

References:
    MONAI, https://docs.monai.io/en/stable/inferers.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from monai.inferers import LatentDiffusionInferer
from monai.networks.nets import SPADEDiffusionModelUNet
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device, scrambled, segs
from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.diffusion.iddpm import IDDPM, BetaSchedule
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.inferers.latent_image import LatentImage
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.networks.blocks.modulation_store import ModulationStore
from monai_echosynth.networks.blocks.spade import SPADEVariant
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["SHAPE", "Peers", "benchmark_monai_peer", "make_peers"]

SHAPE: dict[str, Any] = {
    "channels": (64, 128, 128),
    "num_res_blocks": 1,
    "attention_levels": (False, False, True),
    "num_head_channels": 32,
    "spade_intermediate_channels": 48,
}
"""The CPU preset's, without patches, which MONAI's network does not have."""

_TRAINING_STEPS = 1000


class _Unclipped(IDDPM):
    """Without bounds of the clean estimate: MONAI's schedulers know [-1, 1] alone, which is not the range of these latents."""

    predicts_noise = False


@dataclass(frozen=True, eq=False)
class Peers:
    """Both ways to sample, on the same weights.

    Attributes:
        monai: MONAI's network.
        own: this project's, with the same state.
        decoder: autoencoder that both decode with.
        seg: masks (B, K, X, Y) without pixels outside the sector.
    """

    monai: SPADEDiffusionModelUNet
    own: SPADEUNet
    decoder: GammaAutoencoder
    seg: Tensor

    def by_monai(self, scheduler: str, calls: int, seed: int = 0) -> Tensor:
        """Images (B, 1, X, Y) by MONAI's inferer; ``scheduler`` is ``ddim`` or ``ddpm``."""
        torch.manual_seed(seed)
        size = self.decoder.latent_sector(self.seg[:, :1]).shape[2:]
        noise = torch.randn(len(self.seg), 1, *size, device=self.seg.device)
        plan = _monai_scheduler(scheduler, calls)
        inferer = LatentDiffusionInferer(plan, scale_factor=1.0)
        small = area_pool(self.seg, size)
        images = inferer.sample(noise, self.decoder, self.monai, plan, verbose=False, seg=small)
        return torch.as_tensor(images)

    def by_us(self, scheduler: str, calls: int, seed: int = 0, runtime: Runtime | None = None) -> Callable[[], Tensor]:
        """A function that makes the same images with this project's solver."""
        family = _family(scheduler, calls)
        levels = [float(family.table[t]) for t in _times(scheduler, calls)]
        solver = make_solver(SolverName.DDIM if scheduler == "ddim" else SolverName.ANCESTRAL)
        image = LatentImage(self.decoder, family, solver, [*levels, 0.0])
        network, image = (runtime or Runtime()).prepare(self.own, image)
        start = (1 + levels[0] ** -2) ** 0.5  # MONAI starts from unit variance, not from the signal's share less

        def run() -> Tensor:
            torch.manual_seed(seed)
            factors = iter([start])

            def draw(size: Sequence[int]) -> Tensor:
                return torch.randn(len(self.seg), 1, *size, device=self.seg.device) * next(factors, 1.0)

            with torch.inference_mode():
                return replace(image, modulations=ModulationStore())(network, self.seg, draw)[0]

        return run


def make_peers(shape: Mapping[str, Any], decoder: GammaAutoencoder, seg: Tensor) -> Peers:
    """MONAI's network of a shape and this project's with the same random weights.

    Args:
        shape: arguments that both take.
        decoder: autoencoder.
        seg: masks; what is outside the sector becomes inside.
    """
    torch.manual_seed(0)
    both = {"in_channels": 1, "out_channels": 1, "label_nc": seg.shape[1], "use_flash_attention": True, **shape}
    monai = scrambled(SPADEDiffusionModelUNet(spatial_dims=2, **both))
    own = SPADEUNet(spade_norm_affine=True, spade_variant=SPADEVariant.MONAI, **both).to(seg.device).eval()
    own.load_state_dict(monai.state_dict())
    inside = seg.clone()
    inside[:, -1] += inside[:, 0]
    inside[:, 0] = 0
    return Peers(monai, own, decoder, inside)


def benchmark_monai_peer(options: Options) -> dict[str, Any]:
    """Seconds per image; outputs are compared."""
    size, side, images, plans = ("quick_l64", 32, 1, (2,)) if options.quick else ("cpu_l64", 256, 4, (2, 25))
    names = (
        ["plain", "fused+batched"]
        if options.quick
        else ["plain", "fused", "channels_last+packed", "channels_last+winograd"]
    )
    peers = make_peers(SHAPE, autoencoder(size), segs(images, side))
    rows: list[dict[str, Any]] = []
    for scheduler in ("ddim", "ddpm"):
        for calls in plans:
            reference = peers.by_monai(scheduler, calls)
            title = f"{scheduler}, {calls} calls"
            cases = [Case(f"{title}, MONAI", lambda s=scheduler, c=calls: peers.by_monai(s, c), images)]
            for name in names:
                runtime = Runtime.named(name)
                if runtime.missing(device()):
                    continue
                run = peers.by_us(scheduler, calls, runtime=runtime)
                facts = {"largest difference": float((run() - reference).abs().max())}
                cases.append(Case(f"{title}, {name}", run, images, facts))
            rows += measure(cases, options.rounds)
    title = f"MONAI's LatentDiffusionInferer as peer ({side} px, batch {images}, {torch.get_num_threads()} threads)"
    return {"title": title, "rows": rows}


def _monai_scheduler(scheduler: str, calls: int) -> DDIMScheduler | DDPMScheduler:
    if scheduler == "ddpm":
        start, end = _betas(calls)
        plan = DDPMScheduler(calls, schedule="linear_beta", clip_sample=False, beta_start=start, beta_end=end)
        plan.set_timesteps(calls)
        return plan
    plan = DDIMScheduler(_TRAINING_STEPS, schedule="linear_beta", clip_sample=False)
    plan.set_timesteps(calls)
    plan.timesteps = torch.tensor(_times(scheduler, calls))
    return plan


def _family(scheduler: str, calls: int) -> IDDPM:
    steps = calls if scheduler == "ddpm" else _TRAINING_STEPS
    return _Unclipped(steps, BetaSchedule.LINEAR, *_betas(steps), sigma_cap=float("inf"))


def _betas(steps: int) -> tuple[float, float]:
    """First and last beta of a schedule with that many steps."""
    return 1e-4 * _TRAINING_STEPS / steps, min(0.02 * _TRAINING_STEPS / steps, 0.999)


def _times(scheduler: str, calls: int) -> list[int]:
    """Times in the order they are stepped through."""
    total = calls if scheduler == "ddpm" else _TRAINING_STEPS
    return list(range(total - 1, -1, -(total // calls)))[:calls]
