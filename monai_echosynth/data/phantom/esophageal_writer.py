"""Write transesophageal phantom frames as an image/label folder, the way a user brings frames of their own.

    OUT/images/tee0001_ME4C_ED.nii.gz, OUT/labels/tee0001_ME4C_ED.nii.gz, OUT/labels.json
    OUT/database_split/subgroup_{training,validation,testing}.txt

CAMUS has no such view and no such structures, so its layout is not stretched: label maps hold what annotators draw (0 background,
1 la, 2 lv, 3 ra, 4 rv), ``labels.json`` says so, and the sector is left for ``prepare`` to find.
"""

from __future__ import annotations

from pathlib import Path

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.data.folder_labels import LABEL_FILE, structures
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.phantom.anatomy import Phase
from monai_echosynth.data.phantom.esophageal_anatomy import EsophagealView
from monai_echosynth.data.phantom.esophageal_recording import plan_esophageal, render_esophageal
from monai_echosynth.data.semantic_map import BACKGROUND
from monai_echosynth.data.write_nifti import write_nifti

__all__ = ["patient_name", "write_label_table", "write_patient"]


def patient_name(index: int) -> str:
    """Name of patient ``index``, other than those of apical phantoms."""
    return f"tee{index:04d}"


def write_patient(root: Path, seed: int, width: int, index: int) -> int:
    """Write the frames of one patient at ED and ES; returns its number."""
    plan = plan_esophageal(seed, index)
    for phase in Phase:
        frame = render_esophageal(seed, plan, phase, width)
        name = f"{patient_name(index)}_{EsophagealView.FOUR_CHAMBER}_{phase}.nii.gz"
        spacing = (frame.spacing_mm, frame.spacing_mm)
        write_nifti(root / "labels" / name, frame.label, spacing)
        write_nifti(root / "images" / name, frame.image, spacing)
    return index


def write_label_table(root: Path) -> None:
    """Write the table of the label maps."""
    background = LabelEntry(0, BACKGROUND, 0, (0, 0, 0))
    write_json(root / LABEL_FILE, LabelTable(TEE_LABELS.name, (background, *structures(TEE_LABELS))).to_dict())
