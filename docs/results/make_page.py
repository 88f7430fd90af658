"""Writes a results page from the ``summary.json`` of a finished study.

    python docs/results/make_page.py runs/demo "make demo" > docs/results/phantom.md

Numbers only; frames stay where they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from align_page import align_page
from markdown_table import score, table
from study_page import study_page
from tee_page import tee_page
from utility_page import utility_page

__all__ = ["main", "page"]

ARMS = {"real": "real frames", "synthetic": "synthetic frames only", "mixed": "both"}
STRUCTURES = {
    "lv_endo": "LV cavity",
    "myo": "Myocardium",
    "lv_epi": "LV epicardium",
    "la": "Left atrium",
    "mean": "Mean",
}


def page(summary: Mapping[str, Any], command: str) -> Iterator[str]:
    """Lines of the page."""
    data, generation, vae = summary["data"], summary["generation"], summary["vae"]
    yield f"# {data['source']}, preset {summary['preset']}, seed {summary['seed']}\n"
    yield f"```\n{command}\n```\n"
    yield (
        f"{data['n_train']} frames of {data['patients_train']} patients train and validate, "
        f"{data['n_test']} frames of {data['patients_test']} other patients test.\n"
    )
    yield "Dice, mean and 95 % interval over patients; HD95 of the LV cavity in mm.\n"
    yield from table(
        ["Trained on", *STRUCTURES.values(), "HD95"],
        (
            [name, *(score(scores[key]) for key in STRUCTURES), f"{scores['hd95_mm']['lv_endo']:.2f}"]
            for name, scores in ((ARMS[arm], summary["tstr"][arm]) for arm in ARMS)
        ),
    )
    ratios, adherence = summary["ratio_synthetic_to_real"], summary["mask_adherence"]
    keys = ("lv_endo", "myo", "la", "mean")
    yield from table(
        ["", *(STRUCTURES[key] for key in keys)],
        (
            ["synthetic / real", *(f"{ratios[key]:.3f}" for key in keys)],
            ["mask adherence (Dice)", *(f"{adherence[key]:.3f}" for key in keys)],
        ),
    )
    seconds = summary["timing_s"]
    pace = f"{generation['images_per_second']:.2f} images/s"
    yield from table(
        ["Quantity", "Value"],
        (
            ["gamma-VAE", f"PSNR {vae['psnr_in_sector']:.1f} dB, SSIM {vae['ssim_in_sector']:.3f} inside the sector"],
            [
                "diffusion",
                f"{summary['diffusion']['params'] / 1e6:.1f} M parameters, {summary['diffusion']['epochs']} epochs",
            ],
            ["generation", f"{generation['count']} images, {generation['solver']}, {generation['nfe']} calls, {pace}"],
            ["time", f"{sum(seconds.values()) / 60:.1f} min in all"],
            ["stages (s)", ", ".join(f"{name} {value:.0f}" for name, value in seconds.items())],
            ["peak memory", f"{summary['peak_memory_mb'] / 1024:.2f} GiB"],
            ["machine", ", ".join(f"{key} {value}" for key, value in summary["machine"].items())],
            ["versions", ", ".join(f"{key} {value}" for key, value in summary["versions"].items())],
        ),
    )


def main() -> int:
    """Reads the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write a results page from the summary of a study.")
    parser.add_argument("study", type=Path, help="folder of a finished study")
    parser.add_argument("command", help="the command that made it")
    args = parser.parse_args()
    path = args.study / "summary.json"
    if not path.is_file():
        print(f"error: a finished study was expected, got no {path}: run it first", file=sys.stderr)
        return 2
    summary = json.loads(path.read_text(encoding="utf-8"))
    kinds = {"adaptations": tee_page, "aligners": align_page, "cells": study_page, "utility": utility_page}
    write = next((make for key, make in kinds.items() if key in summary), page)
    lines = write(summary, args.command)
    print("\n".join(lines).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
