"""Runs a MONAI Deploy application so that bad input ends in one line and exit code 2, as everywhere here.

Holoscan, which executes the operators, reports an exception of an operator in its own words and raises it again at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from monai_echosynth.commands.quiet import quiet_monai
from monai_echosynth.errors import EchoSynthError

__all__ = ["run_app"]


def run_app(application: Callable[[], Any]) -> int:
    """Builds and runs an application; returns the exit code: 0 done, 2 bad input."""
    quiet_monai()
    try:
        application().run()
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        sys.stdout.flush()
        print(f"echosynth: error: {' '.join(str(reason).split())}", file=sys.stderr)
        return 2
    return 0


def _reason(error: BaseException | None) -> Exception | None:
    """The user's error behind ``error``, if any."""
    while error is not None:
        if isinstance(error, EchoSynthError | OSError):
            return error
        error = error.__cause__ or error.__context__
    return None
