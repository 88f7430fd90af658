"""A shape model as one safetensors file: arrays, and everything else as JSON in its metadata. Nothing in it is executed.

The file carries the label table, the rules and the sectors of the training maps (equal ones once, one bit a pixel), so that label
maps can be sampled from it alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes.anatomy_rules import AnatomyRules
from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.data.shapes.map_sampler import MapSampler, Sector
from monai_echosynth.data.shapes.procrustes import Alignment
from monai_echosynth.data.shapes.shape_model import ShapeModel
from monai_echosynth.errors import EchoSynthError

__all__ = ["FittedShapes", "load_shapes", "save_shapes"]

FORMAT = 1
_KEY = "shape_model"
_ARRAYS = ("mean", "modes", "variances", "coefficients", "poses")


@dataclass(frozen=True)
class FittedShapes:
    """What the file holds.

    Attributes:
        model: mean, modes and poses.
        rules: what makes a map valid; holds the label table.
        sectors: field of view of each training map.
        modes: number of modes that new shapes use.
    """

    model: ShapeModel
    rules: AnatomyRules
    sectors: tuple[Sector, ...]
    modes: int

    @property
    def table(self) -> LabelTable:
        """Label table of the maps."""
        return self.rules.table

    def sampler(self, k: float = 2.5) -> MapSampler:
        """Sampler of valid maps into the sectors of the training maps."""
        return MapSampler(self.model, self.rules, self.sectors, k, self.modes)


def save_shapes(fitted: FittedShapes, path: str | Path) -> None:
    """Writes the file, atomically."""
    packed = np.stack([np.packbits(sector.mask) for sector in fitted.sectors])
    unique, number = np.unique(packed, axis=0, return_inverse=True)
    arrays: dict[str, NDArray[Any]] = {name: np.ascontiguousarray(getattr(fitted.model, name)) for name in _ARRAYS}
    arrays["sectors"] = unique
    arrays["sector_number"] = number.reshape(-1).astype(np.int64)
    arrays["spacings"] = np.array([sector.spacing for sector in fitted.sectors], np.float64)
    description = {
        "format": FORMAT,
        "table": fitted.table.to_dict(),
        "rules": fitted.rules.to_dict(),
        "layout": fitted.model.layout.to_dict(),
        "alignment": str(fitted.model.alignment),
        "total_variance": fitted.model.total_variance,
        "grid": list(fitted.sectors[0].mask.shape),
        "modes": fitted.modes,
    }
    with atomic_path(path) as partial:
        partial.write_bytes(serialize(arrays, metadata={_KEY: json.dumps(description)}))


def load_shapes(path: str | Path, table: LabelTable | None = None) -> FittedShapes:
    """Reads the file.

    Args:
        path: file of :func:`save_shapes`.
        table: table that the maps must have; any when None.

    Raises:
        EchoSynthError: the file is missing, damaged, no shape model, of another format or for other labels.
    """
    path = Path(path)
    if not path.is_file():
        raise EchoSynthError(f"a shape model was expected at {path}, which does not exist: fit one first")
    try:
        with safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
        fitted = _build(json.loads(metadata[_KEY]), arrays)
    except EchoSynthError:
        raise
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, PermissionError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EchoSynthError(
            f"a whole shape model was expected, got {path} ({reason}): fit or copy it again"
        ) from error
    if table is not None and table.names != fitted.table.names:
        own, other = (", ".join(f"{i} {n}" for i, n in t.names.items()) for t in (fitted.table, table))
        raise EchoSynthError(
            f"a shape model of the labels {other} was expected, got one of {own} in {path}: use the table it was fitted with"
        )
    return fitted


def _build(description: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> FittedShapes:
    if description["format"] != FORMAT:
        raise EchoSynthError(f"shape models have format {FORMAT}, got {description['format']}: fit the model again")
    table = LabelTable.from_dict(description["table"])
    columns, rows = description["grid"]
    masks = np.unpackbits(arrays["sectors"], axis=1, count=columns * rows).astype(bool).reshape(-1, columns, rows)
    model = ShapeModel(
        layout=ShapeLayout.from_dict(description["layout"]),
        alignment=Alignment(description["alignment"]),
        total_variance=float(description["total_variance"]),
        **{name: arrays[name] for name in _ARRAYS},
    )
    if model.mean.shape != (model.layout.size, 2) or model.modes.shape[1:] != model.mean.shape:
        raise ValueError(f"{model.layout.size} points in the layout, {model.mean.shape} in the mean")
    sectors = tuple(
        Sector(masks[number], (float(x), float(y)))
        for number, (x, y) in zip(arrays["sector_number"].tolist(), arrays["spacings"].tolist(), strict=True)
    )
    return FittedShapes(model, AnatomyRules.from_dict(table, description["rules"]), sectors, int(description["modes"]))
