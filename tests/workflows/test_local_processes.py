"""A command several times at once: numbered, with its share of the cores, and ended with the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monai_echosynth import cli
from monai_echosynth.workflows import local_processes
from monai_echosynth.workflows.local_processes import fitting_processes, run_processes

TELL = """
import os, pathlib, sys
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "OMP_NUM_THREADS")
pathlib.Path(sys.argv[1], os.environ["RANK"]).write_text(" ".join(os.environ[name] for name in names))
sys.exit(3 if os.environ["RANK"] == sys.argv[2] else 0)
"""
SLEEP = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1], os.environ["RANK"]).write_text(str(os.getpid()))
time.sleep(60)
"""
PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # programs of a shell's background ignore it
from monai_echosynth.workflows.local_processes import run_processes
run_processes([sys.executable, "-c", sys.argv[1], sys.argv[2]], 2)
"""


def test_each_has_a_number_and_a_share_of_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(local_processes, "available_cores", lambda: 6)
    monkeypatch.setattr(local_processes.torch.cuda, "is_available", lambda: False)
    assert run_processes([sys.executable, "-c", TELL, str(tmp_path), "none"], 2) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"0": "0 0 2 3", "1": "1 1 2 3"}
    assert fitting_processes() == 4


def test_a_failure_is_told(tmp_path: Path) -> None:
    assert run_processes([sys.executable, "-c", TELL, str(tmp_path), "1"], 2) == 3


def test_they_end_when_it_is_interrupted(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, SLEEP, str(tmp_path)], stderr=subprocess.DEVNULL)
    _wait_for(lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 2)
    children = [int(path.read_text()) for path in tmp_path.iterdir()]
    parent.send_signal(signal.SIGINT)
    assert parent.wait(20) != 0
    _wait_for(lambda: not any(_alive(child) for child in children))


def test_the_study_starts_itself_as_often_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(local_processes, "run_processes", lambda *told: started.append(told) or 0)
    assert cli.main(["study", "--out", str(tmp_path / "s"), "--processes", "3"]) == 0
    [(command, count)] = started
    assert count == 3
    assert command[1:] == ["-m", "monai_echosynth", "study", "--out", str(tmp_path / "s")]


def test_no_processes_and_a_bad_grid_start_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_processes, "run_processes", lambda *told: pytest.fail("started"))
    assert cli.main(["study", "--processes", "0"]) == 2
    assert "at least 1, got 0" in capsys.readouterr().err
    assert cli.main(["study", "--grid", str(tmp_path / "none.json"), "--processes", "2"]) == 2
    assert "none.json" in capsys.readouterr().err


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(reached: object, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)
