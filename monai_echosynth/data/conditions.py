"""View and phase of a frame as one class, by which a generator can be told what to draw beside the mask.

A class is named as in ``4CH ED``; the classes of a generator are those of its training frames, in alphabetical order. A generator
without classes is not conditioned, and its items stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["condition_items", "condition_names"]


def condition_names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Classes that occur in a datalist, sorted.

    Raises:
        EchoSynthError: a frame has no view or no phase.
    """
    return sorted({_condition(item) for item in items})


def condition_items(items: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """The items with the number of their class among ``names`` as ``condition``; unchanged copies where there are no classes.

    Raises:
        EchoSynthError: a frame has no view or no phase, or is of a class that is not among ``names``.
    """
    if not names:
        return [dict(item) for item in items]
    numbers = {name: number for number, name in enumerate(names)}
    numbered = []
    for item in items:
        name = _condition(item)
        if name not in numbers:
            raise EchoSynthError(
                f"this generator draws {', '.join(names)}, got {name} in {item.get('id', item)}: leave it out, or train a "
                "generator with such frames"
            )
        numbered.append({**item, "condition": numbers[name]})
    return numbered


def _condition(item: Mapping[str, Any]) -> str:
    view, phase = item.get("view"), item.get("phase")
    if not view or not phase:
        raise EchoSynthError(
            "a generator that is conditioned on view and phase needs both of every frame and mask, got view "
            f"{view!r} and phase {phase!r} of {item.get('id', item)}: name files <patient>_<view>_<phase>, or use a generator "
            "without conditions"
        )
    return f"{view} {phase}"
