"""The file beside a network's weights that holds its sampling grids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["GRIDS", "read_grids", "write_grids"]

GRIDS = "sigma_grids.json"
"""Name of the file in ``models/``."""


def read_grids(path: str | Path, network_sha256: str | None = None) -> GridTable:
    """The table of a network; an empty one where there is no file.

    Args:
        path: the file.
        network_sha256: digest of the network's weights, compared with those that the table was made for.

    Raises:
        EchoSynthError: the file is damaged, or belongs to other weights.
    """
    path = Path(path)
    if not path.is_file():
        return GridTable()
    try:
        table = GridTable.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except EchoSynthError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise EchoSynthError(
            f"sampling grids in {path} cannot be read ({error}): search them again or remove the file"
        ) from error
    if None not in (network_sha256, table.network_sha256) and network_sha256 != table.network_sha256:
        raise EchoSynthError(
            f"sampling grids must belong to the weights beside them, got those of other weights in {path}: search them again "
            "or remove the file"
        )
    return table


def write_grids(path: str | Path, table: GridTable, **notes: Any) -> None:
    """Writes the table; ``notes``, plain JSON values, say how it was found."""
    write_json(path, {**table.to_dict(), **notes})
