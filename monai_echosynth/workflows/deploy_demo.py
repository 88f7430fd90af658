"""Runs both MONAI Deploy applications with MONAI Deploy's own runner, and checks everything that they write.

The runner lives in an environment of its own, which is named by its interpreter; this program prepares the input, starts the
applications as a user would (``python APP -i INPUT -o OUTPUT -m BUNDLE``), asks independent validators for their verdict and
compares areas.

    example, phantom, CAMUS frame -> segmentation application -> DICOM SEG, overlay, measurements
    phantom label maps, DICOM SEG of the first application -> synthesis application -> synthetic ultrasound
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.data.builtin_labels import CAMUS_LABELS
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_folder import AppName, check_app_folder
from monai_echosynth.integrations.app_source import app_source
from monai_echosynth.integrations.dicom.validators import available_validators, validate
from monai_echosynth.integrations.measurements import measure
from monai_echosynth.workflows.deploy_checks import area_difference, check_synthetic
from monai_echosynth.workflows.deploy_inputs import DemoInput, camus_input, example_input, phantom_input
from monai_echosynth.workflows.deploy_runner import DeployRunner

__all__ = ["run_deploy_demo"]

_MARK = ".demo-deploy"
SEGMENTATION_BUNDLE, SYNTHESIS_BUNDLE = "echo_segmentation", "echo_generative_diffusion"


def run_deploy_demo(
    bundles: Path,
    out: Path,
    python: Path,
    camus: Path | None = None,
    camus_bundles: Path | None = None,
    echo: Callable[[str], None] = print,
) -> Path:
    """Runs and checks everything.

    Args:
        bundles: folder with the trained bundles ``echo_segmentation`` and ``echo_generative_diffusion``.
        out: folder to write; what an earlier run left there goes away.
        python: interpreter of the environment with MONAI Deploy.
        camus: data set in CAMUS's layout, for a frame of a patient.
        camus_bundles: bundles trained on such frames; ``bundles`` when None.
        echo: receives lines of progress.

    Returns:
        ``summary.json``.

    Raises:
        EchoSynthError: MONAI Deploy, a bundle or a validator is missing, an application failed, or a check did.
    """
    for bundle in (bundles / SEGMENTATION_BUNDLE, bundles / SYNTHESIS_BUNDLE):
        if not (bundle / "models").is_dir():
            raise EchoSynthError(f"a trained bundle was expected, got nothing at {bundle}: run 'make demo' first")
    apps = {name: app_source(name) for name in AppName}
    for app in apps.values():
        check_app_folder(app)
    runner, steps = DeployRunner(python), _Steps(echo, 7 + bool(camus))
    version = steps.do("MONAI Deploy", lambda: runner.check([app / "requirements.txt" for app in apps.values()]))
    _claim(out)
    inputs = steps.do("input", lambda: _inputs(out / "input", camus))
    segmented = {}
    for item in inputs:
        home = camus_bundles if item.name == "camus" and camus_bundles else bundles
        step = _segmentation(runner, apps[AppName.SEGMENTATION], item, out, home / SEGMENTATION_BUNDLE)
        segmented[item.name] = steps.do(f"segmentation of {item.name}", step)
    phantom = next(item for item in inputs if item.name == "phantom")
    sources = {"maps": out / "input" / "phantom_maps", "seg": _with_image(phantom, out)}
    synthetic = {}
    for name, source in sources.items():
        draw = _synthesis(runner, apps[AppName.SYNTHESIS], source, out / "synthetic" / name, bundles, phantom.spacing)
        synthetic[name] = steps.do(f"synthesis from {name}", draw)
    verdicts = steps.do("validators", lambda: _verdicts(out, python))
    summary = {"sdk": version, "segmentation": segmented, "synthesis": synthetic, "validation": verdicts}
    write_json(out / "summary.json", summary)
    return out / "summary.json"


class _Steps:
    """Numbers the steps as they go by."""

    def __init__(self, echo: Callable[[str], None], count: int) -> None:
        self.echo, self.count, self.number = echo, count, 0

    def do(self, name: str, work: Callable[[], Any]) -> Any:
        """Does a step."""
        self.number += 1
        self.echo(f"[{self.number}/{self.count}] {name} ...")
        return work()


def _claim(out: Path) -> None:
    """Empties the folder of an earlier run; raises EchoSynthError where the folder holds something else."""
    mark = out / _MARK
    if out.exists() and not mark.is_file() and (not out.is_dir() or any(out.iterdir())):
        raise EchoSynthError(
            f"the output folder must be new, empty or of an earlier run, got {out}: choose another one"
        )
    write_text(mark, "folder of echosynth demo-deploy, which empties it\n")
    for name in ("input", "segmented", "synthetic"):
        shutil.rmtree(out / name, ignore_errors=True)


def _inputs(folder: Path, camus: Path | None) -> list[DemoInput]:
    inputs = [example_input(folder), phantom_input(folder)]
    return [*inputs, camus_input(folder, camus)] if camus else inputs


def _segmentation(
    runner: DeployRunner, app: Path, item: DemoInput, out: Path, bundle: Path
) -> Callable[[], dict[str, Any]]:
    def work() -> dict[str, Any]:
        folder = out / "segmented" / item.name
        runner.run(app, item.path, folder, bundle)
        stem = folder / item.path.stem
        numbers = stem.with_name(f"{stem.name}_measurements.json")
        found = json.loads(numbers.read_text(encoding="utf-8"))
        difference = area_difference(numbers, stem.with_name(f"{stem.name}_seg.dcm"), item.spacing)
        return {
            "frames": found["frames"],
            "spacing_mm": found["spacing_mm"],
            "area_difference": round(difference, 6),
            "areas_cm2": {
                name: [round(value, 2) for value in values[:2]] for name, values in found["areas_cm2"].items()
            },
            "true_areas_cm2": _true_areas(item),
            "left_ventricle": found["left_ventricle"],
        }

    return work


def _true_areas(item: DemoInput) -> dict[str, list[float]] | None:
    """Areas of the labels that came with the input."""
    if item.labels is None:
        return None
    areas = measure(item.labels, CAMUS_LABELS, item.spacing)["areas_cm2"]
    return {name: [round(value, 2) for value in values] for name, values in areas.items()}


def _with_image(phantom: DemoInput, out: Path) -> Path:
    """Folder with the image of the phantom and, once the first application has run, its DICOM SEG."""
    folder = out / "input" / "phantom_seg"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(phantom.path, folder)
    shutil.copy(out / "segmented" / phantom.name / f"{phantom.path.stem}_seg.dcm", folder)
    return folder


def _synthesis(
    runner: DeployRunner, app: Path, source: Path, out: Path, bundles: Path, spacing: tuple[float, float]
) -> Callable[[], list[dict[str, Any]]]:
    def work() -> list[dict[str, Any]]:
        runner.run(app, source, out, bundles / SYNTHESIS_BUNDLE)
        return [{"file": path.name, **check_synthetic(path, spacing)} for path in sorted(out.glob("*.dcm"))]

    return work


def _verdicts(out: Path, python: Path) -> dict[str, dict[str, int]]:
    """Warnings by file and validator.

    Raises:
        EchoSynthError: there is no validator, or one found an error.
    """
    validators = available_validators(str(python))
    if not validators:
        raise EchoSynthError(
            "an independent DICOM validator is needed, got neither dciodvfy (apt-get install dicom3tools) nor the DICOM standard"
            " that dicom-validator downloads: install the first or allow the second"
        )
    found: dict[str, dict[str, int]] = {}
    ours = [path for path in sorted(out.rglob("*.dcm")) if path.parent != out / "input" / "example"]
    for path in ours:
        for validator in validators:
            verdict = validate(path, validator, str(python))
            if verdict.errors:
                raise EchoSynthError(
                    f"{path} must keep the DICOM standard, {validator} says '{verdict.errors[0]}': report it"
                )
            found.setdefault(str(path.relative_to(out)), {})[str(validator)] = len(verdict.warnings)
    return found
