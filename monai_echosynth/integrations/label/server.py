"""Starts a real MONAI Label server on loopback, waits until it answers, and stops it as Ctrl-C would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from monai_echosynth.errors import EchoSynthError

__all__ = ["label_server", "run_monailabel"]

_HOST = "127.0.0.1"
_STOP_SECONDS = 300
_STOPPED = (0, -signal.SIGINT, 128 + signal.SIGINT)


def run_monailabel(*arguments: str) -> None:
    """Runs a subcommand of the ``monailabel`` program of this environment.

    Raises:
        EchoSynthError: it failed; the last line that it printed is quoted.
    """
    done = subprocess.run(
        [sys.executable, "-m", "monailabel.main", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EchoSynthError(
            f"monailabel {arguments[0]} must succeed, got: {_reason(done.stdout + done.stderr)}: run 'make label-env' first"
        )


@contextmanager
def label_server(
    app: Path, studies: Path, log: Path, conf: Mapping[str, str] | None = None, timeout: float = 1800.0
) -> Iterator[str]:
    """A server of an app while the block runs.

    Args:
        app: folder of the app.
        studies: folder of the studies.
        log: file that receives what the server prints.
        conf: settings of the app, as ``--conf KEY VALUE``.
        timeout: seconds that the start may take.

    Yields:
        The address of the server, ``http://127.0.0.1:PORT``.

    Raises:
        EchoSynthError: it does not start, with the reason that it printed; or it does not end when it is asked to.
    """
    port = _free_port()
    pairs = [word for key, value in (conf or {}).items() for word in ("--conf", key, value)]
    command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", str(app), "--studies", str(studies)]
    command += ["--host", _HOST, "--port", str(port), *pairs]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream:
        server = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        url = f"http://{_HOST}:{port}"
        try:
            _wait(server, f"{url}/info/", log, timeout)
            yield url
        except BaseException:
            server.kill()
            server.wait()
            raise
        _stop(server, log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], url: str, log: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if server.poll() is not None:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise EchoSynthError(f"the Label server must start, got: {_reason(text)}: see {log}")
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise EchoSynthError(f"the Label server must answer within {timeout:.0f} s, got no answer: see {log}")


def _stop(server: subprocess.Popen[bytes], log: Path) -> None:
    server.send_signal(signal.SIGINT)
    try:
        code = server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired as error:
        server.kill()
        server.wait()
        raise EchoSynthError(
            f"the Label server must end when asked to, got no end after {_STOP_SECONDS} s: see {log}"
        ) from error
    if code not in _STOPPED:
        raise EchoSynthError(f"the Label server must end without an error, got exit code {code}: see {log}")


def _reason(text: str) -> str:
    """What a program says about its end: our own error if there is one, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line.split("echosynth: error: ", 1)[1] for line in lines if "echosynth: error: " in line]
    raised = [line for line in lines if "Error: " in line]
    return (own or raised or lines or ["nothing"])[-1].rstrip(".:")[:400]
