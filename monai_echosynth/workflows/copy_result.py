"""The outcome of a copy check, as JSON and as the pairs of frames that are worth a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.workflows.copy_check import CopyControl, Found, suspicion
from monai_echosynth.workflows.copy_search import Gallery

__all__ = ["CopyCheck"]

_SHOWN = 6


@dataclass(frozen=True)
class CopyCheck:
    """Synthetic frames and their nearest training frames, by the measure of held-out ones.

    Attributes:
        found: synthetic frames.
        held_out: held-out frames.
        control: what these say.
        gallery: training frames.
    """

    found: Found
    held_out: Found
    control: CopyControl
    gallery: Gallery

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """(n,) suspicion of the synthetic frames."""
        return suspicion(self.found, self.control.scales)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Each synthetic frame with its nearest training frame."""
        return [self._row(i) for i in range(len(self.scores))]

    def describe(self, rate: float) -> dict[str, Any]:
        """Threshold, alarms and flagged frames; ``rate`` is the share of alarms that was asked for."""
        flagged = self.scores > self.control.threshold
        near = self.found.column("feature_distance") < self.control.feature_near
        sides = {"synthetic": self.found, "held_out": self.held_out}
        return {
            "rate": rate,
            "bound": self.control.bound,
            "threshold": self.control.threshold,
            "false_alarms": self.control.false_alarms,
            "flagged": int(flagged.sum()),
            "share": float(flagged.mean()),
            "near_in_features": float(near.mean()),
            "median": {
                name: {side: float(np.median(found.column(name))) for side, found in sides.items()}
                for name in ("correlation", "ssim", "feature_distance")
            },
            "frames": [row for row, flag in zip(self.rows, flagged, strict=True) if flag],
        }

    def most_suspicious(self, limit: int = _SHOWN) -> list[tuple[dict[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
        """Row, entry of the frame and entry of its nearest training frame, the most suspicious first."""
        order = np.argsort(-self.scores, kind="stable")[:limit]
        nearest = [self.gallery.items[self.found.matches[i].nearest] for i in order]
        return [(self.rows[i], self.found.items[i], item) for i, item in zip(order, nearest, strict=True)]

    def _row(self, i: int) -> dict[str, Any]:
        item, match = self.found.items[i], self.found.matches[i]
        nearest = self.gallery.items[match.nearest]
        return {
            "id": str(item.get("id", Path(item["image"]).name)),
            "mask": str(item.get("mask", "")),
            "nearest": str(nearest.get("id", nearest["image"])),
            "suspicion": round(float(self.scores[i]), 3),
            "correlation": round(match.correlation, 4),
            "ssim": round(match.ssim, 4),
            "mirrored": match.variant.mirrored,
            "degrees": match.variant.degrees,
            "scale": match.variant.scale,
            "shift": list(match.shift),
            "feature_distance": round(match.feature_distance, 4),
        }
