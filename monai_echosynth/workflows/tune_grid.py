"""Searches the sampling grids of a trained generator on validation masks and stores them beside its weights.

For each solver and number of calls the levels are found at which few-call samples come closest to the many-call samples of the
same noise and masks: root mean square distance of the latents inside the sector. Generation then takes them by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.data.conditions import condition_items
from monai_echosynth.data.grid_file import GRIDS, read_grids, write_grids
from monai_echosynth.data.masks import load_masks, read_mask
from monai_echosynth.diffusion.denoiser import Bounds
from monai_echosynth.diffusion.grid_search import search_grid
from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.seeding import image_generator
from monai_echosynth.diffusion.solvers import DETERMINISTIC, Solver, SolverName, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.sector_denoiser import SectorDenoiser
from monai_echosynth.losses.sector_mean import sector_mean
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from monai_echosynth.networks.weights import weights_digest
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.bundle_config import build, bundle_parser, read_config
from monai_echosynth.workflows.checksums import write_checksums

__all__ = ["GridSearchSettings", "tune_grids"]


@dataclass(frozen=True)
class GridSearchSettings:
    """What a search is made with.

    Attributes:
        masks: number of validation masks.
        reference_nfe: network calls of the samples that are to be reached, by Heun's method.
        evaluations: grids that are tried at most, for each solver and number of calls.
        seed: of the noise.
    """

    masks: int = 8
    reference_nfe: int = 63
    evaluations: int = 60
    seed: int = 0


@dataclass(frozen=True, eq=False)
class _Samples:
    """A generator with masks and noise to sample for."""

    network: nn.Module
    preconditioning: Preconditioning
    bounds: Bounds
    sector: Tensor
    noise: Tensor
    told: dict[str, Any]

    @torch.inference_mode()
    def draw(self, solver: Solver, sigmas: Sequence[float]) -> Tensor:
        denoiser = SectorDenoiser(self.network, self.preconditioning, self.sector, self.bounds, self.told)
        return solver.integrate(denoiser, self.noise, sigmas, lambda: self.noise)


def tune_grids(
    bundle: str | Path,
    data: str | Path,
    solvers: Sequence[SolverName | str] = (SolverName.UNIPC,),
    calls: Sequence[int] = (5, 8),
    settings: GridSearchSettings | None = None,
    echo: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Search grids and write them to ``models/sigma_grids.json`` of the bundle; what is there of the same search is kept.

    Args:
        bundle: trained ``echo_generative_diffusion`` bundle.
        data: prepared folder; masks of its validation section are used, evenly spread.
        solvers: deterministic solvers.
        calls: network calls an image; the most that a solver can use of them.
        settings: what the search is made with.
        echo: receives a line for each grid.

    Returns:
        ``solver``, ``nfe``, ``levels``, ``distance`` and ``default`` (that of the family's grid) of each grid.

    Raises:
        EchoSynthError: a solver draws fresh noise, the bundle is none, an older one or a few-step student, or there are no masks.
    """
    settings, root = settings or GridSearchSettings(), Path(bundle)
    _check(root, solvers, calls, settings)
    path = root / "models" / GRIDS
    samples, digest = _samples(root, data, settings)
    table = read_grids(path, digest)
    notes: dict[str, Any] = _notes(path)
    reference: Tensor | None = None
    found = []
    for name in map(SolverName, solvers):
        solver = make_solver(name)
        for nfe in sorted({solver.nfe(solver.steps(count)) for count in calls}):
            key, grids = f"{name} {nfe}", table.grids.get(name, {})
            if notes.get(key, {}).get("settings") != asdict(settings) or nfe not in grids:
                reference = _reference(samples, settings) if reference is None else reference
                levels, notes[key] = _search(samples, reference, solver, nfe, settings)
                table = GridTable(table.grids, network_sha256=digest).with_grid(name, nfe, levels)
                write_grids(path, table, search=notes)
            record = {**notes[key], "solver": str(name), "nfe": nfe, "levels": list(table.grids[name][nfe])}
            echo(f"{key} calls: distance {record['default']:.4f} -> {record['distance']:.4f}")
            found.append(record)
    write_checksums(root)
    return found


def _check(root: Path, solvers: Sequence[str], calls: Sequence[int], settings: GridSearchSettings) -> None:
    wrong = [name for name in solvers if name not in DETERMINISTIC]
    if wrong or not solvers:
        raise EchoSynthError(
            f"grids are searched for solvers without fresh noise, got {wrong[0] if wrong else 'none'}: take some of "
            f"{', '.join(DETERMINISTIC)}"
        )
    if not calls or min(calls) < 1 or settings.masks < 1 or settings.evaluations < 1:
        raise EchoSynthError(
            f"a search needs calls, masks and evaluations of 1 or more, got {list(calls)}, {settings.masks} and "
            f"{settings.evaluations}: correct them"
        )
    if "grids_path" not in read_config(root):
        raise EchoSynthError(f"a generator's bundle that reads sampling grids was expected, got {root}: train it again")
    if read_grids(root / "models" / GRIDS).complete:
        raise EchoSynthError(f"a few-step student has its own noise levels, got {root}: search those of its teacher")


def _samples(root: Path, data: str | Path, settings: GridSearchSettings) -> tuple[_Samples, str]:
    """The generator in ``root`` with masks, and the digest of its weights."""
    parser = bundle_parser(root)
    network, autoencoder, device = (build(parser, name) for name in ("network", "autoencoder", "device"))
    items = condition_items(load_masks(data, "validation"), parser["conditions"])
    items = items[:: max(len(items) // settings.masks, 1)][: settings.masks]
    labels = [read_mask(item, int(parser["spatial_size"])).label for item in items]
    seg = torch.stack([LabelToSeg()(label[None]) for label in labels]).to(device)
    sector = autoencoder.latent_sector((seg[:, :1] < 0.5).to(seg.dtype))
    size = tuple(sector.shape[2:])
    noise = torch.stack([torch.randn((1, *size), generator=image_generator(settings.seed, k)) for k in range(len(seg))])
    told: dict[str, Any] = {"seg": SpadeCache(area_pool(seg, size))}
    if parser["conditions"]:
        told["class_labels"] = torch.tensor([item["condition"] for item in items], device=device)
    generator = (network, build(parser, "preconditioning"), autoencoder.data_range())
    return _Samples(*generator, sector, noise.to(device), told), weights_digest(network)


def _reference(samples: _Samples, settings: GridSearchSettings) -> Tensor:
    heun = make_solver(SolverName.HEUN)
    return samples.draw(heun, samples.preconditioning.sigmas(heun.steps(settings.reference_nfe)).tolist())


def _search(
    samples: _Samples, reference: Tensor, solver: Solver, nfe: int, settings: GridSearchSettings
) -> tuple[tuple[float, ...], dict[str, Any]]:
    def distance(levels: Sequence[float]) -> float:
        squared = (samples.draw(solver, levels) - reference).square()
        return float(sector_mean(squared, samples.sector).mean().sqrt())

    start = samples.preconditioning.sigmas(solver.steps(nfe)).tolist()
    best = search_grid(distance, start, evaluations=settings.evaluations)
    numbers = {"distance": best.distance, "default": best.default, "evaluations": best.evaluations}
    return best.levels, {**numbers, "settings": asdict(settings)}


def _notes(path: Path) -> dict[str, Any]:
    """How the grids in a file were found, by solver and calls."""
    return dict(json.loads(path.read_text(encoding="utf-8")).get("search", {})) if path.is_file() else {}
