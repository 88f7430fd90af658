"""The result of the Deploy demonstration as lines for the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["format_deploy_summary"]


def format_deploy_summary(path: Path) -> str:
    """Lines from ``summary.json`` of ``echosynth demo-deploy``."""
    summary = json.loads(path.read_text(encoding="utf-8"))
    lines = [f"MONAI Deploy App SDK {summary['sdk']}"]
    lines += [_segmented(name, found) for name, found in summary["segmentation"].items()]
    for name, files in summary["synthesis"].items():
        for found in files:
            spacing = " x ".join(f"{value:.4g}" for value in found["spacing_mm"])
            lines.append(
                f"synthetic from {name}: {found['file']}, {found['frames']} frames, {spacing} mm, Synthetic Data = YES"
            )
    verdicts = summary["validation"]
    validators = sorted({name for found in verdicts.values() for name in found})
    warnings = sum(count for found in verdicts.values() for count in found.values())
    lines.append(f"validated by {', '.join(validators)}: {len(verdicts)} files, no error, {warnings} warnings")
    return "\n".join(lines)


def _segmented(name: str, found: dict[str, Any]) -> str:
    ventricle = found["left_ventricle"]
    line = f"segmented {name}: {found['frames']} frames, areas within {found['area_difference']:.2%} of the input's spacing"
    if ventricle["ejection_fraction_percent"] is not None:
        volumes = [f"{ventricle[phase]['volume_ml']:.1f}" for phase in ("end_diastole", "end_systole")]
        line += f", EDV {volumes[0]} ml, ESV {volumes[1]} ml, EF {ventricle['ejection_fraction_percent']:.1f} %"
    elif ventricle["end_diastole"]:
        line += f", LV {ventricle['end_diastole']['volume_ml']:.1f} ml"
    return line
