r"""Attention-weighted local alignment: what a frame shows at a place should have the statistics of real frames at like places.

With local statistics :math:`\psi` and their squares, the target of a query at position p is the mean over real positions k
under the attention :math:`a_{pk}`, and so is what the synthetic batch itself shows at like positions q,

.. math:: L = \frac{1}{P} \sum_p \Bigl\| \sum_q b_{pq}\, \Psi(y)_q - \sum_k a_{pk}\, \Psi(r)_k \Bigr\|_1,
    \qquad \Psi = (\psi, \psi^2)

so that conditional means and variances agree, not single draws of the texture: comparing those would ask every output for the
average. Statistics are standardized by the real batch. Attention is taken as given; no gradient changes it to find easier
targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.losses.moment_distance import coral_distance, mmd_distance
from monai_echosynth.losses.places import places

__all__ = ["Alignment", "LocalAlignment"]


class Alignment(StrEnum):
    """How outputs are pulled to real frames."""

    ATTENTION = "attention"
    """Attention-weighted, place by place."""
    MMD = "mmd"
    """Maximum mean discrepancy of all places together."""
    CORAL = "coral"
    """Means and covariances of all places together."""
    NONE = "none"
    """Not at all."""


class LocalAlignment(nn.Module):
    """The loss, and the baselines that know no places.

    Args:
        kind: attention-weighted, or a baseline on the same statistics.
        samples: places that MMD compares.
    """

    def __init__(self, kind: Alignment | str = Alignment.ATTENTION, samples: int = 512) -> None:
        super().__init__()
        self.kind, self.samples = Alignment(kind), samples

    def forward(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Scalar loss.

        Args:
            outputs: ``made`` (B, 2 P, h, w), statistics of aligned frames and half their squares, ``made_valid`` (B, 1, h, w);
                ``target`` (B, 2 P, h, w), what real places show to ``query`` (B, C, h, w); ``wanted`` (B, k, 2 P, h, w) and
                ``wanted_valid``, those of the exemplars.
        """
        made, valid = outputs["made"], outputs["made_valid"]
        if self.kind is Alignment.NONE:
            return made.sum() * 0.0
        if self.kind is not Alignment.ATTENTION:
            count = made.shape[1] // 2
            real = places(outputs["wanted"].flatten(0, 1)[:, :count], outputs["wanted_valid"].flatten(0, 1))
            samples = places(made[:, :count], valid), real
            if self.kind is Alignment.CORAL:
                return coral_distance(*samples)
            return mmd_distance(*(_spaced(sample, self.samples) for sample in samples))
        parts = zip(made, outputs["target"].detach(), outputs["query"].detach(), valid, strict=True)
        return torch.stack([self._local(*(maps[None] for maps in part)) for part in parts]).mean()

    @staticmethod
    def _local(made: Tensor, target: Tensor, query: Tensor, valid: Tensor) -> Tensor:
        """The loss of one frame, (1, C, h, w) each."""
        made, target, asked = (places(maps, valid) for maps in (made, target, query))
        if not len(asked):
            return made.sum() * 0.0
        query, value = asked[None, None], made[None, None]
        found = F.scaled_dot_product_attention(query, query, value)[0, 0]
        return F.smooth_l1_loss(found, target, beta=0.2)


def _spaced(tokens: Tensor, count: int) -> Tensor:
    """At most ``count`` rows, evenly spaced."""
    return tokens[:: max(1, len(tokens) // count)]
