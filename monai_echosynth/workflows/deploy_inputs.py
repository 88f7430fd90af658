"""Input of the Deploy demonstration, each file with what is known of it from elsewhere: spacing and, at times, labels.

An example cine that pydicom ships (color, JPEG), a cine of two phantom frames (end-diastole, end-systole), and one frame of a
patient of a data set in CAMUS's layout.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS
from monai_echosynth.data.camus_layout import camus_records
from monai_echosynth.data.phantom.anatomy import Phase, View
from monai_echosynth.data.phantom.recording import plan_patient, render
from monai_echosynth.data.read_frame import load_frame
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.library import load_pydicom
from monai_echosynth.integrations.dicom.write_ultrasound import write_ultrasound

__all__ = ["DemoInput", "camus_input", "example_input", "phantom_input"]

WIDTH = 256


@dataclass(frozen=True)
class DemoInput:
    """One DICOM file to segment.

    Attributes:
        name: of the case.
        path: the file.
        spacing: pixel size in mm along x and y, known from the origin and not from the file as we read it.
        labels: (F, X, Y) ids of CAMUS drawn by an annotator or simulator; None where nobody did.
    """

    name: str
    path: Path
    spacing: tuple[float, float]
    labels: NDArray[np.uint8] | None = None


def example_input(folder: Path) -> DemoInput:
    """pydicom's ``examples_ybr_color.dcm``: 30 frames in color and JPEG; its region says cm a pixel."""
    pydicom = load_pydicom()
    import_path = Path(pydicom.data.get_testdata_file("examples_ybr_color.dcm", download=False))
    path = folder / "example" / "examples_ybr_color.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(import_path, path)
    delta = pydicom.dcmread(path, stop_before_pixels=True).SequenceOfUltrasoundRegions[0]
    return DemoInput("example", path, (float(delta.PhysicalDeltaX) * 10, float(delta.PhysicalDeltaY) * 10))


def phantom_input(folder: Path, seed: int = 0) -> DemoInput:
    """A cine of two simulated frames, and their semantic maps as ``phantom_maps/{ED,ES}.nii.gz`` beside it."""
    plan = plan_patient(seed, 1)
    frames = [render(seed, plan, View.FOUR_CHAMBER, phase, WIDTH) for phase in Phase]
    spacing = (frames[0].spacing_mm, frames[0].spacing_mm)
    images = np.stack([frame.image for frame in frames])
    path = folder / "phantom" / "phantom.dcm"
    write_ultrasound(path, images, spacing, "Simulated with the phantom of monai-echosynth.", frame_ms=300.0)
    for phase, frame in zip(Phase, frames, strict=True):
        label = semantic_map(frame.label, sector_mask(frame.image), path, CAMUS_LABELS, SEMANTIC_LABELS)
        write_nifti(folder / "phantom_maps" / f"{phase}.nii.gz", label, spacing)
    return DemoInput("phantom", path, spacing, np.stack([frame.label for frame in frames]))


def camus_input(folder: Path, data: Path) -> DemoInput:
    """The first end-diastolic four-chamber frame of a data set, as a single-frame instance.

    Raises:
        EchoSynthError: there is no such frame.
    """
    records = [record for record in camus_records(data) if (record.view, record.phase) == ("4CH", "ED")]
    if not records:
        raise EchoSynthError(
            f"a data set in CAMUS's layout with a 4CH ED frame was expected, got none in {data}: check it"
        )
    frame = load_frame(records[0])
    path = folder / "camus" / f"{records[0].id}.dcm"
    image = frame.image.astype(np.uint8)[None]
    write_ultrasound(path, image, frame.spacing, "Converted from NIfTI.", synthetic=False, patient=records[0].patient)
    labels = None if frame.label is None else frame.label.astype(np.uint8)[None]
    return DemoInput("camus", path, frame.spacing, labels)
