"""A preset of the utility study with some settings changed, by a small JSON file, by options or by both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.training_settings import check_budget
from monai_echosynth.workflows.utility_presets import UTILITY_PRESETS, UtilityPreset
from monai_echosynth.workflows.utility_settings import (
    UtilitySettings,
    is_whole,
    member,
)

__all__ = ["OPTIONS", "chosen_settings", "read_settings"]

_LISTS = ("patients", "ratios", "arms", "masks", "augmentations", "compute_nfe")
_PLAIN = (
    *("mixing", "pool", "nfe", "solver", "compute_calls", "compute_patients", "latents", "judged", "seed"),
    *("test_patients", "phantom_patients", "base_patients", "max_train"),
)

OPTIONS = (*_LISTS, *_PLAIN, "iterations", "budget")
"""Names that can be changed; ``iterations`` are the optimizer steps of every segmenter, ``budget`` multiplies the epochs of every
generator."""


def chosen_settings(preset: UtilityPreset | str, options: Mapping[str, Any]) -> UtilitySettings:
    """Settings of a preset with some of them changed.

    Args:
        preset: sizes and budgets.
        options: values by name.

    Raises:
        EchoSynthError: a name is unknown or a value out of range.
    """
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise EchoSynthError(f"settings of the study are {', '.join(OPTIONS)}, got '{unknown[0]}': correct the name")
    for name in _LISTS:
        if name in options and not isinstance(options[name], list | tuple):
            raise EchoSynthError(f"'{name}' is a list, got {options[name]!r}: put it in brackets")
    values: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in options.items()}
    iterations, budget = values.pop("iterations", None), values.pop("budget", None)
    study = replace(UTILITY_PRESETS[member(UtilityPreset, preset, "preset")], **values)
    if iterations is not None:
        if not is_whole(iterations):
            raise EchoSynthError(f"'iterations' is a whole number from 1 on, got {iterations!r}: correct it")
        study = replace(study, segmentation=replace(study.segmentation, iterations=iterations))
    return study if budget is None else _scaled(study, budget)


def read_settings(path: str | PathLike[str]) -> dict[str, Any]:
    """Content of a settings file: a JSON object with names of :data:`OPTIONS` and, if wanted, ``preset``.

    Raises:
        EchoSynthError: the file cannot be read or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EchoSynthError(f"settings are a readable JSON file, got {path} ({error}): check it") from error
    if not isinstance(content, dict):
        raise EchoSynthError(f"settings are a JSON object, got {type(content).__name__} in {path}: write {{...}}")
    return content


def _scaled(study: UtilitySettings, budget: Any) -> UtilitySettings:
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise EchoSynthError(f"'budget' is a number, got {budget!r}: use 1 for that of the preset")
    check_budget(budget)
    return replace(
        study,
        generator=study.generator.scaled(budget),
        base=study.base.scaled(budget),
        gan=study.gan.scaled(budget),
        adaptation=replace(study.adaptation, epochs=max(1, round(budget * study.adaptation.epochs))),
    )
