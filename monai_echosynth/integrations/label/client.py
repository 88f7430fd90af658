"""Clients that are not ours: the class that MONAI Label's own plugins use, and curl."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["ask", "curl", "label_client"]


def label_client(url: str, folder: Path) -> Any:
    """MONAI Label's client of a server.

    Args:
        url: address of the server.
        folder: where the client puts the files that it receives.

    Raises:
        EchoSynthError: MONAI Label is not installed here.
    """
    try:
        from monailabel.client import MONAILabelClient
    except ImportError as error:
        raise EchoSynthError(
            f"the demonstration needs MONAI Label, which is not installed here ({error}): make demo-label sets it up"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    return MONAILabelClient(url, tmpdir=str(folder))


def ask(client: Any, request: str, *arguments: Any, **options: Any) -> Any:
    """What the server answers to a method of the client.

    Raises:
        EchoSynthError: it refuses; its reason is quoted.
    """
    from monailabel.client.client import MONAILabelClientException

    try:
        return getattr(client, request)(*arguments, **options)
    except MONAILabelClientException as error:
        reason = " ".join(str(error.msg).split())[:400]
        raise EchoSynthError(f"the Label server must answer '{request}', got: {reason}: see its log") from error


def curl(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON answer of a request by curl; other text comes back under ``detail``.

    Raises:
        EchoSynthError: curl is not there, or gets no answer.
    """
    program = shutil.which("curl")
    if program is None:
        raise EchoSynthError("the demonstration asks the server with curl, got no such program: install curl")
    command = [program, "--silent", "--show-error", "--write-out", "\n%{http_code}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EchoSynthError(f"curl needs an answer, got: {done.stderr.strip()}: see the server's log")
    body, status = done.stdout.rsplit("\n", 1)
    try:
        return int(status), dict(json.loads(body))
    except ValueError:  # an answer that is no JSON, such as that of an internal error
        return int(status), {"detail": body.strip()}
