"""The study report: one HTML page that carries its figures, styles and numbers, and the mosaics used on the way."""

from __future__ import annotations

from monai_echosynth.workflows.report.build import build_report
from monai_echosynth.workflows.report.mosaic import colorize_label, draw_mosaic, sample_mosaic

__all__ = ["build_report", "colorize_label", "draw_mosaic", "sample_mosaic"]
