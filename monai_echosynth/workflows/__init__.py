"""What a user runs: each subcommand of ``echosynth`` is one function here, with plain arguments."""

from __future__ import annotations

__all__: list[str] = []
