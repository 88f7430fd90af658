"""What the subcommands share: how a command and an option are declared, and the presets."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["PRESETS", "Commands", "Handler", "add_command", "add_option"]

PRESETS = ("quick", "cpu", "paper")

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Handler = Callable[[argparse.Namespace], int]


def add_command(commands: Commands, name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
    """Declares a subcommand that ``handler`` runs."""
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.set_defaults(handler=handler)
    return command


def add_option(command: argparse.ArgumentParser, *flags: str, help: str, **settings: Any) -> None:
    """Adds an option whose help ends with its default, if it has one; the first of its ``flags`` names it."""
    default = settings.get("default")
    typed = " ".join(map(str, default)) if isinstance(default, list | tuple) else default
    shown = "" if typed is None or typed == "" else f" (default: {typed})".replace("%", "%%")
    command.add_argument(*flags, help=help + shown, **settings)
