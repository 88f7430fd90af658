"""A prepared folder that trains on a few frames of another one, for learning curves over the number of frames."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.errors import EchoSynthError

__all__ = ["write_subset"]


def write_subset(prepared: str | PathLike[str], out: str | PathLike[str], frames: int) -> Path:
    """Writes ``dataset.json`` with the first ``frames`` training frames; no image is copied, the other sections stay.

    Smaller subsets are contained in larger ones, and patients stay in the order of the prepared folder.

    Args:
        prepared: prepared folder.
        out: folder to write.
        frames: number of training frames.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: the folder has fewer training frames.
    """
    content = read_dataset_json(prepared)
    if not 0 < frames <= len(content["training"]):
        raise EchoSynthError(
            f"a subset takes 1 to {len(content['training'])} training frames of {prepared}, got {frames}: ask for fewer"
        )
    sections = {name: load_datalist(prepared, name) for name in ("training", "validation", "test") if content.get(name)}
    sections["training"] = sections["training"][:frames]
    write_json(Path(out) / "dataset.json", {**content, **sections, "name": f"{content.get('name', '')}_{frames}"})
    return Path(out)
