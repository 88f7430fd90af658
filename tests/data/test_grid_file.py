"""The file of sampling grids: whole, of the weights beside it, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_echosynth.data.grid_file import GRIDS, read_grids, write_grids
from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.errors import EchoSynthError


def test_there_and_back(tmp_path: Path) -> None:
    table = GridTable(network_sha256="a").with_grid("unipc", 2, (9.0, 2.0, 0.0))
    write_grids(tmp_path / GRIDS, table, search={"masks": 3})
    assert read_grids(tmp_path / GRIDS) == read_grids(tmp_path / GRIDS, "a") == table
    with pytest.raises(EchoSynthError, match="got those of other weights"):
        read_grids(tmp_path / GRIDS, "b")


def test_no_file_is_no_grid(tmp_path: Path) -> None:
    assert read_grids(tmp_path / GRIDS, "a") == GridTable()


@pytest.mark.parametrize("text", ["{", "[]", '{"grids": 3}', '{"grids": {"unipc": {"two": [1, 0]}}}'])
def test_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / GRIDS).write_text(text)
    with pytest.raises(EchoSynthError, match="cannot be read"):
        read_grids(tmp_path / GRIDS)
