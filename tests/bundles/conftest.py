"""The metadata schema, which is not shipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NAME = "meta_schema_20240725.json"


@pytest.fixture(scope="session")
def schema() -> Path:
    """MONAI's metadata schema: named by ``ECHOSYNTH_SCHEMA``, or in ``schema/`` beside the folder of real frames."""
    named, frames = os.environ.get("ECHOSYNTH_SCHEMA"), os.environ.get("ECHOSYNTH_CAMUS")
    candidates = [Path(named)] if named else []
    candidates += [Path(frames).resolve().parent / "schema" / NAME] if frames else []
    for path in candidates:
        file = path / NAME if path.is_dir() else path
        if file.is_file():
            return file
    pytest.skip(f"metadata schema: set ECHOSYNTH_SCHEMA to a copy of {NAME}")
