"""What every generator bundle must have in common with those of the model zoo."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from monai.bundle import verify_net_in_out

__all__ = ["check_network", "check_zoo_files"]


def check_zoo_files(configs: Path, *names: str) -> None:
    """The config files ``names``, the license, a changelog that knows the version, and the sections of the README are there."""
    assert all((configs / name).is_file() for name in ("metadata.json", "logging.conf", "inference.json", *names))
    assert "Apache License" in (configs.parent / "LICENSE").read_text()
    metadata = json.loads((configs / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["version"] in metadata["changelog"]
    readme = (configs.parent / "docs" / "README.md").read_text()
    assert all(f"# {title}" in readme for title in ("Model Overview", "Data", "References", "License"))


def check_network(configs: Path) -> None:
    """The denoising network takes and returns the shapes of the metadata."""
    metadata = json.loads((configs / "metadata.json").read_text(encoding="utf-8"))
    shape = metadata["network_data_format"]["inputs"]["seg"]["spatial_shape"]
    verify_net_in_out(
        "network_def",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        device="cpu",
        extra_forward_args={"timesteps": torch.zeros(1), "seg": torch.zeros(1, 5, *shape)},
        size="quick",
    )
