"""The one exception a user meets: a requirement that was not met, what was found instead, and the remedy."""

from __future__ import annotations

__all__ = ["EchoSynthError"]


class EchoSynthError(ValueError):
    """Bad input, reported in one line that states the requirement, the value received and the remedy."""
