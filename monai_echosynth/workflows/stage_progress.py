"""Progress lines of a study: stage i of n, time gone by, and an estimate of the time left.

The estimate scales the expected seconds of the stages ahead by how this machine did on the stages behind it, skipped ones
included (their recorded time counts), and divides them among the processes at work. Short stages, as those that come first often
are, say little of the long ones: what is expected counts as if a part of the study had gone at that pace already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

__all__ = ["StageProgress", "clock"]

TRUSTED = 0.05
"""Part of the study that counts as gone at the expected pace."""


class StageProgress:
    """Says where a study stands."""

    def __init__(self, weights: Sequence[tuple[str, float]], echo: Callable[[str], None], workers: int = 1) -> None:
        """``weights`` gives each stage's expected seconds, in order; ``echo`` gets the lines; ``workers`` share the stages."""
        self._weights = dict(weights)
        self._places = {name: place for place, (name, _) in enumerate(weights, start=1)}
        self._echo, self._workers = echo, workers
        self._start = time.monotonic()
        self._spent: dict[str, float] = {}

    def remaining(self) -> float:
        """Estimated seconds for the stages that are not finished."""
        trusted = TRUSTED * sum(self._weights.values())
        expected = sum(self._weights[name] for name in self._spent)
        pace = (sum(self._spent.values()) + trusted) / (expected + trusted)
        ahead = [weight for name, weight in self._weights.items() if name not in self._spent]
        return pace * max(sum(ahead) / self._workers, max(ahead, default=0.0))

    def skipped(self, stage: str, seconds: float) -> None:
        """A stage was finished by an earlier run that took ``seconds``."""
        self._spent[stage] = seconds
        self._say(stage, f"already done (took {clock(seconds)})")

    def begins(self, stage: str, resumed: bool) -> None:
        """A stage starts."""
        elapsed = clock(time.monotonic() - self._start)
        self._say(stage, f"{'resumes' if resumed else 'starts'}; {elapsed} gone, about {clock(self.remaining())} left")

    def ends(self, stage: str, seconds: float, megabytes: float) -> None:
        """A stage ended after ``seconds`` with a peak of ``megabytes``."""
        self._spent[stage] = seconds
        self._say(stage, f"done in {clock(seconds)}, {megabytes:.0f} MiB")

    def done(self) -> None:
        """The study is complete."""
        self._echo(f"all {len(self._weights)} stages done in {clock(time.monotonic() - self._start)}")

    def _say(self, stage: str, what: str) -> None:
        self._echo(f"[{self._places[stage]}/{len(self._weights)}] {stage}: {what}")


def clock(seconds: float) -> str:
    """``mm:ss``, or ``h:mm:ss`` from an hour on."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"
