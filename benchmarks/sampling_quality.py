"""What each solver makes of a trained study: how well frames follow their masks, and how their gray values spread.

    python -m benchmarks.sampling_quality runs/camus --count 96 --out docs/results/sampling.md

Every row draws one frame from each of the same training masks with the same seeds. Adherence is the Dice of the study's
segmenter trained on real frames against the masks, mean of the three structures; spread is the standard deviation of the gray
values inside the sector, as a ratio to that of the real frames. A faithful solver reaches the adherence of real frames at a
spread of 1; high adherence at a low spread is washed out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.atomic import write_text
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.workflows.evaluate import mask_adherence
from monai_echosynth.workflows.generate import generate

__all__ = ["main"]

CASES = (
    ("heun", 31),
    ("heun", 63),
    ("dpmpp_2m", 16),
    ("dpmpp_2m", 24),
    ("dpmpp_2m", 32),
    ("ancestral", 24),
    ("ancestral", 64),
    ("churn", 47),
    ("dpmpp_2m_sde", 16),
    ("dpmpp_2m_sde", 24),
    ("dpmpp_2m_sde", 40),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all cases and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampling_quality", description=__doc__)
    parser.add_argument("study", type=Path, metavar="DIR", help="folder of a finished study")
    parser.add_argument("--count", type=int, default=96, metavar="N", help="frames a case")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="page to write")
    args = parser.parse_args(argv)
    real = load_datalist(args.study / "prepared", "training")[: args.count]
    reference = _spread(real)
    lines = [
        f"# Solvers on {json.loads((args.study / 'summary.json').read_text())['data']['source']}, {len(real)} masks\n",
        "| Solver | Network calls | Adherence | Spread | Images/s |\n| --- | --- | --- | --- | --- |",
    ]
    for solver, nfe in CASES:
        row = _measure(args.study, solver, nfe, len(real), reference)
        lines.append("| {solver} | {nfe} | {adherence:.4f} | {spread:.3f} | {images_per_second:.2f} |".format(**row))
        print(lines[-1], flush=True)
    write_text(args.out, "\n".join([*lines, ""]))
    return 0


def _measure(study: Path, solver: str, nfe: int, count: int, reference: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        made = generate(
            study / "bundles" / "echo_generative_diffusion",
            study / "prepared",
            Path(folder) / "set",
            count=count,
            solver=solver,
            nfe=nfe,
            progress=False,
        )
        scores = mask_adherence(study / "segmenters" / "real", Path(folder) / "set", Path(folder) / "scores")
        spread = _spread(load_datalist(Path(folder) / "set", "training"))
    return {**made, "adherence": scores["mean_dice"]["mean"], "spread": spread / reference}


def _spread(items: Sequence[Mapping[str, Any]]) -> float:
    """Standard deviation of all gray values inside the sectors."""
    frames = ((read_pixels(Path(item["image"])).array, read_pixels(Path(item["label"])).array) for item in items)
    return float(np.concatenate([image[label > 0] for image, label in frames]).std())


if __name__ == "__main__":
    sys.exit(main())
