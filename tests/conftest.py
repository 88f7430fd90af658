"""Fixtures shared by all tests; nothing here imports torch, so that collecting stays fast."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

_SCHEMA = "meta_schema_20240725.json"
REPOSITORY = Path(__file__).resolve().parents[1]

_STATUS = pytest.StashKey[int]()


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


@pytest.fixture(scope="session")
def schema() -> Path:
    """MONAI's metadata schema: named by ``ECHOSYNTH_SCHEMA``, or in ``schema/`` beside the folder of real frames."""
    named, frames = os.environ.get("ECHOSYNTH_SCHEMA"), os.environ.get("ECHOSYNTH_CAMUS")
    candidates = [Path(named)] if named else []
    candidates += [Path(frames).resolve().parent / "schema" / _SCHEMA] if frames else []
    for path in candidates:
        file = path / _SCHEMA if path.is_dir() else path
        if file.is_file():
            return file
    pytest.skip(f"metadata schema: set ECHOSYNTH_SCHEMA to a copy of {_SCHEMA}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Keeps the exit status for :func:`pytest_unconfigure`."""
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the process without tearing ITK down.

    Once ITK's wrapped modules have been loaded beside many others, the interpreter crashes in their destructors after the
    last test, with the summary printed and the status of the run lost.
    """
    if "itk" in sys.modules and _STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])
