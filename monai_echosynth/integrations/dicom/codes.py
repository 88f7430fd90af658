"""What our labels are called in DICOM: coded segment categories and types by label name.

Types are SNOMED CT concepts of the context groups for cardiac structures; "inside the sector and no structure" is the background
(125040, DCM) of the field of view, a spatial concept.

References:
    DICOM PS3.16, CID 7150 Segmentation Property Category, CID 7151 Segmentation Property Type, CID 7152 Cardiac Structure
    Segmentation Type, CID 12305 Cardiovascular Anatomic Locations. https://dicom.nema.org/medical/dicom/current/output/chtml/part16/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monai_echosynth.data.builtin_labels import SECTOR
from monai_echosynth.data.label_table import LabelEntry, LabelTable

__all__ = ["STRUCTURE_CODES", "Code", "StructureCode", "coded_entries"]


@dataclass(frozen=True)
class Code:
    """A coded concept.

    Attributes:
        value: code value, such as ``87878005``.
        scheme: coding scheme, such as ``SCT``.
        meaning: text for readers.
    """

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class StructureCode:
    """How a segment of DICOM SEG names a label.

    Attributes:
        title: segment label.
        category: segmented property category.
        type: segmented property type.
    """

    title: str
    category: Code
    type: Code


_ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
_SPATIAL = Code("309825002", "SCT", "Spatial and Relational Concept")
_LEFT_VENTRICLE = Code("87878005", "SCT", "Left ventricle")

STRUCTURE_CODES: Mapping[str, StructureCode] = {
    "lv_endo": StructureCode("LV cavity", _ANATOMY, _LEFT_VENTRICLE),
    "lv": StructureCode("LV cavity", _ANATOMY, _LEFT_VENTRICLE),
    "myo": StructureCode("LV myocardium", _ANATOMY, Code("49848007", "SCT", "Left Ventricle Myocardium")),
    "la": StructureCode("Left atrium", _ANATOMY, Code("82471001", "SCT", "Left atrium")),
    "ra": StructureCode("Right atrium", _ANATOMY, Code("73829009", "SCT", "Right atrium")),
    "rv": StructureCode("Right ventricle", _ANATOMY, Code("53085002", "SCT", "Right ventricle")),
    SECTOR: StructureCode("Inside the sector, no structure", _SPATIAL, Code("125040", "DCM", "Background")),
}
"""Codes by label name of the built-in tables."""


def coded_entries(table: LabelTable) -> dict[str, LabelEntry]:
    """Rows of ``table`` that have a code, by the key ``scheme:value`` of their type, in channel order."""
    named = {entry.name: entry for entry in table.entries if entry.name in STRUCTURE_CODES}
    return {
        f"{STRUCTURE_CODES[name].type.scheme}:{STRUCTURE_CODES[name].type.value}": row for name, row in named.items()
    }
