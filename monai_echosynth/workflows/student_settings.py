"""How a few-step student is made from its teacher, and the budget of that by preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monai_echosynth.workflows.training_settings import Preset, StageBudget, check_budget

__all__ = ["STUDENT_PRESETS", "Distillation", "StudentSettings"]


class Distillation(StrEnum):
    """What the student learns from."""

    CONSISTENCY = "consistency"
    """Real frames: estimates at two noise levels must agree, ever closer ones (consistency tuning)."""
    TRAJECTORY = "trajectory"
    """The teacher: each state of a trajectory must give the trajectory's end (regression on samples made once)."""


_OVERLAYS = {Distillation.CONSISTENCY: "student.json", Distillation.TRAJECTORY: "student_trajectory.json"}
_RATES = {Distillation.CONSISTENCY: 2e-4, Distillation.TRAJECTORY: 4e-4}


@dataclass(frozen=True)
class StudentSettings:
    """Everything that shapes a student but its teacher.

    Attributes:
        epochs: number of epochs.
        samples_per_epoch: draws per epoch.
        batch_size: draws per step and process.
        variants: warped versions of every frame whose masks and latents are used, the frame itself included.
        distillation: what the student learns from.
        trajectories: number of teacher trajectories, where it learns from these.
        teacher_nfe: network calls of the teacher a trajectory.
        learning_rate: peak learning rate of AdamW; that of the distillation when omitted.
    """

    epochs: int
    samples_per_epoch: int
    batch_size: int
    variants: int
    distillation: Distillation = Distillation.TRAJECTORY
    trajectories: int = 4096
    teacher_nfe: int = 16
    learning_rate: float | None = None

    def scaled(self, budget: float) -> StudentSettings:
        """The same with ``budget`` times the epochs, at least one.

        Raises:
            EchoSynthError: the budget is not positive.
        """
        check_budget(budget)
        return replace(self, epochs=max(1, round(budget * self.epochs)))

    def budget(self, size: str) -> StageBudget:
        """Budget of a network of the preset ``size``."""
        rate = self.learning_rate or _RATES[self.distillation]
        return StageBudget(size, self.epochs, self.samples_per_epoch, self.batch_size, rate)

    @property
    def overlay(self) -> str:
        """Config over ``train_diffusion.json``."""
        return _OVERLAYS[self.distillation]

    def ids(self) -> dict[str, int]:
        """Further config ids of the distillation."""
        if self.distillation is Distillation.CONSISTENCY:
            return {}
        return {"trajectories": self.trajectories, "teacher_nfe": self.teacher_nfe}


STUDENT_PRESETS: Mapping[Preset, StudentSettings] = {
    Preset.QUICK: StudentSettings(8, 1280, 32, variants=4, trajectories=1024),
    Preset.CPU: StudentSettings(30, 1600, 32, variants=8),
    Preset.PAPER: StudentSettings(100, 9000, 120, variants=16, trajectories=50_000, teacher_nfe=24, learning_rate=1e-4),
}
