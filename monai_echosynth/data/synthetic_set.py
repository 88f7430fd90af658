"""A set of synthetic frames on disk: which image comes from which mask, what is there already, and the closing manifest.

Image k of a set is a function of the set's settings and k: mask ``k mod n``, warped copy ``(k div n) mod (copies + 1)`` of it
(copy 0 is the mask itself), noise from (seed, k). A set can thus be made in any order, by any number of processes and in any
number of attempts, and a larger count extends a smaller one. Image files appear whole or not at all; the manifest comes last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import PARTIAL_PREFIX, remove_partial, write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.datalist import FORMAT, label_keys
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.frame_format import FrameFormat, frame_files, write_frame
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError

__all__ = ["SyntheticSet", "begun_settings", "set_items"]

_SETTINGS = "generation.json"

_GUIDED = ("text", "source")
"""What images that are made from no mask may have: the text that they show and the frame that they start from."""


def set_items(masks: Sequence[Mapping[str, Any]], count: int | None = None, copies: int = 0) -> list[dict[str, Any]]:
    """The images of a set in order: items of their masks with ``index``, ``copy``, ``mask`` (its id) and their own ``id``.

    Args:
        masks: items with ``label`` (a path) and ``id``.
        count: number of images; one per mask when omitted.
        copies: warped copies of every mask that take turns with it, once every mask itself has been used.

    Raises:
        EchoSynthError: if fewer than one image or fewer than no copies are asked for.
    """
    count = len(masks) if count is None else count
    if count < 1:
        raise EchoSynthError(f"the number of images must be 1 or more, got count = {count}: ask for at least one")
    if copies < 0:
        raise EchoSynthError(f"the number of warped copies must be 0 or more, got copies = {copies}: use 0 for none")
    items = []
    for k in range(count):
        mask, copy = masks[k % len(masks)], (k // len(masks)) % (copies + 1)
        items.append({**mask, "index": k, "copy": copy, "mask": mask["id"], "id": f"{mask['id']}_s{k:06d}"})
    return items


class SyntheticSet:
    """The folder of a set.

    Args:
        folder: folder to write.
        items: images of the set, from :func:`set_items`; those made from no mask name the frame they start from, or nothing,
            in ``source``.
        settings: what shapes the images (seed, solver, weights, ...); a folder made with others is refused.
        size: side of the images in pixels.
        file_format: files to write.
        table: label table of the semantic maps.
        record: what else the manifest tells of how the images were computed. What a folder was begun with stays, and nothing is
            refused for it.
    """

    def __init__(
        self,
        folder: str | Path,
        items: Sequence[Mapping[str, Any]],
        settings: Mapping[str, Any],
        size: int,
        file_format: FrameFormat | str = FrameFormat.NIFTI,
        table: LabelTable = SEMANTIC_LABELS,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.record = dict(record or {})
        self.items = [dict(item) for item in items]
        self.size = size
        self.format = FrameFormat(file_format)
        self.table = table
        self.settings = {**settings, "size": size, "format": str(self.format)}
        self._digests = {path: _digest(Path(path)) for path in {_source(item) for item in self.items} if path}

    def begin(self) -> None:
        """Make the folder, or check that what it holds belongs to this set.

        Raises:
            EchoSynthError: if it holds a set made with other settings or a larger one.
        """
        found = begun_settings(self.folder)
        if found is not None:
            count = int(found.get("count", 0))
            if count > len(self.items):
                raise EchoSynthError(
                    f"{self.folder} holds a set of {count} images, more than the {len(self.items)} asked for: "
                    "choose another output folder or a larger count"
                )
            wanted = {**self.settings, "masks": self._masks(count)}
            self.record = {**self.record, **{key: found[key] for key in self.record if key in found}}
            differing = [key for key in wanted if found.get(key) != wanted[key]]
            if differing:
                key = differing[0]
                raise EchoSynthError(
                    f"{self.folder} holds a set made with {key} = {found.get(key)}, not {wanted[key]}: "
                    "choose another output folder or the settings it was made with"
                )
        elif self.folder.is_dir() and any(not p.name.startswith(PARTIAL_PREFIX) for p in self.folder.iterdir()):
            raise EchoSynthError(f"the output folder must be new or empty, got {self.folder}: choose another one")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / _SETTINGS, self._description())

    def pending(self, rank: int = 0, world_size: int = 1) -> list[dict[str, Any]]:
        """The images of this rank's share, every ``world_size``-th, whose files are not there yet; those of one map in a row."""
        missing = [item for item in self.items[rank::world_size] if not all(p.is_file() for p in self.files(item))]
        return sorted(missing, key=lambda item: (str(item.get("mask", "")), int(item.get("copy", 0))))

    def files(self, item: Mapping[str, Any]) -> tuple[Path, Path]:
        """Image and label file of an item."""
        return frame_files(self.folder, str(item["id"]), self.format)

    def write(
        self, item: Mapping[str, Any], image: NDArray[Any], label: NDArray[Any], spacing: tuple[float, float]
    ) -> None:
        """Write an image (X, Y) in [0, 1] and its semantic map (X, Y); the label first, the image last."""
        gray = np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)
        write_frame(self.folder, str(item["id"]), self.format, gray, np.asarray(label, np.uint8), spacing, self.table)

    def finish(self) -> Path:
        """Write ``manifest.json`` and ``dataset.json`` once every image is there; returns the manifest's path.

        Raises:
            EchoSynthError: if an image is missing.
        """
        missing = self.pending()
        if missing:
            raise EchoSynthError(
                f"{len(missing)} of {len(self.items)} images are missing in {self.folder}: run the same command again"
            )
        remove_partial(self.folder)
        with ThreadPoolExecutor(4) as pool:
            records = list(pool.map(self._record, self.items))
        manifest = {"synthetic": True, **self._description(), "images": records}
        write_json(self.folder / "dataset.json", self._dataset(records))
        write_json(self.folder / "manifest.json", manifest)
        return self.folder / "manifest.json"

    def _description(self) -> dict[str, Any]:
        return {**self.record, **self.settings, "masks": self._masks(len(self.items)), "count": len(self.items)}

    def _masks(self, count: int) -> str:
        """Digest over the masks of the first ``count`` images, in order: name, content, copy and class where there is one."""
        content = hashlib.sha256()
        for item in self.items[:count]:
            condition = f":{item['condition']}" if "condition" in item else ""
            content.update(f"{item['mask']}:{item['copy']}:{self._digests.get(_source(item), '')}{condition};".encode())
        return content.hexdigest()

    def _record(self, item: Mapping[str, Any]) -> dict[str, Any]:
        image, label = self.files(item)
        return {
            "index": item["index"],
            "id": item["id"],
            "seed": derive_seed(int(self.settings["seed"]), int(item["index"])),
            "mask": item["mask"],
            "copy": item["copy"],
            **{key: str(item.get(key, "")) for key in ("patient", "view", "phase")},
            **{key: str(item[key]) for key in _GUIDED if item.get(key)},
            "image": image.relative_to(self.folder).as_posix(),
            "label": label.relative_to(self.folder).as_posix(),
            "image_sha256": _digest(image),
            "label_sha256": _digest(label),
        }

    def _dataset(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if self.format is FrameFormat.NNUNET:
            return {
                "channel_names": {"0": "ultrasound"},
                "labels": {"background": 0, **{entry.name: entry.id for entry in structures(self.table)}},
                "numTraining": len(records),
                "file_ending": ".nii.gz",
            }
        keys = ("image", "label", "id", "patient", "view", "phase", "mask", "copy")
        return {
            "format": FORMAT,
            "name": self.folder.resolve().name,
            "source": "synthetic",
            "spatial_size": [self.size, self.size],
            **label_keys(self.table),
            "seed": self.settings["seed"],
            "training": [{key: record[key] for key in (*keys, *_GUIDED) if key in record} for record in records],
            "validation": [],
            "test": [],
            "duplicates": [],
            "notes": ["synthetic frames, research only"],
        }


def begun_settings(folder: str | Path) -> dict[str, Any] | None:
    """What the set in ``folder`` was begun with; None where there is none."""
    path = Path(folder) / _SETTINGS
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _source(item: Mapping[str, Any]) -> str:
    """The file that an image is made from: a mask or an input frame; empty where there is none."""
    return str(item.get("source", item.get("label", "")))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
