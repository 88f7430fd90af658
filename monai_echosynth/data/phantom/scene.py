"""What lies before the probe: tissues to insonate, labels to learn, and the acoustic window in between.

A scene answers for any scan point (mm, probe at the origin, depth downwards). The simulator knows nothing else about the anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.phantom.anatomy import Anatomy
from monai_echosynth.data.phantom.echogenicity import Scattering, apical_fat_db
from monai_echosynth.data.phantom.tissue import camus_label, tissue_map

__all__ = ["AcousticWindow", "ApicalScene", "Scene"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AcousticWindow:
    """Where the probe sits and what disturbs it there.

    Attributes:
        edge_probability: chance of lost contact at one edge of the sector.
        rib_probability: chance of a narrow shadow inside it.
        drop_out: strength of blurred drop-out patches in dB.
        near: mean level of the near-field clutter in dB relative to the pericardium.
        fade: how far it reaches, relative to a chest probe.
        patches: number of drop-out patches.
    """

    edge_probability: float
    rib_probability: float
    drop_out: float
    near: float
    fade: float = 1.0
    patches: int = 2


APICAL_WINDOW = AcousticWindow(edge_probability=0.45, rib_probability=0.25, drop_out=9.0, near=-4.0)


class Scene(Protocol):
    """An anatomy at one view and phase."""

    @property
    def window(self) -> AcousticWindow:
        """Acoustic window of the view."""
        ...

    def tissue(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """`Tissue` codes at scan points (mm)."""
        ...

    def label(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """Ids of the view's annotation at scan points, 0 where there is no structure."""
        ...

    def fat_db(self, scattering: Scattering, x: Array, y: Array) -> Array:
        """Extra brightness in dB of the fat around the valves and behind the heart."""
        ...


@dataclass(frozen=True)
class ApicalScene:
    """The heart from the chest wall; labels are CAMUS ids."""

    anatomy: Anatomy
    window: AcousticWindow = APICAL_WINDOW

    def tissue(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """`Tissue` codes at scan points (mm)."""
        return tissue_map(self.anatomy, x, y)

    def label(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """CAMUS ids at scan points (mm)."""
        return camus_label(self.anatomy, x, y)

    def fat_db(self, scattering: Scattering, x: Array, y: Array) -> Array:
        """Extra brightness around the mitral annulus and behind the atrium."""
        return apical_fat_db(self.anatomy, scattering, x, y)
