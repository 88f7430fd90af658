"""What the segmentation application does, step by step, without MONAI Deploy: its operators call these methods.

Only the B-mode part of a picture goes to the network; the label maps come back to the whole picture, so that the DICOM SEG fits
its source pixel for pixel.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth import __version__
from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.integrations.app_settings import SegmentationSettings
from monai_echosynth.integrations.bundle_labels import bundle_labels
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.codes import STRUCTURE_CODES
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound_folder
from monai_echosynth.integrations.dicom.write_overlay import write_overlay
from monai_echosynth.integrations.dicom.write_segmentation import Algorithm, write_segmentation
from monai_echosynth.integrations.measurements import measure
from monai_echosynth.integrations.segment_frames import bundle_version, segment_frames

__all__ = ["SegmentationTask", "SegmentedCine"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentedCine:
    """A recording with its label maps.

    Attributes:
        cine: the recording.
        labels: (F, X, Y) ids on the grid of the whole picture.
        table: what the ids mean.
        name: start of the names of the files to write.
    """

    cine: UltrasoundCine
    labels: NDArray[np.uint8]
    table: LabelTable
    name: str


class SegmentationTask:
    """Reads, segments and writes.

    Args:
        bundle: trained ``echo_segmentation`` bundle.
        out: folder to write to.
        settings: of the application.
    """

    def __init__(self, bundle: Path, out: Path, settings: SegmentationSettings) -> None:
        self.bundle, self.out, self.settings = bundle, out, settings
        self._root = Path()

    def read(self, path: Path) -> list[UltrasoundCine]:
        """The ultrasound images of a file or a folder; refuses a bundle that is none before anything is read.

        Raises:
            EchoSynthError: there is none, or one that cannot be read.
        """
        bundle_labels(self.bundle)
        self._root = path if path.is_dir() else path.parent
        cines = read_ultrasound_folder(path, self.settings.spacing)
        _LOGGER.info("%d ultrasound images, %d frames", len(cines), sum(len(cine.frames) for cine in cines))
        return cines

    def segment(self, cine: UltrasoundCine) -> SegmentedCine:
        """Label maps of a recording."""
        _LOGGER.info("segmenting %d frames of %s", len(cine.frames), cine.source.name)
        labels = segment_frames(self.bundle, cine.images, cine.spacing, self.settings.bundle)
        source = (
            cine.source.relative_to(self._root) if cine.source.is_relative_to(self._root) else Path(cine.source.name)
        )
        name = "_".join(source.parts).removesuffix(".dcm")
        return SegmentedCine(cine, cine.whole(labels), bundle_labels(self.bundle), name)

    def write_segmentation(self, item: SegmentedCine) -> Path:
        """``<name>_seg.dcm``."""
        algorithm = Algorithm("echo_segmentation", bundle_version(self.bundle))
        return write_segmentation(self._path(item, "seg.dcm"), item.cine, item.labels, item.table, algorithm)

    def write_overlay(self, item: SegmentedCine) -> Path:
        """``<name>_overlay.dcm``."""
        return write_overlay(self._path(item, "overlay.dcm"), item.cine, item.labels, item.table)

    def write_measurements(self, item: SegmentedCine) -> Path:
        """``<name>_measurements.json``.

        Raises:
            EchoSynthError: a frame number of the settings is out of range.
        """
        numbers = measure(item.labels, item.table, item.cine.spacing, self.settings.ed_frame, self.settings.es_frame)
        path = self._path(item, "measurements.json")
        write_json(path, {**self._about(item), **numbers, "note": "Research only, not for diagnosis."})
        return path

    def _about(self, item: SegmentedCine) -> dict[str, Any]:
        cine = item.cine
        codes = {
            name: vars(STRUCTURE_CODES[name].type) for name in item.table.names.values() if name in STRUCTURE_CODES
        }
        return {
            "input": cine.source.name,
            "sop_instance_uid": str(cine.header.SOPInstanceUID),
            "frames": len(cine.frames),
            "spacing_mm": list(cine.spacing),
            "spacing_from": str(cine.spacing_source),
            "model": {"bundle": "echo_segmentation", "version": bundle_version(self.bundle)},
            "software": f"monai-echosynth {__version__}",
            "codes": codes,
        }

    def _path(self, item: SegmentedCine, ending: str) -> Path:
        return self.out / f"{item.name}_{ending}"
