"""Processes that share a study do each stage once, take over what a dead one left, and keep others out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.ranks import by_itself
from monai_echosynth.workflows.stage_sharing import share_stages, stage_lock
from monai_echosynth.workflows.stages import Stage, StageContext
from monai_echosynth.workflows.study_lock import study_lock

SHARED = """
import sys, time
from pathlib import Path
from monai_echosynth.workflows.stage_sharing import share_stages
from monai_echosynth.workflows.stages import Stage

def work(context):
    with (context.out / "ran.txt").open("a") as stream:
        stream.write(context.folder.name + "\\n")
    time.sleep(0.0 if (context.out / "quick").exists() else float(sys.argv[2]))
    return {}

stages = [Stage("a", {}, work)]
stages += [Stage(f"b{k}", {}, work, {"a": "a"}) for k in range(4)]
stages += [Stage("c", {}, work, {f"b{k}": f"b{k}" for k in range(4)})]
share_stages(stages, Path(sys.argv[1]), lambda line: print(line, flush=True), poll=0.05)
"""


@contextmanager
def process(out: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A process at work on six small stages, each of which takes ``seconds``."""
    command = [sys.executable, "-c", SHARED, str(out), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


def lines(started: subprocess.Popen[str]) -> Iterator[str]:
    assert started.stdout is not None
    yield from started.stdout


def test_two_processes_do_each_stage_once(tmp_path: Path) -> None:
    with process(tmp_path, 0.2) as one, process(tmp_path, 0.2) as two:
        said = [list(lines(one)), list(lines(two))]
        assert one.wait(30) == two.wait(30) == 0
    ran = (tmp_path / "ran.txt").read_text().split()
    assert sorted(ran) == ["a", "b0", "b1", "b2", "b3", "c"] and ran[0] == "a" and ran[-1] == "c"
    assert all("all 6 stages done" in part[-1] for part in said)


def test_a_dead_process_holds_nothing_and_its_stage_alone_is_redone(tmp_path: Path) -> None:
    with process(tmp_path, 60) as victim:
        assert any("a: starts" in line for line in lines(victim))
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
    assert not (tmp_path / "stages" / "a.json").exists()
    (tmp_path / "quick").touch()
    with process(tmp_path, 60) as heir:
        said = list(lines(heir))
        assert heir.wait(30) == 0
    assert "a: resumes" in said[0] and "b0: starts" in "".join(said)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "stages").glob("*.json")}
    with process(tmp_path, 60) as third:
        assert third.wait(30) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before} and len(before) == 6


def test_another_study_is_kept_out_while_one_is_at_work(tmp_path: Path) -> None:
    other = [Stage("a", {"x": 2}, lambda context: {})]
    with process(tmp_path, 60) as started:
        assert any("a: starts" in line for line in lines(started))
        with pytest.raises(EchoSynthError, match="other settings while another is at work"):
            share_stages(other, tmp_path, lambda line: None)
    assert set(share_stages(other, tmp_path, lambda line: None)) == {"a"}
    with study_lock(tmp_path), pytest.raises(EchoSynthError, match="in use by process"):
        share_stages(other, tmp_path, lambda line: None)


def test_a_locked_stage_waits_and_the_others_do_not(tmp_path: Path) -> None:
    ran: list[str] = []

    def work(context: StageContext) -> dict[str, Any]:
        ran.append(context.folder.name)
        return {}

    def say(line: str) -> None:
        if line.startswith("waiting for other processes"):
            held.__exit__(None, None, None)

    held = stage_lock(tmp_path, "a")
    assert held.__enter__()
    share_stages([Stage("a", {}, work), Stage("b", {}, work)], tmp_path, say, poll=0.01)
    assert ran == ["b", "a"]


def test_a_failed_stage_is_taken_up_again(tmp_path: Path) -> None:
    def fail(context: StageContext) -> dict[str, Any]:
        raise EchoSynthError("frames must be whole")

    with pytest.raises(EchoSynthError, match="whole"):
        share_stages([Stage("a", {}, fail)], tmp_path, lambda line: None)
    assert share_stages([Stage("a", {}, lambda context: {"n": 1})], tmp_path, lambda line: None)["a"].resumed


def test_a_rank_works_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    with by_itself() as rank:
        assert rank == (1, 2) and "WORLD_SIZE" not in os.environ
    assert os.environ["WORLD_SIZE"] == "2"
    monkeypatch.delenv("RANK")
    monkeypatch.delenv("WORLD_SIZE")
    with by_itself() as rank:
        assert rank == (0, 1)


def test_lines_are_said_once_a_stage(tmp_path: Path) -> None:
    said: list[str] = []
    start = time.monotonic()
    share_stages([Stage("a", {}, lambda context: {})], tmp_path, said.append)
    assert [line.split(": ")[-1].split(" ")[0].rstrip(";") for line in said] == ["starts", "done", "all"]
    assert time.monotonic() - start < 10 and json.loads((tmp_path / "stages/a.json").read_text())["stage"] == "a"
