"""Images a second of every family of generators and of the SPADE-GAN, at equal network calls and with a mask of its own for each.

On a GPU: the sizes of the paper at 256 px in batches of 1, 8 and 64. On a CPU: the CPU preset, whose families cost about the
same by design, and one image of the paper's sizes with one call, where frames show what they cost beside latents. Weights are
random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.counting import count
from benchmarks.runner import Case, Options, measure, that_run
from benchmarks.subjects import autoencoder, device, scrambled, segs, unet
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.diffusion.vp import VP
from monai_echosynth.inferers.latent_image import LatentImage
from monai_echosynth.inferers.runtime import Runtime
from monai_echosynth.networks.nets.pixel_space import PixelSpace
from monai_echosynth.networks.nets.presets import spade_generator
from monai_echosynth.workflows.training_settings import Preset, family_settings

__all__ = ["GAN", "Scale", "benchmark_families", "generators"]

GAN = "spade-gan"

_PROCESSES: dict[Family, Callable[[], Preconditioning]] = {Family.VE: VE, Family.VP: VP, Family.SDM: IDDPM}
"""Diffusion processes other than EDM's."""

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Scale:
    """What is compared at one size.

    Attributes:
        preset: preset of all networks.
        side: of the frames.
        calls: network calls an image; the GAN has one.
        batches: images at once.
        runtimes: forms of the diffusion models.
    """

    preset: Preset
    side: int
    calls: int
    batches: Sequence[int]
    runtimes: Sequence[str] = ("plain",)


_QUICK = (Scale(Preset.QUICK, 64, 2, (1, 2)),)
_CPU = (
    Scale(Preset.CPU, 128, 20, (1, 8), ("plain", "channels_last+packed")),
    Scale(Preset.PAPER, 256, 1, (1,)),
)
_GPU = (Scale(Preset.PAPER, 256, 20, (1, 8, 64), ("channels_last", "channels_last+bfloat16")),)


def benchmark_families(options: Options) -> dict[str, Any]:
    """Seconds per image by scale, family and batch; what cannot be had here is named in the checks."""
    gpu = device().type == "cuda"
    rows: list[dict[str, Any]] = []
    left_out: dict[str, Any] = {}
    for scale in _QUICK if options.quick else _GPU if gpu else _CPU:
        few = segs(max(scale.batches), scale.side)
        cases, plain = list[Case](), generators(scale)
        sizes = {name: (parameters, count(partial(run, few[:1])).flop) for name, (run, parameters) in plain.items()}
        for runtime in dict.fromkeys(("plain", *scale.runtimes)):
            for family, (run, _) in (plain if runtime == "plain" else generators(scale, runtime)).items():
                name = f"{scale.preset} {scale.side} px, {scale.calls} calls, {runtime}, {family}, batch"
                facts = {"family": family}
                cases += [Case(f"{name} {batch}", partial(run, few[:batch]), batch, facts) for batch in scale.batches]
        cases, reasons = that_run(cases)
        rows += [_completed(row, sizes) for row in measure(cases, min(options.rounds, 3), warm_up=0)]
        left_out |= reasons
    return {"title": f"Families ({device().type}, {torch.get_num_threads()} threads)", "rows": rows, "checks": left_out}


def generators(scale: Scale, runtime: str = "plain") -> dict[str, tuple[Run, int]]:
    """For each family, EDM on frames first, what makes images (B, 1, X, Y) of maps (B, K, X, Y), and its number of parameters.

    The GAN, last and for the plain form alone, has no other.
    """
    found: dict[str, tuple[Run, int]] = {}
    for family in sorted(Family, key=lambda family: family is not Family.EDM):
        settings = family_settings(scale.preset, family)
        network = unet(settings.diffusion.size)
        pixels = family in PIXEL_FAMILIES
        decoder = PixelSpace().to(device()) if pixels else autoencoder(settings.autoencoder.size)
        process = _PROCESSES.get(family, EDM)()
        solver = make_solver(SolverName.DDIM if family is Family.SDM else SolverName.EULER)
        image = LatentImage(decoder, process, solver, process.sigmas(scale.calls).tolist())
        parameters = _parameters(network) + _parameters(decoder)
        found[str(family)] = (partial(_sampled, *Runtime.named(runtime).prepare(network, image)), parameters)
    if runtime != "plain":
        return found
    gan = scrambled(spade_generator({Preset.PAPER: "spade"}.get(scale.preset, str(scale.preset)), scale.side))
    found[GAN] = (torch.inference_mode()(gan), _parameters(gan))
    return found


@torch.inference_mode()
def _sampled(network: nn.Module, image: LatentImage, seg: Tensor) -> Tensor:
    noise = torch.Generator(seg.device).manual_seed(0)

    def draw(size: Sequence[int]) -> Tensor:
        return torch.randn(len(seg), 1, *size, device=seg.device, generator=noise)

    return image(network, seg, draw)[0]


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _completed(row: dict[str, Any], sizes: dict[str, tuple[int, float]]) -> dict[str, Any]:
    parameters, flop = sizes[row.pop("family")]
    facts = {"images per second": 1 / row["seconds_per_item"], "GFLOP an image": flop / 1e9}
    return row | facts | {"million parameters": parameters / 1e6}
