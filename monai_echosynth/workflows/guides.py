"""The table of guides of a guided generator: class numbers, hidden states of texts, or pictures, and which frame has which.

A guide that several frames share is one row. In training the guides follow from the frames; for a set they are what the user
asks for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from monai_echosynth.data.guided_set import class_conditions, frame_text, picture_files, read_picture
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.transformers_folder import TextEncoder, text_encoder
from monai_echosynth.networks.nets.guided_unet import Guidance

__all__ = ["PROMPT", "Guides", "asked_guides", "frame_guides", "load_text_encoder"]

PROMPT = "an ultrasound image, {}"
"""What is said about a frame of class ``{}`` that has no text of its own."""

Path_ = str | Path


class Guides(NamedTuple):
    """A table and what refers to it.

    Attributes:
        rows: the table (N, ...): numbers, (N, L, W) hidden states or (N, 1, S, S) uint8 gray levels.
        items: entries with the number of their row as ``condition``; for a set also ``name`` and ``view`` of each guide, and
            its ``text`` where it is one.
    """

    rows: Tensor
    items: list[dict[str, Any]]

    @property
    def sha256(self) -> str:
        """Digest of the table."""
        return hashlib.sha256(self.rows.contiguous().numpy().tobytes()).hexdigest()


def load_text_encoder(folder: Path_ | None, sha256: str | None = None) -> TextEncoder:
    """The text encoder of a folder.

    Args:
        folder: local folder in the layout of ``transformers``.
        sha256: digest that its weights must have; None for any.

    Raises:
        EchoSynthError: no folder is named, it holds no text encoder, or another one than the generator was trained with.
    """
    if not folder:
        raise EchoSynthError(
            "text guidance needs a text encoder, got no folder: name a local one with --text-encoder, such as CLIP's"
        )
    encoder = text_encoder(folder)
    if sha256 and encoder.sha256 != sha256:
        raise EchoSynthError(
            f"texts must be read by the encoder that the generator was trained with ({sha256[:12]}), got "
            f"{encoder.sha256[:12]} in {folder}: name its folder"
        )
    return encoder


def frame_guides(
    items: Sequence[Mapping[str, Any]],
    guidance: Guidance | str,
    class_names: Sequence[str],
    size: int,
    encoder: TextEncoder | None = None,
    prompt: str = PROMPT,
) -> Guides:
    """Guides of the frames of a datalist: their classes, their texts, or the frames themselves.

    Raises:
        EchoSynthError: a frame has no class or an unknown one, or is of another size.
    """
    numbered = class_conditions(items, class_names)
    kind = Guidance(guidance)
    if kind is Guidance.CLASS:
        return Guides(torch.arange(len(class_names)), numbered)
    if kind is Guidance.IMAGE:
        rows = _pictures([Path(item["image"]) for item in items], size)
        return Guides(rows, [{**item, "condition": number} for number, item in enumerate(items)])
    texts = [frame_text(item, prompt) for item in items]
    known = {text: number for number, text in enumerate(sorted(set(texts)))}
    rows = _encoded(encoder, list(known))
    return Guides(rows, [{**item, "condition": known[text]} for item, text in zip(items, texts, strict=True)])


def asked_guides(
    guidance: Guidance | str,
    class_names: Sequence[str],
    size: int,
    classes: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    image: Path_ | None = None,
    encoder: TextEncoder | None = None,
) -> Guides:
    """Guides of a set.

    Args:
        guidance: what the generator is guided by.
        class_names: classes that it knows.
        size: its edge in pixels.
        classes: classes to draw in turn; all when omitted.
        texts: texts to draw in turn, for text guidance.
        image: guide picture or a folder of some, for image guidance.
        encoder: text encoder, for text guidance.

    Raises:
        EchoSynthError: a guide of another kind is given, none is given, a class is unknown, or a picture is of another size.
    """
    kind = Guidance(guidance)
    given = {Guidance.CLASS: classes, Guidance.TEXT: texts, Guidance.IMAGE: image}
    wrong = [f"--{name}" for name, value in given.items() if value is not None and name is not kind]
    if wrong:
        raise EchoSynthError(f"this generator is guided by --{kind}, got {', '.join(wrong)}: leave it out")
    if kind is Guidance.CLASS:
        chosen = list(class_names if classes is None else classes)
        unknown = [name for name in chosen if name not in class_names]
        if unknown or not chosen:
            raise EchoSynthError(
                f"this generator draws {', '.join(class_names)}, got {', '.join(unknown) or 'no class'}: choose among these"
            )
        numbers = [list(class_names).index(name) for name in chosen]
        items = [_guide(name, name, number) for name, number in zip(chosen, numbers, strict=True)]
        return Guides(torch.arange(len(class_names)), items)
    if not given[kind]:
        raise EchoSynthError(f"this generator is guided by --{kind}, got none: say what to draw")
    if kind is Guidance.TEXT:
        asked = list(texts or ())
        items = [{**_guide(f"text{n}", _class_in(text, class_names), n), "text": text} for n, text in enumerate(asked)]
        return Guides(_encoded(encoder, asked), items)
    files = picture_files(image or "")
    return Guides(_pictures(files, size), [_guide(f"image{n}", "", n) for n in range(len(files))])


def _guide(name: str, view: str, number: int) -> dict[str, Any]:
    return {"name": "_".join(name.split()), "view": view, "condition": number}


def _class_in(text: str, class_names: Sequence[str]) -> str:
    """The one class that a text names as a word of its own, else nothing."""
    named = [name for name in class_names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)]
    return named[0] if len(named) == 1 else ""


def _encoded(encoder: TextEncoder | None, texts: Sequence[str]) -> Tensor:
    if encoder is None:
        encoder = load_text_encoder(None)
    return encoder.encode(texts)


def _pictures(files: Sequence[Path], size: int) -> Tensor:
    return torch.stack([torch.from_numpy(read_picture(path, size).copy())[None] for path in files])
