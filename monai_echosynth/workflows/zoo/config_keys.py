"""The names that the zoo asks for in training and inference configs, so that other programs find what they need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["check_config_keys"]

_INFERENCE = ("bundle_root", "device", "network_def", "inferer", "output_dir")
_TRAINING = ("bundle_root", "device", "dataset_dir", "output_dir")
_TRAIN = ("trainer", "trainer::max_epochs", "dataset", "dataset::data", "handlers", "preprocessing", "inferer")
_VALIDATE = ("evaluator", "dataset", "dataset::data", "handlers", "preprocessing", "inferer", "key_metric")


def check_config_keys(bundle: Path) -> str:
    """Names the configs that were checked.

    Raises:
        EchoSynthError: a key is missing, or a validation handler does not take ``val_interval``.
    """
    checked = []
    for path in sorted((bundle / "configs").glob("*.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        if path.name == "inference.json":
            _require(config, _INFERENCE, path.name)
        elif "trainer" in config.get("train", {}):
            wanted = [*_TRAINING, *(f"train::{key}" for key in _TRAIN)]
            if "validate" in config:
                wanted += [f"validate::{key}" for key in _VALIDATE]
            _require(config, wanted, path.name)
            _check_interval(config, path.name)
        else:
            continue
        checked.append(path.name)
    return ", ".join(checked)


def _require(config: Mapping[str, Any], names: list[str] | tuple[str, ...], file: str) -> None:
    missing = [name for name in names if not _holds(config, name)]
    if missing:
        raise EchoSynthError(f"{file} lacks {', '.join(missing)}")


def _holds(config: Any, name: str) -> bool:
    for key in name.split("::"):
        if not isinstance(config, Mapping) or key not in config:
            return False
        config = config[key]
    return True


def _check_interval(config: Mapping[str, Any], file: str) -> None:
    handlers = config["train"]["handlers"]
    validating = [handler for handler in handlers if handler.get("_target_") == "ValidationHandler"]
    wrong = [handler for handler in validating if handler.get("interval") != "@val_interval"]
    if wrong or (validating and "val_interval" not in config):
        raise EchoSynthError(f"{file} must name the interval of its ValidationHandler val_interval")
