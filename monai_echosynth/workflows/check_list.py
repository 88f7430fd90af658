"""A list of checks with their outcome: passed, failed with the finding, or not applicable with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monai_echosynth.errors import EchoSynthError

__all__ = ["Check", "NotApplicable", "format_checks", "run_check"]


@dataclass(frozen=True)
class Check:
    """One line of the result; ``passed`` is None where the check does not apply."""

    name: str
    passed: bool | None
    detail: str


class NotApplicable(Exception):
    """Raised inside a check that has nothing to look at; the text says why."""


def run_check(name: str, run: Callable[[], str]) -> Check:
    """Runs a check: what it returns is the detail, what it raises is the finding."""
    try:
        return Check(name, True, run())
    except NotApplicable as reason:
        return Check(name, None, str(reason))
    except EchoSynthError as error:
        return Check(name, False, str(error))
    except Exception as error:  # whatever a config or a file raises is the finding
        return Check(name, False, " ".join(f"{type(error).__name__}: {error}".split())[:300])


def format_checks(checks: Sequence[Check]) -> str:
    """A table for the terminal."""
    width = max(len(check.name) for check in checks)
    words = {True: "ok", False: "FAILED", None: "skipped"}
    return "\n".join(f"{check.name:<{width}}  {words[check.passed]:<7}  {check.detail}" for check in checks)
