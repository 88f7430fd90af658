"""Write the phantom: apical views as a CAMUS data set of NIfTI frames, info files and patient-wise split files.

    OUT/database_nifti/patient0001/patient0001_4CH_ED.nii.gz, patient0001_4CH_ED_gt.nii.gz, Info_4CH.cfg
    OUT/database_split/subgroup_{training,validation,testing}.txt

Views from the esophagus have another layout, see ``esophageal_writer``.

References:
    Leclerc et al., Deep Learning for Segmentation Using an Open Large-Scale Dataset in 2D Echocardiography, 2019.
    https://doi.org/10.1109/TMI.2019.2900516
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from monai_echosynth.data.atomic import atomic_path, write_text
from monai_echosynth.data.phantom import esophageal_writer
from monai_echosynth.data.phantom.anatomy import Phase, View
from monai_echosynth.data.phantom.each_index import each_index
from monai_echosynth.data.phantom.esophageal_anatomy import EsophagealView
from monai_echosynth.data.phantom.recording import PatientPlan, plan_patient, render
from monai_echosynth.data.phantom.styles import StyleName
from monai_echosynth.data.phantom.ventricle import cavity_volume
from monai_echosynth.errors import EchoSynthError

__all__ = ["write_phantom"]

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
IMAGE_QUALITY = {
    StyleName.MEDIAN: "Good",
    StyleName.CRISP: "Good",
    StyleName.HAZY: "Medium",
    StyleName.PORTABLE: "Poor",
}


@dataclass(frozen=True)
class _Request:
    """What every worker must know."""

    root: Path
    seed: int
    views: tuple[View, ...]
    width: int
    styles: tuple[StyleName, ...] = tuple(StyleName)

    @property
    def esophageal(self) -> bool:
        """Whether the frames are seen from the esophagus; no apical view is asked for then."""
        return not self.views

    def name(self, index: int) -> str:
        """Name of patient ``index``."""
        return esophageal_writer.patient_name(index) if self.esophageal else f"patient{index:04d}"

    @property
    def task(self) -> Callable[[int], int]:
        """Writes the patient of a number; can be sent to another process."""
        if self.esophageal:
            return partial(esophageal_writer.write_patient, self.root, self.seed, self.width)
        return partial(_write_patient, self)


def write_phantom(
    out_dir: str | os.PathLike[str],
    patients: int = 120,
    seed: int = 0,
    views: Sequence[str] = ("2CH", "4CH"),
    width: int = 256,
    workers: int | None = None,
    progress: bool = True,
    styles: Sequence[str] = tuple(StyleName),
) -> Path:
    """Simulate a population and write it: apical views in CAMUS's layout, ``ME4C`` as an image/label folder.

    Args:
        out_dir: folder that receives ``database_nifti/`` (or ``images/``, ``labels/``, ``labels.json``) and ``database_split/``.
        patients: number of patients, at least 3; each gives one ED and one ES frame per view.
        seed: population; the files are the same bytes for the same seed, whatever ``workers``.
        views: ``2CH``, ``4CH`` or both; or ``ME4C`` alone, the four chambers from the esophagus.
        width: lateral pixels of a frame, at least 64; a 75 degree sector of 256 is about 210 deep.
        workers: processes; ``None`` takes up to 2 cores, 1 stays in this process.
        progress: show a progress bar.
        styles: machines of the apical views; a patient's is drawn among them.

    Returns:
        ``out_dir`` as a path.

    Raises:
        EchoSynthError: an argument is out of range.
        OSError: a file cannot be written.
    """
    request = _checked(Path(out_dir), patients, seed, views, width, styles)
    names = [request.name(index) for index in range(1, patients + 1)]
    if workers is not None and workers < 1:
        raise EchoSynthError(f"the phantom needs at least 1 worker, got workers={workers}; use 1 or more")
    count = min(workers or min(2, os.cpu_count() or 1), patients)
    with tqdm(total=patients, desc="phantom", unit="patient", disable=not progress) as bar:
        for _ in each_index(request.task, range(1, patients + 1), count):
            bar.update()
    if request.esophageal:
        esophageal_writer.write_label_table(request.root)
    tests, validations = max(1, round(TEST_SHARE * patients)), max(1, round(VALIDATION_SHARE * patients))
    trainings = patients - tests - validations
    _write_split(request.root, "training", names[:trainings])
    _write_split(request.root, "validation", names[trainings : trainings + validations])
    _write_split(request.root, "testing", names[trainings + validations :])
    return request.root


def _checked(root: Path, patients: int, seed: int, views: Sequence[str], width: int, styles: Sequence[str]) -> _Request:
    if patients < 3:
        raise EchoSynthError(f"the phantom needs at least 3 patients (one per split), got {patients}; raise patients")
    if seed < 0:
        raise EchoSynthError(f"the phantom seed must not be negative, got {seed}; use 0 or more")
    if width < 64:
        raise EchoSynthError(f"phantom frames must be at least 64 pixels wide, got {width}; raise width")
    machines = [style.value for style in StyleName]
    if not styles or not set(styles) <= set(machines):
        raise EchoSynthError(f"phantom styles must be among {machines}, got {list(styles)}; name at least one of them")
    chosen = tuple(style for style in StyleName if style in styles)
    if set(views) == set(EsophagealView):
        if len(chosen) < len(machines):
            raise EchoSynthError(
                f"styles are those of apical views, got {list(styles)} for {list(views)}; leave them out"
            )
        return _Request(root, seed, (), width, chosen)
    if set(views) & set(EsophagealView):
        raise EchoSynthError(
            f"views from the esophagus have a label table of their own, got {list(views)}: write them into another folder"
        )
    known = [view.value for view in (*View, *EsophagealView)]
    wrong = [view for view in views if view not in known]
    if wrong or not views:
        raise EchoSynthError(f"phantom views must be among {known}, got {list(views)}; name at least one of them")
    return _Request(root, seed, tuple(View(view) for view in views), width, chosen)


def _write_patient(request: _Request, index: int) -> int:
    """Write all files of one patient; returns its number."""
    plan = plan_patient(request.seed, index, request.styles)
    name = request.name(index)
    folder = request.root / "database_nifti" / name
    for view in request.views:
        for phase in Phase:
            frame = render(request.seed, plan, view, phase, request.width)
            stem = f"{name}_{view}_{phase}"
            _write_nifti(folder / f"{stem}.nii.gz", frame.image, frame.spacing_mm)
            _write_nifti(folder / f"{stem}_gt.nii.gz", frame.label, frame.spacing_mm)
        write_text(folder / f"Info_{view}.cfg", _info(plan))
    return index


def _write_nifti(path: Path, array: NDArray[np.uint8], spacing: float) -> None:
    """Gzipped NIfTI without a time stamp, so that equal arrays are equal files."""
    image = nib.Nifti1Image(array, np.diag([spacing, spacing, 1.0, 1.0]))
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def _info(plan: PatientPlan) -> str:
    """CAMUS info file; the volumes are biplane, from the drawn outlines of both views, in ml."""
    heart = plan.patient.anatomy
    diastole, systole = (
        cavity_volume(heart(View.TWO_CHAMBER, phase), heart(View.FOUR_CHAMBER, phase)) for phase in Phase
    )
    entries = {
        "ED": 1,
        "ES": 2,
        "NbFrame": 2,
        "Sex": plan.patient.sex,
        "Age": plan.patient.age,
        "ImageQuality": IMAGE_QUALITY[plan.style],
        "LVedv": f"{diastole:.1f}",
        "LVesv": f"{systole:.1f}",
        "LVef": f"{100.0 * (1.0 - systole / diastole):.1f}",
    }
    return "".join(f"{key}: {value}\n" for key, value in entries.items())


def _write_split(root: Path, subgroup: str, names: Sequence[str]) -> None:
    write_text(root / "database_split" / f"subgroup_{subgroup}.txt", "".join(f"{name}\n" for name in names))
