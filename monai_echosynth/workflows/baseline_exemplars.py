"""The real frames that baselines take as exemplars: those that an aligner with the bundle's settings would choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_echosynth.alignment.exemplar_choice import ExemplarChoice
from monai_echosynth.alignment.real_bank import RealBank, spaced
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.networks.nets.domain_aligner import DomainAligner
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.report.frame_io import Frame, read_frame

__all__ = ["BANK", "STORED", "exemplar_choice", "frame_tensors", "shown_item"]

BANK, STORED = 256, 64
"""Real frames that give the scale of styles, and those of them that exemplars are chosen from, at most: as in the bundle."""


def exemplar_choice(
    real: Sequence[Mapping[str, Any]], synthetic: Sequence[Mapping[str, Any]], table: LabelTable, candidates: int
) -> tuple[ExemplarChoice, RealBank]:
    """How an aligner with the bundle's settings chooses its exemplars, and what it chooses from.

    Args:
        real: entries of the real frames.
        synthetic: entries of the synthetic ones.
        table: label table of both.
        candidates: see :class:`~monai_echosynth.alignment.exemplar_choice.ExemplarChoice`.
    """
    scales = DomainAligner(table.num_channels)  # holds the scales of both domains' styles, which need no training
    known = _bank([real[row] for row in spaced(len(real), BANK)], table)
    thinned = synthetic[:: 1 + len(synthetic) // BANK]
    known.fit(scales, (shown_item(read_frame(item), table) for item in thinned))
    stored = spaced(len(known), STORED)
    bank = RealBank(*known.frames(torch.as_tensor(stored)))
    bank.styles = known.styles[stored]
    return ExemplarChoice(scales, bank, 1, candidates), bank


def _bank(items: Sequence[Mapping[str, Any]], table: LabelTable) -> RealBank:
    """Frames with maps that tell the sector from what is outside, which is all that styles need."""
    frames = [frame_tensors(read_frame(item)) for item in items]
    image, sector = (torch.stack(parts) for parts in zip(*frames, strict=True))
    seg = torch.zeros(len(image), table.num_channels, *image.shape[-2:])
    seg[:, :1], seg[:, -1:] = 1.0 - sector, sector
    return RealBank(image, seg)


def shown_item(frame: Frame, table: LabelTable) -> dict[str, Tensor]:
    """``image`` (1, X, Y) and ``seg`` (K, X, Y) of a frame."""
    return {"image": frame_tensors(frame)[0], "seg": LabelToSeg(table)(frame.label).float()}


def frame_tensors(frame: Frame) -> tuple[Tensor, Tensor]:
    """Image (1, X, Y) and sector (1, X, Y), 1 inside."""
    return torch.from_numpy(frame.image)[None], torch.from_numpy((frame.label > 0).astype(np.float32))[None]
