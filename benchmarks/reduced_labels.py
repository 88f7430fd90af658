"""Writes the frames of a CAMUS folder with two labels, as someone else might have annotated them: whole ventricle and atrium.

    python -m benchmarks.reduced_labels /path/to/camus data/two_labels
    echosynth prepare --data data/two_labels --out data/two_labels_prepared --size 96 --n-test 50 --split random
    echosynth demo-tee --base runs/demo/bundles/echo_generative_diffusion --data data/two_labels_prepared --out runs/two_labels

Cavity and myocardium merge to ``lv`` by a MaskR2 rule of the kind ``reduce``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.discover import discover
from monai_echosynth.data.folder_labels import LABEL_FILE, structures
from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_rules import Rule, RuleKind
from monai_echosynth.data.read_frame import load_frame
from monai_echosynth.data.semantic_map import BACKGROUND
from monai_echosynth.data.write_nifti import write_nifti

__all__ = ["main"]

_SEMANTIC = LabelTable.from_dict(
    {
        "name": "lv_la",
        "labels": [
            {"id": 0, "name": OUTSIDE, "channel": 0, "color": [0, 0, 0]},
            {"id": 1, "name": "lv", "channel": 1, "color": [230, 75, 60]},
            {"id": 2, "name": "la", "channel": 2, "color": [70, 130, 220]},
            {"id": 3, "name": SECTOR, "channel": 3, "color": [90, 90, 90]},
        ],
    }
)
_RULES = (
    Rule(RuleKind.IDENTITY, (OUTSIDE,), OUTSIDE),
    Rule(RuleKind.IDENTITY, (SECTOR,), SECTOR),
    Rule(RuleKind.REDUCE, ("lv_endo", "myo"), "lv"),
    Rule(RuleKind.IDENTITY, ("la",), "la"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reduced_labels", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DIR", help="folder in CAMUS layout")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    args = parser.parse_args(argv)
    merge = Remapping(SEMANTIC_LABELS, _SEMANTIC, _RULES)  # annotations have the same ids, without a sector
    for record in discover(args.data):
        frame = load_frame(record)
        if frame.label is None:
            continue
        label = merge.apply(np.asarray(frame.label).astype(np.uint8), record.label_path)
        write_nifti(args.out / "images" / f"{record.id}.nii.gz", np.asarray(frame.image), frame.spacing)
        write_nifti(args.out / "labels" / f"{record.id}.nii.gz", np.asarray(label), frame.spacing)
    background = LabelEntry(0, BACKGROUND, 0, (0, 0, 0))
    write_json(args.out / LABEL_FILE, LabelTable(_SEMANTIC.name, (background, *structures(_SEMANTIC))).to_dict())
    return 0


if __name__ == "__main__":
    sys.exit(main())
