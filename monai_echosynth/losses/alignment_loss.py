"""Everything an aligner is trained for, weighted: real texture, the same anatomy, real frames left alone, variety."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.losses.diversity_floor import diversity_floor
from monai_echosynth.losses.local_alignment import Alignment, LocalAlignment
from monai_echosynth.losses.patch_contrast import patch_contrast
from monai_echosynth.losses.sector_mean import sector_mean

__all__ = ["AlignmentLoss"]

MARGIN = 0.03
"""Mean absolute change of a real frame that costs nothing, in gray levels of full scale 1."""


class AlignmentLoss(nn.Module):
    """Weighted sum of terms; a weight of 0 switches its term off.

    Args:
        disagreement: (image, seg, before) to a scalar: how far a frozen segmenter's view of aligned frames is from what they
            should show, given their masks and, or ``None``, the frames as they were.
        kind: how outputs are pulled to real frames.
        alignment: weight of that.
        agreement: weight of what that segmenter sees.
        identity: weight of the change of real frames.
        contrast: weight of the correspondence of places.
        diversity: weight of the shortfall in diversity.
        smoothness: weight of the displacement's roughness.
        realism: weight of the critic's doubts about aligned frames; what the critic itself learns from counts in full.
        own_view: what aligned frames should show is the segmenter's view of them as they were, as far as that agrees with the
            mask; without it, the mask.
    """

    def __init__(
        self,
        disagreement: Callable[[Tensor, Tensor, Tensor | None], Tensor] | None = None,
        kind: Alignment | str = Alignment.ATTENTION,
        alignment: float = 1.0,
        agreement: float = 0.5,
        identity: float = 5.0,
        contrast: float = 0.1,
        diversity: float = 0.5,
        smoothness: float = 0.1,
        realism: float = 0.1,
        own_view: bool = True,
    ) -> None:
        super().__init__()
        self.disagreement, self.own_view = disagreement, own_view
        self.local = LocalAlignment(kind)
        self.weights = {
            "alignment": alignment,
            "agreement": agreement if disagreement is not None else 0.0,
            "identity": identity,
            "contrast": contrast,
            "diversity": diversity,
            "smoothness": smoothness,
            "realism": realism,
            "critic": float(realism > 0),
        }

    def terms(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Terms before weighting, those whose weight is 0 left out.

        Args:
            outputs: of :class:`~monai_echosynth.alignment.alignment_training.AlignmentTraining`.
            batch: what it was given.
        """
        sector = 1.0 - batch["seg"][:, :1]
        found: dict[str, Callable[[], Tensor]] = {
            "alignment": lambda: self.local(outputs),
            "agreement": lambda: self._disagreement(outputs["aligned"], batch),
            "identity": lambda: self._identity(outputs["identity"], batch),
            "contrast": lambda: self._contrast(outputs, sector),
            "diversity": lambda: _shortfall(outputs),
            "smoothness": lambda: _roughness(outputs["shift"]),
            "realism": lambda: _given(outputs, "doubts"),
            "critic": lambda: _given(outputs, "judged"),
        }
        return {name: term() for name, term in found.items() if self.weights[name] > 0}

    def forward(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """Scalar loss."""
        terms = self.terms(outputs, batch)
        return torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()

    def _disagreement(self, aligned: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        if self.disagreement is None:
            return aligned.new_zeros(())
        return self.disagreement(aligned, batch["seg"], batch["image"] if self.own_view else None)

    @staticmethod
    def _identity(identity: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        change = sector_mean((identity - batch["real"]).abs(), 1.0 - batch["real_seg"][:, :1])
        return (change - MARGIN).clamp_min(0.0).mean()

    @staticmethod
    def _contrast(outputs: Mapping[str, Tensor], sector: Tensor) -> Tensor:
        if "after" not in outputs:
            return outputs["aligned"].new_zeros(())
        valid = (F.interpolate(sector, outputs["after"].shape[-2:], mode="area") > 0.5).float()
        return patch_contrast(outputs["after"], outputs["before"], valid) + patch_contrast(
            outputs["after"], outputs["mask"], valid
        )


def _given(outputs: Mapping[str, Tensor], name: str) -> Tensor:
    """A scalar that was computed beside the outputs, 0 where it was not."""
    return outputs.get(name, outputs["aligned"].new_zeros(()))


def _roughness(shift: Tensor) -> Tensor:
    across, along = shift[..., 1:, :] - shift[..., :-1, :], shift[..., 1:] - shift[..., :-1]
    return across.square().mean() + along.square().mean()


def _shortfall(outputs: Mapping[str, Tensor]) -> Tensor:
    count = outputs["made"].shape[1] // 2
    real, valid = outputs["wanted"][:, 0, :count], outputs["wanted_valid"][:, 0]
    return diversity_floor(outputs["made"][:, :count], outputs["made_valid"], real, valid)
