"""A set of frames painted from label maps with random gray levels: the baseline that needs no generator.

See :mod:`monai_echosynth.transforms.label_synthesis`. The set has the form of every synthetic set: frame k depends on (seed, k)
and its mask alone, an interrupted set is completed, a manifest closes it.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_echosynth.data.folder_labels import labels_beside
from monai_echosynth.data.masks import load_masks
from monai_echosynth.data.synthetic_set import SyntheticSet, set_items
from monai_echosynth.transforms.label_synthesis import LabelSynthesisd
from monai_echosynth.transforms.load_mask import LoadMaskd
from monai_echosynth.transforms.synthesis_look import LookLimits

__all__ = ["synthesize"]


def synthesize(
    masks: str | Path,
    out: str | Path,
    count: int | None = None,
    seed: int = 0,
    size: int = 128,
    limits: LookLimits | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Paint a set, or complete one that was interrupted.

    Args:
        masks: folder of label maps.
        out: folder to write.
        count: number of frames; one per mask when omitted, beyond that the masks are used again.
        seed: frame k depends on (seed, k) and its mask alone.
        size: side of the frames in pixels.
        limits: ranges of what is drawn for each frame.
        progress: show a progress bar.

    Returns:
        ``count``, ``new`` (made in this run), ``nfe`` (0: no network is called), ``solver`` (None), ``seconds`` and
        ``images_per_second`` of this run.

    Raises:
        EchoSynthError: bad masks, or a folder with another set.
        OSError: the folder cannot be written.
    """
    items = set_items(load_masks(masks), count)
    table = labels_beside(Path(str(items[0]["label"]))).semantic
    limits = limits or LookLimits()
    settings = {"seed": seed, "family": "synthseg", "limits": json.loads(json.dumps(asdict(limits)))}
    target = SyntheticSet(out, items, settings, size, table=table)
    target.begin()
    start, pending = time.perf_counter(), target.pending()
    load, paint = LoadMaskd("label", size), LabelSynthesisd(seed=seed, limits=limits, table=table)
    for item in tqdm(pending, desc="painting", unit="image", disable=not progress):
        made = paint(load(item))
        width, height = made["label"].affine.diagonal()[:2].tolist()
        target.write(item, made["image"][0].numpy(), made["label"][0].numpy(), (width, height))
    target.finish()
    seconds = time.perf_counter() - start
    return {
        "count": len(items),
        "new": len(pending),
        "nfe": 0,
        "solver": None,
        "seconds": round(seconds, 2),
        "images_per_second": round(len(pending) / max(seconds, 1e-9), 3),
    }
