r"""Frames painted from label maps alone, with random gray levels: the SynthSeg idea for ultrasound, without any training.

With a label map :math:`l`, gray level :math:`\mu`, speckle :math:`\sigma` and slow variation :math:`h` of every label,

.. math:: g = \big[\, b * (\mu_l + h_l f) + \sigma_l\, s + c(y) + a \,\big]_0^1{}^{\,\gamma}

inside the sector and 0 outside: :math:`f` is a smooth random field, :math:`b` a blur that stays inside the sector, :math:`c` the
shading in depth, :math:`a` the gain, :math:`\gamma` the gray map. The speckle :math:`s` has mean 0 and variance 1: the logarithm
of the envelope of complex Gaussian noise that a pulse and a beam have blurred. For unit power this logarithm has the mean
:math:`-\gamma_E / 2` and the standard deviation :math:`\pi / \sqrt{24}`. Every number is drawn anew for each frame
(:mod:`~monai_echosynth.transforms.synthesis_look`), from (seed, index) alone.

References:
    Billot et al., SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without retraining, 2023.
    https://doi.org/10.1016/j.media.2023.102789
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from monai_echosynth.data.builtin_labels import OUTSIDE, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.synthesis_look import FrameLook, LookLimits, draw_look
from monai_echosynth.transforms.tensor_items import like, plain

__all__ = ["LabelSynthesis", "LabelSynthesisd", "paint", "speckle"]

Array = NDArray[np.float64]

_LOG_MEAN, _LOG_SPREAD = -np.euler_gamma / 2, np.pi / np.sqrt(24)
_SMOOTH = 0.12
"""Width of the slow variation, fraction of the frame's side."""


class LabelSynthesis(Transform):
    """Paints semantic maps.

    Args:
        seed: of the set.
        limits: ranges of what is drawn for each frame.
        table: semantic label table; what is ``outside`` stays 0.
    """

    def __init__(self, seed: int = 0, limits: LookLimits | None = None, table: LabelTable = SEMANTIC_LABELS) -> None:
        self.seed, self.limits, self.table = seed, limits or LookLimits(), table
        self.outside = table.id_of(OUTSIDE)
        self.ids = tuple(entry.id for entry in table.entries if entry.id != self.outside)

    def __call__(self, label: Any, index: int) -> Any:
        """Frame ``index`` of a map.

        Args:
            label: (1, X, Y) or (X, Y) ids of the table; not changed.
            index: number of the frame in its set.

        Returns:
            float32 in [0, 1], 0 outside the sector, of the shape, kind and meta data of ``label``.

        Raises:
            EchoSynthError: the map has another shape, or an id that is not in the table.
        """
        values = plain(label).numpy()
        flat = values[0] if values.ndim == 3 and len(values) == 1 else values
        if flat.ndim != 2:
            raise EchoSynthError(f"a label map must be (X, Y) or (1, X, Y), got shape {values.shape}: pick one frame")
        self.table.check(flat, "the label map")
        source = np.random.Generator(np.random.PCG64(derive_seed(self.seed, "synthesis", index)))
        painted = paint(flat, draw_look(source, self.ids, self.limits), source, self.outside)
        image = painted.astype(np.float32).reshape(values.shape)
        return like(torch.from_numpy(image), label) if isinstance(label, torch.Tensor) else image


class LabelSynthesisd(MapTransform):
    """Dictionary version of :class:`LabelSynthesis`: adds the painted frame to an item with a map and an index.

    Args:
        keys: the semantic map.
        image_key: where to store the frame.
        index_key: key of the frame's number in its set.
        seed: of the set.
        limits: ranges of what is drawn for each frame.
        table: semantic label table.
        allow_missing_keys: pass over an absent map.
    """

    def __init__(
        self,
        keys: KeysCollection = "label",
        image_key: str = "image",
        index_key: str = "index",
        seed: int = 0,
        limits: LookLimits | None = None,
        table: LabelTable = SEMANTIC_LABELS,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise EchoSynthError(f"LabelSynthesisd takes one map, got keys {self.keys}: use one transform per map")
        self.image_key, self.index_key = image_key, index_key
        self.synthesis = LabelSynthesis(seed, limits, table)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with the frame added."""
        items = dict(data)
        for key in self.key_iterator(items):
            if self.index_key not in items:
                raise EchoSynthError(
                    f"a painted frame needs its number under '{self.index_key}', got {sorted(map(str, items))}: add it"
                )
            items[self.image_key] = self.synthesis(items[key], int(items[self.index_key]))
        return items


def paint(label: NDArray[Any], look: FrameLook, source: np.random.Generator, outside: int = 0) -> Array:
    """Frame (X, Y) in [0, 1] of a map (X, Y) of ids.

    Args:
        label: ids, each with an entry in ``look`` or equal to ``outside``.
        look: what was drawn for the frame.
        source: random numbers of speckle and slow variation.
        outside: id of what lies outside the sector.
    """
    inside, side = label != outside, max(label.shape)
    means, spreads, patches = (np.zeros(label.shape) for _ in range(3))
    for number, mean in look.means.items():
        here = label == number
        means[here], spreads[here], patches[here] = mean, look.spreads[number], look.patches[number]
    slow = _unit(gaussian_filter(source.standard_normal(label.shape), _SMOOTH * side, mode="wrap"))
    gray = _blurred(means + patches * slow, inside, look.blur * side)
    gray += spreads * speckle(label.shape, look, source)
    depth = np.linspace(0.0, 1.0, label.shape[1])
    gray += look.gain + np.interp(depth, np.linspace(0.0, 1.0, len(look.shading)), look.shading)
    painted: Array = np.where(inside, np.clip(gray, 0.0, 1.0) ** look.contrast, 0.0)
    return painted


def speckle(shape: tuple[int, ...], look: FrameLook, source: np.random.Generator) -> Array:
    """Log-compressed speckle (X, Y) of mean 0 and variance 1; its grain widens sideways with depth."""
    side = max(shape)
    pair = source.standard_normal((2, *shape))
    noise = pair[0] + 1j * pair[1]
    near, far = (
        _unit(gaussian_filter(noise, (width * side, look.axial * side), mode="wrap"))
        for width in (look.narrowing * look.lateral, look.lateral)
    )
    share = np.linspace(0.0, 1.0, shape[1])
    alike = float(np.mean((near * far.conj()).real))
    power = (1 - share) ** 2 + share**2 + 2 * share * (1 - share) * alike
    envelope = np.abs((1 - share) * near + share * far) / np.sqrt(power)
    level: Array = (np.log(np.maximum(envelope, 1e-6)) - _LOG_MEAN) / _LOG_SPREAD
    return level


def _unit(field: NDArray[Any]) -> NDArray[Any]:
    """``field`` with mean power 1."""
    return np.asarray(field / max(float(np.sqrt(np.mean(np.abs(field) ** 2))), 1e-12))


def _blurred(values: Array, inside: NDArray[np.bool_], width: float) -> Array:
    """``values`` blurred over the pixels ``inside`` alone."""
    if width <= 0 or not inside.any():
        return values
    weight = gaussian_filter(inside.astype(np.float64), width)
    blurred: Array = gaussian_filter(values * inside, width) / np.maximum(weight, 1e-9)
    return np.where(inside, blurred, values)
