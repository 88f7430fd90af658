"""Studies of the demonstration: phantom frames with known masks, one as PNG, a scanner's cine, and real frames where given."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from monai_echosynth.data.discover import discover
from monai_echosynth.data.phantom import write_phantom
from monai_echosynth.data.read_nifti import read_nifti
from monai_echosynth.errors import EchoSynthError

__all__ = ["CINE", "DemoStudies", "make_studies"]

CINE = "examples_ybr_color"
_PATIENTS = 6
_SEED = 1000  # a population that no segmenter of the demonstration has seen
_REAL = 4


@dataclass(frozen=True)
class DemoStudies:
    """Where the studies lie.

    Attributes:
        folder: what the server is given.
        masks: files of the known label maps by study, in CAMUS ids.
        frames: files of the phantom frames by study.
        picture: study that is a PNG file; it is the frame of another study.
        picture_of: that other study.
        cine: study that is a multi-frame DICOM file.
        bad: study that is a DICOM file of another modality.
        real: files of real frames by study.
    """

    folder: Path
    masks: dict[str, Path]
    frames: dict[str, Path]
    picture: str
    picture_of: str
    cine: str
    bad: str
    real: dict[str, Path]


def make_studies(out: Path, camus: Path | None = None) -> DemoStudies:
    """Writes the studies into ``out/studies``, anew.

    Args:
        out: folder of the demonstration.
        camus: folder that holds CAMUS's ``database_nifti/``.

    Raises:
        EchoSynthError: the DICOM examples are not installed, or the real frames cannot be read.
    """
    shutil.rmtree(out / "studies", ignore_errors=True)
    folder = out / "studies"
    folder.mkdir(parents=True)
    phantom = out / "phantom"
    write_phantom(phantom, _PATIENTS, _SEED, views=("4CH",), workers=1)
    frames, masks = {}, {}
    for record in discover(phantom):
        assert record.label_path is not None  # the phantom labels every frame
        frames[record.id] = Path(shutil.copy2(record.image_path, folder / record.image_path.name))
        masks[record.id] = record.label_path
    first = min(frames)
    pixels = read_nifti(frames[first]).array
    Image.fromarray(np.ascontiguousarray(pixels.T)).save(folder / "picture_4CH_ED.png")
    for name in (f"{CINE}.dcm", "test-SR.dcm"):
        shutil.copy2(_example(name), folder / name)
    real = {}
    for record in discover(camus)[:_REAL] if camus else []:
        real[f"real_{record.id}"] = Path(shutil.copy2(record.image_path, folder / f"real_{record.id}.nii.gz"))
        if record.label_path is not None:
            masks[f"real_{record.id}"] = record.label_path
    return DemoStudies(folder, masks, frames, "picture_4CH_ED", first, CINE, "test-SR", real)


def _example(name: str) -> Path:
    """A file that comes with pydicom: with that of this environment, or with the newer one that ``make label-env`` puts aside."""
    found = importlib.util.find_spec("pydicom")
    homes = [Path(found.origin).parent] if found and found.origin else []
    homes.append(Path(sys.prefix) / "examples" / "pydicom")
    for home in homes:
        path = home / "data" / "test_files" / name
        if path.is_file():
            return path
    raise EchoSynthError(
        f"the demonstration uses {name} of pydicom 3, got none in {sys.prefix}: make demo-label brings it"
    )
