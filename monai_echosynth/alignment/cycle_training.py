r"""A step of cycle-consistent adversarial training, the baseline that learns the appearance from a discriminator.

With generators G: synthetic to real and F back, and least-squares discriminators of patches,

.. math:: L = \|D_R(G(s)) - 1\|^2 + \|D_S(F(r)) - 1\|^2 + \lambda \bigl(\|F(G(s)) - s\|_1 + \|G(F(r)) - r\|_1\bigr)
    + \tfrac{\lambda}{2} \bigl(\|G(r) - r\|_1 + \|F(s) - s\|_1\bigr)

References:
    Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017,
    https://arxiv.org/abs/1703.10593
"""

from __future__ import annotations

import torch
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn

from monai_echosynth.networks.nets.translation_generator import TranslationGenerator

__all__ = ["CycleTraining"]


class CycleTraining(nn.Module):
    """Both generators, both discriminators, their optimizers and one step of each.

    Args:
        channels: features of the generators and discriminators at full resolution.
        cycle: weight of the cycle.
        learning_rate: of Adam; constant for half the steps, then falling to 0 in a line.
        steps: of the whole training.
    """

    def __init__(self, steps: int, channels: int = 16, cycle: float = 10.0, learning_rate: float = 5e-4) -> None:
        super().__init__()
        self.cycle = cycle
        self.to_real, self.to_synthetic = TranslationGenerator(channels), TranslationGenerator(channels)
        self.judges = nn.ModuleDict(
            {name: PatchDiscriminator(2, channels, 1, num_layers_d=2) for name in ("real", "synthetic")}
        )
        generators = [*self.to_real.parameters(), *self.to_synthetic.parameters()]
        self.optimizers = [
            torch.optim.Adam(parameters, learning_rate, betas=(0.5, 0.999))
            for parameters in (generators, list(self.judges.parameters()))
        ]
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2.0 - 2.0 * step / steps))
            for optimizer in self.optimizers
        ]

    def step(self, synthetic: Tensor, sector: Tensor, real: Tensor, real_sector: Tensor) -> dict[str, float]:
        """Update everything once from frames (B, 1, X, Y) of both domains and their sectors; the losses."""
        made, back = self.to_real(synthetic, sector), self.to_synthetic(real, real_sector)
        cycles = (self.to_synthetic(made, sector) - synthetic).abs().mean()
        cycles = cycles + (self.to_real(back, real_sector) - real).abs().mean()
        same = (self.to_real(real, real_sector) - real).abs().mean()
        same = same + (self.to_synthetic(synthetic, sector) - synthetic).abs().mean()
        fooled = _square(self._judge("real", made), 1.0) + _square(self._judge("synthetic", back), 1.0)
        self._update(0, fooled + self.cycle * (cycles + 0.5 * same))
        judged = torch.zeros((), device=real.device)
        for name, true, false in (("real", real, made), ("synthetic", synthetic, back)):
            judged = judged + _square(self._judge(name, true), 1.0) + _square(self._judge(name, false.detach()), 0.0)
        self._update(1, judged)
        return {"generators": float(fooled.detach()), "cycle": float(cycles.detach()), "judges": float(judged.detach())}

    def _judge(self, name: str, image: Tensor) -> Tensor:
        return torch.as_tensor(self.judges[name](image)[-1])

    def _update(self, which: int, loss: Tensor) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[which].step()
        self.schedules[which].step()


def _square(found: Tensor, wanted: float) -> Tensor:
    return (found - wanted).square().mean()
