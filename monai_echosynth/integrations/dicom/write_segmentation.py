"""Label maps of an ultrasound recording as DICOM SEG: binary segments with coded structures, a frame of the source named by each.

Ultrasound has no frame of reference in the patient. A segmentation then stands on its source frames: the Derivation Image
functional group names the frame that each mask belongs to, pixel for pixel. highdicom writes the instance and its segments; it
accepts one frame where there is no frame of reference, so the frames of a cine and their index (segment, temporal position) are
put in here.

References:
    DICOM PS3.3 A.51 Segmentation IOD; C.8.20 Segmentation.
    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_A.51.html
    Bridge et al., Highdicom, Journal of Digital Imaging 2022. https://doi.org/10.1007/s10278-022-00683-y
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth import __version__
from monai_echosynth.data.builtin_labels import SECTOR
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.codes import STRUCTURE_CODES, Code, coded_entries
from monai_echosynth.integrations.dicom.instance import MANUFACTURER, join_study, new_instance, save, source_item
from monai_echosynth.integrations.dicom.library import load_highdicom, load_pydicom

__all__ = ["Algorithm", "write_segmentation"]

ULTRASOUND_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
NOMINAL_THICKNESS = 1.0
"""Slice thickness in mm. A 2-D frame has none, but readers ask for one and zero is not allowed: volumes from it mean nothing."""
_AI = Code("123110", "DCM", "Artificial Intelligence")
_SERIES = 901


@dataclass(frozen=True)
class Algorithm:
    """Who drew the label maps.

    Attributes:
        name: such as the name of a bundle.
        version: its version.
    """

    name: str
    version: str


def write_segmentation(
    path: Path, cine: UltrasoundCine, labels: NDArray[np.uint8], table: LabelTable, algorithm: Algorithm
) -> Path:
    """Writes one instance with a binary segment for every coded label.

    Args:
        path: file to write.
        cine: the source.
        labels: (F, X, Y) ids on the grid of ``cine.frames``.
        table: what the ids mean; labels without a code (the background) are left out, ``sector`` where no pixel has it.
        algorithm: who drew them.

    Returns:
        ``path``.

    Raises:
        EchoSynthError: the maps do not fit the frames, or the table has no label with a code.
        OSError: the file cannot be written.
    """
    if labels.shape != cine.frames.shape:
        raise EchoSynthError(
            f"label maps must lie on the grid of the frames {cine.frames.shape}, got {labels.shape} for {cine.source}:"
            " bring them back to the native grid"
        )
    table.check(labels, cine.source)
    rows = [row for row in coded_entries(table).values() if row.name != SECTOR or (labels == row.id).any()]
    if not rows:
        known = ", ".join(STRUCTURE_CODES)
        raise EchoSynthError(
            f"a segmentation needs a label with a DICOM code ({known}), got table '{table.name}' without: rename its labels"
        )
    dataset = _instance(cine, [_description(number, row, algorithm) for number, row in enumerate(rows, 1)])
    masks = _add_frames(dataset, cine, labels, rows)
    dataset.NumberOfFrames = len(masks)
    dataset.PixelData = load_pydicom().pixels.pack_bits(np.stack(masks))
    return save(dataset, path)


def _description(number: int, row: LabelEntry, algorithm: Algorithm) -> Any:
    """Segment description of a label."""
    highdicom = load_highdicom()
    structure = STRUCTURE_CODES[row.name]
    identification = highdicom.AlgorithmIdentificationSequence(
        algorithm.name, _concept(_AI), algorithm.version, source=MANUFACTURER
    )
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=structure.title,
        segmented_property_category=_concept(structure.category),
        segmented_property_type=_concept(structure.type),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=identification,
        tracking_uid=highdicom.UID(),
        tracking_id=row.name,
        display_color=highdicom.color.CIELabColor.from_rgb(*row.color),
    )


def _concept(code: Code) -> Any:
    return load_pydicom().sr.coding.Code(code.value, code.scheme, code.meaning)


def _instance(cine: UltrasoundCine, descriptions: list[Any]) -> Any:
    """The segmentation with one empty frame, which :func:`_add_frames` replaces."""
    highdicom = load_highdicom()
    stand_in = new_instance(ULTRASOUND_IMAGE, "US", "", 1)
    join_study(stand_in, cine.header)
    stand_in.SOPInstanceUID, stand_in.SeriesInstanceUID = cine.header.SOPInstanceUID, cine.header.SeriesInstanceUID
    stand_in.Rows, stand_in.Columns = cine.frames.shape[2], cine.frames.shape[1]
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if cine.header.get(keyword):
            setattr(stand_in, keyword, cine.header.get(keyword))
    dataset = highdicom.seg.Segmentation(
        source_images=[stand_in],
        pixel_array=np.zeros((1, *cine.frames.shape[:0:-1]), np.uint8),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=highdicom.UID(),
        series_number=_SERIES,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        device_serial_number="0",
        content_label="ECHO_SEG",
        content_description="Cardiac structures. Research only, not for diagnosis.",
        series_description="Segmentation (research only)",
        pixel_measures=highdicom.PixelMeasuresSequence(cine.spacing[::-1], NOMINAL_THICKNESS),
        omit_empty_frames=False,
    )
    dataset.PatientOrientation = ""
    if cine.header.get("SyntheticData"):
        dataset.SyntheticData = cine.header.SyntheticData
    for reference in (
        dataset.SourceImageSequence[0],
        dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0],
    ):
        reference.ReferencedSOPClassUID = cine.header.SOPClassUID
    return dataset


def _add_frames(
    dataset: Any, cine: UltrasoundCine, labels: NDArray[np.uint8], rows: list[LabelEntry]
) -> list[NDArray[np.uint8]]:
    """Functional groups of every mask that is not empty, segment after segment; returns the masks (rows, columns)."""
    pydicom = load_pydicom()
    is_cine = "NumberOfFrames" in cine.header
    if is_cine:
        index = pydicom.Dataset()
        index.DimensionIndexPointer = pydicom.datadict.tag_for_keyword("TemporalPositionIndex")
        index.FunctionalGroupPointer = pydicom.datadict.tag_for_keyword("FrameContentSequence")
        index.DimensionOrganizationUID = dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID
        index.DimensionDescriptionLabel = "Frame of the cine"
        dataset.DimensionIndexSequence.append(index)
    derivation = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    groups, masks = [], []
    shown = [(k, f) for k, row in enumerate(rows) for f in np.flatnonzero((labels == row.id).any(axis=(1, 2))).tolist()]
    for k, frame in shown or [(0, 0)]:  # an instance needs a frame, so nothing found is one empty mask
        groups.append(_group(k + 1, frame + 1 if is_cine else None, derivation, cine.header))
        masks.append(np.ascontiguousarray((labels[frame] == rows[k].id).T.astype(np.uint8)))
    dataset.PerFrameFunctionalGroupsSequence = groups
    return masks


def _group(segment: int, frame: int | None, derivation: Any, source: Any) -> Any:
    """Functional groups of one mask: which segment, which frame, and how it came about."""
    pydicom = load_pydicom()
    content, identification, derived, group = (pydicom.Dataset() for _ in range(4))
    content.DimensionIndexValues = [segment] if frame is None else [segment, frame]
    if frame is not None:
        content.TemporalPositionIndex = frame
    identification.ReferencedSegmentNumber = segment
    reference = source_item(source, frame)
    reference.SpatialLocationsPreserved = "YES"
    reference.PurposeOfReferenceCodeSequence = derivation.SourceImageSequence[0].PurposeOfReferenceCodeSequence
    derived.DerivationCodeSequence = derivation.DerivationCodeSequence
    derived.SourceImageSequence = [reference]
    group.FrameContentSequence = [content]
    group.SegmentIdentificationSequence = [identification]
    group.DerivationImageSequence = [derived]
    return group
