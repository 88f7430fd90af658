"""Writes the study report: reads a study folder, draws its sections and puts them on one page."""

from __future__ import annotations

from pathlib import Path

from monai_echosynth.data.atomic import write_text
from monai_echosynth.workflows.report.cards import headline
from monai_echosynth.workflows.report.curves import curves_section
from monai_echosynth.workflows.report.dice_table import scores_section
from monai_echosynth.workflows.report.forest import differences_section
from monai_echosynth.workflows.report.frames import frames_section
from monai_echosynth.workflows.report.intensity import intensity_section
from monai_echosynth.workflows.report.page import render_page
from monai_echosynth.workflows.report.predictions import predictions_section
from monai_echosynth.workflows.report.reconstructions import reconstructions_section
from monai_echosynth.workflows.report.settings import limits_section, reproduce_section, settings_section
from monai_echosynth.workflows.report.spectrum import speckle_section
from monai_echosynth.workflows.report.study import load_study
from monai_echosynth.workflows.report.texture import measure_texture
from monai_echosynth.workflows.report.timing import timing_section

__all__ = ["build_report"]


def build_report(out_dir: Path) -> Path:
    """Writes `report.html` of a study.

    Args:
        out_dir: Study folder with `summary.json`; every other part is optional and its absence is noted on the page.

    Returns:
        Path of the page.

    Raises:
        EchoSynthError: If `summary.json` is missing or incomplete, or a file of the study is damaged.
        OSError: If the page cannot be written.
    """
    study = load_study(Path(out_dir))
    sets = {
        "real": study.entries("prepared", "training") or study.entries("prepared"),
        "synthetic": study.entries("synthetic"),
    }
    measured = {arm: measure_texture(entries) for arm, entries in sets.items()}
    textures = {arm: texture for arm, texture in measured.items() if texture is not None}
    sections = [
        scores_section(study),
        differences_section(study),
        frames_section(study),
        predictions_section(study),
        reconstructions_section(study),
        intensity_section(textures),
        speckle_section(textures),
        curves_section(study),
        timing_section(study),
        settings_section(study),
        reproduce_section(study),
        limits_section(study),
    ]
    kicker = f"monai-echosynth · preset {study.summary['preset']} · seed {study.summary['seed']}"
    page = render_page(
        "Synthetic echocardiography study", kicker, headline(study), sections, "Research only, not for diagnosis."
    )
    path = study.root / "report.html"
    write_text(path, page)
    return path
