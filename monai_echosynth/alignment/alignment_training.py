"""What a training step of the aligner computes, in one forward pass: everything its loss looks at.

Each synthetic frame is aligned to a few real exemplars, drawn anew for every step, so that the outputs vary as the exemplars do;
other real frames go through as if they were synthetic and should come out as they are. The bridge puts features of aligned
frames (seen as real), of what they were (seen as synthetic) and of their masks into one space, where places correspond. The
critic learns to tell aligned frames from their exemplars.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.networks.blocks.domain_extractor import Domain
from monai_echosynth.networks.nets.domain_aligner import DomainAligner, with_squares
from monai_echosynth.networks.nets.texture_critic import TextureCritic

__all__ = ["AlignmentTraining", "DomainBridge"]


class DomainBridge(nn.Module):
    """Projections into the shared space.

    Args:
        channels: features at eighth resolution.
        structures: channels of the membership maps.
        size: dimension of the space.
    """

    def __init__(self, channels: int = 64, structures: int = 5, size: int = 32) -> None:
        super().__init__()
        self.appearance = nn.Sequential(nn.Conv2d(channels, size, 1), nn.LeakyReLU(0.1), nn.Conv2d(size, size, 1))
        self.geometry = nn.Sequential(
            Convolution(2, structures, size, strides=2, norm=None, act="LEAKYRELU"),
            Convolution(2, size, size, norm=None, act="LEAKYRELU"),
            nn.Conv2d(size, size, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Appearance (B, D, h, w) of features (B, C, h, w) of an extractor."""
        return torch.as_tensor(self.appearance(features))

    def of_masks(self, seg: Tensor) -> Tensor:
        """Geometry (B, D, X / 8, Y / 8) of membership maps (B, S, X, Y)."""
        return torch.as_tensor(self.geometry(F.avg_pool2d(seg, 4)))


class AlignmentTraining(nn.Module):
    """The aligner with its bridge and its critic.

    Args:
        aligner: the network that is trained.
        bridge: shared space; without one there is no contrast.
        critic: adversary; without one there is none.
    """

    def __init__(
        self, aligner: DomainAligner, bridge: DomainBridge | None = None, critic: TextureCritic | None = None
    ) -> None:
        super().__init__()
        self.aligner, self.bridge, self.critic = aligner, bridge, critic

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs of a step.

        Args:
            batch: ``image`` (B, 1, X, Y), ``seg`` (B, S, X, Y) and ``noise`` of synthetic frames; ``bank`` (B, k, 1, X, Y) and
                ``bank_seg``, the real exemplars of each; ``real`` (R, 1, X, Y), ``real_seg`` and ``real_noise`` with R <= B,
                which get the exemplars of the first R synthetic frames.

        Returns:
            ``aligned``, ``shift``, ``weights`` (B, L, S); ``identity`` (R, 1, X, Y); ``query`` (B, C, h, w) of the coarse
            attention; local statistics ``made`` (B, 2 P, h, w), ``target`` and, of the exemplars, ``wanted`` (B, k, 2 P, h, w),
            with ``made_valid`` and ``wanted_valid``; with a bridge ``after``, ``before`` and ``mask`` (B, D, h, w); with a
            critic the scalars ``doubts``, whose gradient reaches the aligner alone, and ``judged``, for the critic alone.
        """
        aligner, image, seg = self.aligner, batch["image"], batch["seg"]
        count, others = len(image), len(batch["real"])
        shared = aligner.encode_bank(batch["bank"].flatten(0, 1), batch["bank_seg"].flatten(0, 1))
        rows = torch.arange(shared.keys[-1].shape[1], device=image.device).unflatten(0, (count, -1))
        bank = shared.take(torch.cat([rows, rows[:others]]))
        inputs = (torch.cat([image, batch["real"]]), torch.cat([seg, batch["real_seg"]]))
        found = aligner(*inputs, bank, torch.cat([batch["noise"], batch["real_noise"]]))
        outputs = {"aligned": found["image"][:count], "identity": found["image"][count:]}
        outputs |= {name: found[name][:count] for name in ("shift", "weights", "query", "target")}
        outputs |= {"wanted": bank.statistics[:count], "wanted_valid": bank.valid[:count]}
        statistics, outputs["made_valid"] = aligner.statistics(outputs["aligned"], 1.0 - seg[:, :1])
        outputs["made"] = with_squares(statistics)
        if self.bridge is not None:
            after = aligner.extractor(outputs["aligned"], Domain.REAL)[-1]
            outputs |= {"after": self.bridge(after), "before": self.bridge(found["features"][:count])}
            outputs["mask"] = self.bridge.of_masks(seg)
        if self.critic is not None:
            made = outputs["aligned"], 1.0 - seg[:, :1], batch["noise"].flip(2)
            real = batch["bank"][:, 0], 1.0 - batch["bank_seg"][:, 0, :1], batch["noise"].flip(3)
            outputs |= {"doubts": self.critic.doubts(real, made), "judged": self.critic.judged(real, made)}
        return outputs
