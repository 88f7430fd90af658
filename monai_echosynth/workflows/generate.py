"""Label maps in; synthetic frames, their labels, seeds and a manifest out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from monai_echosynth.data.frame_format import FrameFormat
from monai_echosynth.data.masks import load_masks
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundle_config import read_config
from monai_echosynth.workflows.companion import companion_ids
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.runtimes import TOLERANCE, choose_runtime, runtime_ids

__all__ = ["generate"]

_PROBE_IMAGES = 4
"""Most images that a runtime is tried on."""


def generate(
    bundle: str | Path,
    masks: str | Path,
    out: str | Path,
    count: int | None = None,
    seed: int = 0,
    solver: SolverName | str | None = None,
    nfe: int | None = None,
    copies: int = 0,
    format: FrameFormat | str = FrameFormat.NIFTI,
    batch_size: int = 8,
    progress: bool = True,
    companion: str | Path | None = None,
    guidance: float | None = None,
    runtime: str | None = None,
    tune: bool = False,
    tolerance: float = TOLERANCE,
    **overrides: Any,
) -> dict[str, Any]:
    """Generate a set with a trained bundle, or complete one that was interrupted.

    Under ``torchrun`` every process makes its share of the same set.

    Args:
        bundle: trained ``echo_generative_diffusion`` bundle of any family, or ``echo_spade_gan`` bundle.
        masks: folder of label maps.
        out: folder to write.
        count: number of images; one per mask when omitted. Beyond that, the masks are used again with other seeds.
        seed: image k depends on (seed, k) and its mask alone.
        solver: numerical method; that of the bundle's config when omitted.
        nfe: network calls per image, likewise, those of a companion included. A GAN has one call and no solver.
        copies: warped copies of every mask that take turns with it, from the second use of the mask on.
        format: files to write.
        batch_size: images computed together; has no influence on the images on a CPU.
        progress: show a progress bar.
        companion: bundle of a weaker network that guides the sampling (``echosynth train --model companion``).
        guidance: weight of that guidance, 1 or more; 1.5 when omitted.
        runtime: form in which the networks run, such as ``fused+compiled``; the plain networks when omitted. It is compared with
            them first, and left where it cannot be had or differs.
        tune: try all runtimes on a few images and take the fastest that computes the same.
        tolerance: largest difference of a pixel from the plain networks, of images in [0, 1].
        **overrides: further ids of the bundle's ``inference.json``.

    Returns:
        ``count``, ``new`` (made in this run), ``nfe`` (counted), ``solver`` (None of a GAN), ``runtime``, ``seconds`` and
        ``images_per_second`` of this run, ``memory_gib`` (estimated before it; None of a GAN and where nothing was new), and
        ``parts``: seconds of its ``sampling``, ``decoding`` and ``writing``, each summed over what works side by side, and of all
        from the first mask to the last file (``run``); empty where nothing was new.

    Raises:
        EchoSynthError: bad masks, a bundle without weights, a solver, number of calls or companion that does not fit it, or a
            folder with another set.
        OSError: the folder cannot be written.
    """
    if batch_size < 1:
        raise EchoSynthError(f"a batch needs at least one image, got batch_size = {batch_size}: use 1 or more")
    sampling = {**_sampling(Path(bundle), solver, nfe), **companion_ids(bundle, companion, guidance)}
    load_masks(masks)
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    configs = ["inference.json", *(["multi_gpu_inference.json"] if world_size > 1 else [])]
    ids = {
        "dataset_dir": str(masks),
        "output_dir": str(out),
        "count": count,
        "seed": seed,
        "copies": copies,
        "format": str(FrameFormat(format)),
        "batch_size": batch_size,
        "progress": progress,
        **sampling,
        **overrides,
    }
    chosen = choose_runtime(bundle, out, runtime, tune, tolerance, min(batch_size, _PROBE_IMAGES), **ids)
    start = time.perf_counter()
    workflow = run_bundle(bundle, configs, "inference", **ids, **runtime_ids(chosen))
    seconds = time.perf_counter() - start
    parser = workflow.parser
    new, inferer = len(parser.get_parsed_content("dataset")), parser.get_parsed_content("inferer")
    needed = getattr(inferer, "memory_need", None)
    clocked = [inferer, *parser.get_parsed_content("handlers")]
    parts = [part.clock.seconds for part in clocked if hasattr(part, "clock")]
    return {
        "count": len(parser.get_parsed_content("synthetic_set").items),
        "new": new,
        "nfe": inferer.nfe_per_image,
        "solver": parser.get("solver"),
        "runtime": chosen["name"],
        "seconds": round(seconds, 2),
        "images_per_second": round(new / seconds, 3),
        "memory_gib": needed and round(needed / 2**30, 3),
        "parts": {name: spent for part in parts for name, spent in part.items()},
    }


def _sampling(bundle: Path, solver: SolverName | str | None, nfe: int | None) -> dict[str, Any]:
    """Config ids of solver and network calls, where they are given; checked against the bundle."""
    path = bundle / "configs" / "inference.json"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not all(f'"{key}"' in text for key in ("synthetic_set", "copies")):
        raise EchoSynthError(f"a trained echo_generative_diffusion bundle was expected, got {bundle}: name one")
    config = read_config(bundle)
    given = {name: value for name, value in (("solver", solver), ("nfe", nfe)) if value is not None}
    if "solver" not in config and given:
        name, value = next(iter(given.items()))
        raise EchoSynthError(
            f"the generator in {bundle} draws an image in one pass, without solver and nfe, got {name} = {value}: leave it out"
        )
    if solver is not None:
        make_solver(solver)  # refuses what is none
        given["solver"] = str(SolverName(solver))
    return given
