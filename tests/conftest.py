"""Fixtures shared by all tests; nothing here imports torch, so that collecting stays fast."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def camus() -> Path:
    """Folder that holds CAMUS's ``database_nifti/``; tests that need real frames are skipped without it."""
    folder = os.environ.get("ECHOSYNTH_CAMUS", "")
    if not folder or not (Path(folder) / "database_nifti").is_dir():
        pytest.skip("real frames: set ECHOSYNTH_CAMUS to a folder that holds database_nifti/")
    return Path(folder).resolve()
