"""The label tables that come with the package.

``CAMUS_LABELS`` are the integers of the public annotation files. ``SEMANTIC_LABELS`` are those of prepared data: the
background is told apart into "outside the ultrasound sector" and "inside it, no structure", because only the first is
black. ``TEE_LABELS`` are those of transesophageal four-chamber frames and ``LESION_LABELS`` those of pictures with lesions,
told apart in the same way.
"""

from __future__ import annotations

from monai_echosynth.data.label_table import LabelTable

__all__ = ["CAMUS_LABELS", "LESION_LABELS", "OUTSIDE", "SECTOR", "SEMANTIC_LABELS", "TEE_LABELS"]

OUTSIDE = "outside"
"""Name of the label outside the sector in every semantic table."""

SECTOR = "sector"
"""Name of the label inside the sector where no structure is annotated."""

CAMUS_LABELS = LabelTable.from_dict(
    {
        "name": "camus",
        "labels": [
            {"id": 0, "name": "background", "channel": 0, "color": [0, 0, 0]},
            {"id": 1, "name": "lv_endo", "channel": 1, "color": [230, 75, 60]},
            {"id": 2, "name": "myo", "channel": 2, "color": [60, 180, 110]},
            {"id": 3, "name": "la", "channel": 3, "color": [70, 130, 220]},
        ],
    }
)

SEMANTIC_LABELS = LabelTable.from_dict(
    {
        "name": "semantic",
        "labels": [
            {"id": 0, "name": OUTSIDE, "channel": 0, "color": [0, 0, 0]},
            {"id": 1, "name": "lv_endo", "channel": 1, "color": [230, 75, 60]},
            {"id": 2, "name": "myo", "channel": 2, "color": [60, 180, 110]},
            {"id": 3, "name": "la", "channel": 3, "color": [70, 130, 220]},
            {"id": 4, "name": SECTOR, "channel": 4, "color": [90, 90, 90]},
        ],
    }
)

TEE_LABELS = LabelTable.from_dict(
    {
        "name": "tee",
        "labels": [
            {"id": 0, "name": OUTSIDE, "channel": 0, "color": [0, 0, 0]},
            {"id": 1, "name": "la", "channel": 1, "color": [70, 130, 220]},
            {"id": 2, "name": "lv", "channel": 2, "color": [230, 75, 60]},
            {"id": 3, "name": "ra", "channel": 3, "color": [150, 105, 215]},
            {"id": 4, "name": "rv", "channel": 4, "color": [240, 170, 60]},
            {"id": 5, "name": SECTOR, "channel": 5, "color": [90, 90, 90]},
        ],
    }
)

LESION_LABELS = LabelTable.from_dict(
    {
        "name": "lesion",
        "labels": [
            {"id": 0, "name": OUTSIDE, "channel": 0, "color": [0, 0, 0]},
            {"id": 1, "name": "lesion", "channel": 1, "color": [230, 75, 60]},
            {"id": 2, "name": SECTOR, "channel": 2, "color": [90, 90, 90]},
        ],
    }
)
