"""One annotated frame: where it lies (``FrameRecord``) and what it holds once read (``Frame``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

__all__ = ["Frame", "FrameRecord", "Pixels"]


@dataclass(frozen=True)
class FrameRecord:
    """Where a frame lies and whose it is.

    Attributes:
        id: unique name, such as ``patient0001_4CH_ED``; also the file name of the prepared frame.
        patient: the unit of every split.
        view: ``2CH``, ``4CH`` ... or an empty text when unknown.
        phase: ``ED``, ``ES`` ... or an empty text when unknown.
        image_path: file of the image.
        label_path: file of the label map, None when there is none.
        masks: files whose structures make up the label together, in place of one label map; ``label_path`` is the first.
    """

    id: str
    patient: str
    view: str
    phase: str
    image_path: Path
    label_path: Path | None
    masks: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Pixels:
    """What a reader returns for one file.

    Attributes:
        array: (X, Y), lateral axis first.
        spacing: pixel size in mm along x and y.
        spacing_known: False when the format carries no spacing, which is then 1.0.
    """

    array: NDArray[Any]
    spacing: tuple[float, float]
    spacing_known: bool = True


@dataclass(frozen=True)
class Frame:
    """A frame in memory.

    Attributes:
        record: where it came from.
        image: (X, Y), as stored.
        label: (X, Y) integers of the source's label table, None without annotation.
        spacing: pixel size in mm along x and y.
        spacing_known: False when the files carry no spacing.
    """

    record: FrameRecord
    image: NDArray[Any]
    label: NDArray[Any] | None
    spacing: tuple[float, float]
    spacing_known: bool
