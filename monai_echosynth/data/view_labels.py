"""The views of a datalist as classes: their names, and a number for each frame.

Prepared folders and synthetic sets carry the view of every frame; the classes of a classifier are the views of its training
frames, in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["view_items", "view_names"]


def view_names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Views that occur in a datalist, sorted.

    Raises:
        EchoSynthError: a frame has no view, or there are fewer than two views.
    """
    names = sorted({_view(item) for item in items})
    if len(names) < 2:
        raise EchoSynthError(
            f"telling views apart needs frames of two views or more, got {len(items)} frames of {names}: prepare the data with "
            "more views, or generate from masks of more views"
        )
    return names


def view_items(items: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """A datalist whose ``label`` is the number of the frame's view in ``class_names``.

    Raises:
        EchoSynthError: a frame has no view, or one that is none of the classes.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    classified = []
    for item in items:
        view = _view(item)
        if view not in numbers:
            raise EchoSynthError(
                f"each frame must show one of the views {', '.join(class_names)}, got {view} in {_name(item)}: leave such frames "
                "out (echosynth prepare --views), or train with that view"
            )
        classified.append({**item, "label": numbers[view]})
    return classified


def _view(item: Mapping[str, Any]) -> str:
    view = item.get("view")
    if not isinstance(view, str) or not view:
        raise EchoSynthError(
            f"each frame needs its view to be classified, got none for {_name(item)}: write it as 'view' into dataset.json, or "
            "prepare files that are named <patient>_<view>_<phase>"
        )
    return view


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("id") or item.get("image", "a frame"))
