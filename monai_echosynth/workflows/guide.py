"""A class, a text or a picture in; synthetic pictures, their seeds and a manifest out."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_echosynth.data.frame_format import FrameFormat
from monai_echosynth.data.guided_set import picture_files
from monai_echosynth.diffusion.classifier_free import guidance_calls
from monai_echosynth.diffusion.partial_noise import check_strength
from monai_echosynth.diffusion.solvers import SolverName, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundle_config import read_config
from monai_echosynth.workflows.run_bundle import run_bundle

__all__ = ["guide"]

Path_ = str | Path

_MEANT_FOR_CONFIGS = ("$", "@", "%")


def guide(
    bundle: Path_,
    out: Path_,
    classes: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    image: Path_ | None = None,
    frames: Path_ | None = None,
    strength: float | None = None,
    guidance: float = 2.0,
    count: int | None = None,
    seed: int = 0,
    solver: SolverName | str = SolverName.DDIM,
    nfe: int = 50,
    text_encoder: Path_ | None = None,
    format: FrameFormat | str = FrameFormat.NIFTI,
    batch_size: int = 8,
    progress: bool = True,
    **overrides: Any,
) -> dict[str, Any]:
    """Draw a set with a trained bundle, or complete one that was interrupted.

    Under ``torchrun`` every process makes its share of the same set.

    Args:
        bundle: trained ``ultrasound_guided_diffusion`` bundle.
        out: folder to write.
        classes: classes that take turns, for a bundle guided by class; all when omitted.
        texts: texts that take turns, for one guided by text.
        image: guide picture or a folder of some, for one guided by image.
        frames: frame, or a folder of some, to start from; pictures start from noise when omitted.
        strength: how much noise is added to the frames, in [0, 1]; 0.5 when omitted. 0 returns their reconstruction.
        guidance: classifier-free guidance scale; 1 follows the guide, 0 ignores it.
        count: number of pictures; one a guide and frame when omitted.
        seed: picture k depends on (seed, k), its guide and its frame alone.
        solver: numerical method, such as ``ddim`` or ``ancestral``.
        nfe: network calls of a picture that starts from noise; a scale other than 0 and 1 takes two for every step.
        text_encoder: local folder of the text encoder that the bundle was trained with.
        format: files to write.
        batch_size: pictures computed together; has no influence on them on a CPU.
        progress: show a progress bar.
        **overrides: further ids of the bundle's ``inference.json``.

    Returns:
        ``count``, ``new`` (made in this run), ``nfe`` (counted), ``solver``, ``seconds`` and ``images_per_second`` of this run.

    Raises:
        EchoSynthError: a guide, a frame or a number that does not fit, a bundle without weights, or a folder with another set.
        OSError: the folder cannot be written.
    """
    if batch_size < 1:
        raise EchoSynthError(f"a batch needs at least one image, got batch_size = {batch_size}: use 1 or more")
    if "guidance_scale" not in read_config(bundle):
        raise EchoSynthError(f"a trained ultrasound_guided_diffusion bundle was expected, got {bundle}: name one")
    if strength is not None and frames is None:
        raise EchoSynthError(
            f"strength is that of an input frame, got {strength} without one: name a frame with --input"
        )
    strength = (0.5 if frames is not None else 1.0) if strength is None else strength
    check_strength(strength)
    guidance_calls(guidance)
    make_solver(solver).steps(nfe)
    _check_sentences([*(classes or ()), *(texts or ())])
    if frames is not None:
        picture_files(frames)
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    configs = ["inference.json", *(["multi_gpu_inference.json"] if world_size > 1 else [])]
    given = {"classes": classes, "texts": texts, "image": image, "text_encoder": text_encoder}
    start = time.perf_counter()
    workflow = run_bundle(
        bundle,
        configs,
        "inference",
        **({} if frames is None else {"dataset_dir": str(frames)}),
        output_dir=str(out),
        **{name: _plain(value) for name, value in given.items()},
        strength=strength,
        guidance_scale=guidance,
        count=count,
        seed=seed,
        solver=str(SolverName(solver)),
        nfe=nfe,
        format=str(FrameFormat(format)),
        batch_size=batch_size,
        progress=progress,
        **overrides,
    )
    seconds = time.perf_counter() - start
    parser = workflow.parser
    new = len(parser.get_parsed_content("dataset"))
    return {
        "count": len(parser.get_parsed_content("synthetic_set").items),
        "new": new,
        "nfe": parser.get_parsed_content("inferer").nfe_per_image,
        "solver": str(solver),
        "seconds": round(seconds, 2),
        "images_per_second": round(new / seconds, 3),
    }


def _check_sentences(texts: Sequence[str]) -> None:
    """Configs take such beginnings for expressions and references."""
    wrong = [text for text in texts if text.startswith(_MEANT_FOR_CONFIGS)]
    if wrong:
        raise EchoSynthError(f"classes and texts begin with a letter or digit, got {wrong[0]!r}: word it otherwise")


def _plain(value: Any) -> Any:
    """Paths as text, sequences as lists: config values."""
    return value if value is None else str(value) if isinstance(value, (str, Path)) else [str(part) for part in value]
