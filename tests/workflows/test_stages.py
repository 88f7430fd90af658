"""Stages run once, again when something they depend on changed, and resume when interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.fingerprint import data_identity, fingerprint
from monai_echosynth.workflows.stage_progress import StageProgress, clock
from monai_echosynth.workflows.stages import Stage, StageContext, run_stages
from monai_echosynth.workflows.study_lock import LOCK_NAME, study_lock


def quiet(_: str) -> None:
    """Drops progress lines."""


class Study:
    """Three stages a -> b, and c on its own; remembers what ran."""

    def __init__(self, out: Path, data: Path) -> None:
        self.out, self.data = out, data
        self.settings: dict[str, dict[str, Any]] = {"a": {"x": 1}, "b": {"y": [1, 2]}, "c": {}}
        self.ran: list[str] = []
        self.resumed: list[bool] = []
        self.fail: str | None = None

    def work(self, context: StageContext) -> Mapping[str, Any]:
        name = context.folder.name
        self.ran.append(name)
        self.resumed.append(context.resumed)
        (context.folder / "first.txt").write_text(json.dumps(dict(context.settings)))
        if self.fail == name:
            raise KeyboardInterrupt
        (context.folder / "second.txt").write_text("x" * 10)
        return {"n": len(context.inputs)}

    def run(self) -> dict[str, Any]:
        self.ran, self.resumed = [], []
        stages = [
            Stage("a", self.settings["a"], self.work, inputs={"data": self.data}),
            Stage("b", self.settings["b"], self.work, inputs={"up": "a"}, folder="deep/b"),
            Stage("c", self.settings["c"], self.work),
        ]
        return run_stages(stages, self.out, quiet)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    data = tmp_path / "data"
    data.mkdir()
    (data / "frame.bin").write_bytes(b"123")
    return Study(tmp_path / "out", data)


def test_finished_stages_are_skipped(study: Study) -> None:
    first = study.run()
    assert study.ran == ["a", "b", "c"] and first["a"].metrics == {"n": 1}
    assert study.run() == first and study.ran == []


def test_changed_setting_reruns_what_depends_on_it(study: Study) -> None:
    study.run()
    study.settings["b"] = {"y": [1, 3]}
    study.run()
    assert study.ran == ["b"] and study.resumed == [False]
    study.settings["a"] = {"x": 2}
    study.run()
    assert study.ran == ["a", "b"]


def test_order_of_setting_keys_does_not_matter() -> None:
    assert fingerprint({"a": 1, "b": 2.5}) == fingerprint({"b": 2.5, "a": 1}) != fingerprint({"a": 1, "b": 2})
    assert fingerprint({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(EchoSynthError, match="plain JSON"):
        fingerprint({"f": quiet})


def test_changed_data_reruns_but_touched_or_moved_data_does_not(study: Study, tmp_path: Path) -> None:
    study.run()
    os.utime(study.data / "frame.bin", (1, 1))
    study.data = study.data.rename(tmp_path / "moved")
    study.run()
    assert study.ran == []
    (study.data / "frame.bin").write_bytes(b"124")
    study.run()
    assert study.ran == ["a", "b"]


def test_identity_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    before = data_identity(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert data_identity(tmp_path) != before
    with pytest.raises(EchoSynthError, match="missing"):
        data_identity(tmp_path / "missing")


def test_lost_output_reruns_its_stage_alone(study: Study) -> None:
    study.run()
    (study.out / "deep/b/second.txt").unlink()
    study.run()
    assert study.ran == ["b"]
    (study.out / "a/second.txt").write_text("xx")
    study.run()
    assert study.ran == ["a"]


def test_interrupted_stage_resumes_with_its_files(study: Study) -> None:
    study.fail = "b"
    with pytest.raises(KeyboardInterrupt):
        study.run()
    assert not (study.out / "stages/b.json").exists()
    study.fail = None
    records = study.run()
    assert study.ran == ["b", "c"] and study.resumed == [True, False]
    assert records["b"].resumed and not (study.out / "stages/b.started.json").exists()
    assert "interrupted" in (study.out / "logs/b.log").read_text()


def test_interrupted_stage_with_other_settings_starts_clean(study: Study) -> None:
    study.fail = "b"
    with pytest.raises(KeyboardInterrupt):
        study.run()
    study.fail, study.settings["b"] = None, {"y": "new"}
    (study.out / "deep/b/stale.txt").write_text("old")
    study.run()
    assert study.resumed == [False, False] and not (study.out / "deep/b/stale.txt").exists()


def test_foreign_folder_is_never_deleted(study: Study) -> None:
    (study.out / "a").mkdir(parents=True)
    (study.out / "a/thesis.txt").write_text("precious")
    with pytest.raises(EchoSynthError, match="must not exist before"):
        study.run()
    assert (study.out / "a/thesis.txt").read_text() == "precious"


@pytest.mark.parametrize("folder", ["..", "../data", ".", "/"])
def test_nothing_outside_the_study_is_cleared(study: Study, folder: str) -> None:
    with pytest.raises(EchoSynthError, match="below the study's folder"):
        run_stages([Stage("a", {}, study.work, folder=folder)], study.out, quiet)
    assert (study.data / "frame.bin").exists()


def test_failure_is_logged_with_its_traceback(study: Study) -> None:
    def broken(context: StageContext) -> None:
        context.log.info("at work")
        raise EchoSynthError("the frame must be whole")

    with pytest.raises(EchoSynthError):
        run_stages([Stage("a", {}, broken)], study.out, quiet)
    log = (study.out / "logs/a.log").read_text()
    assert "at work" in log and "Traceback" in log and "must be whole" in log


def test_unknown_input_and_double_name(study: Study) -> None:
    with pytest.raises(EchoSynthError, match="does not come before"):
        run_stages([Stage("a", {}, study.work, inputs={"x": "b"})], study.out, quiet)
    with pytest.raises(EchoSynthError, match="twice"):
        run_stages([Stage("a", {}, study.work), Stage("a", {}, study.work)], study.out, quiet)


def test_lock_refuses_a_second_study_and_ignores_a_dead_one(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom monai_echosynth.workflows.study_lock import study_lock\n"
        "with study_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(EchoSynthError, match=f"in use by process {other.pid}"), study_lock(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=10)
    with study_lock(tmp_path):
        assert (tmp_path / LOCK_NAME).exists()
    assert not (tmp_path / LOCK_NAME).exists()


def test_lock_of_another_machine_is_respected_and_a_torn_one_is_not(tmp_path: Path) -> None:
    lock = tmp_path / LOCK_NAME
    lock.write_text(json.dumps({"pid": 1, "host": "elsewhere.invalid", "started": 0.0}))
    with pytest.raises(EchoSynthError, match=r"elsewhere\.invalid"), study_lock(tmp_path):
        pass
    lock.write_text('{"pid": 1')
    with study_lock(tmp_path):
        pass


def test_number_of_a_dead_process_given_to_another(tmp_path: Path) -> None:
    import socket

    (tmp_path / LOCK_NAME).write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": 1.0}))
    with study_lock(tmp_path):
        pass


def test_remaining_time_scales_with_the_pace_so_far() -> None:
    lines: list[str] = []
    progress = StageProgress([("a", 10.0), ("b", 30.0), ("c", 60.0)], lines.append)
    assert progress.remaining() == 100.0
    progress.ends("a", 20.0, 512.0)
    assert progress.remaining() == pytest.approx(90 * (20 + 5) / (10 + 5))
    progress.skipped("b", 20.0)
    assert progress.remaining() == 60.0
    progress.begins("c", resumed=True)
    assert lines[0] == "[1/3] a: done in 00:20, 512 MiB"
    assert lines[2] == "[3/3] c: resumes; 00:00 gone, about 01:00 left"
    assert clock(3723) == "1:02:03" and clock(59.6) == "01:00"


def test_remaining_time_is_shared_by_the_processes_but_no_shorter_than_the_longest_stage() -> None:
    progress = StageProgress([("a", 10.0), ("b", 30.0), ("c", 60.0)], lambda _: None, workers=2)
    assert progress.remaining() == 60.0
    progress.ends("c", 120.0, 1.0)
    assert progress.remaining() == pytest.approx(30 * (120 + 5) / (60 + 5))
    progress.ends("b", 60.0, 1.0)
    assert progress.remaining() == pytest.approx(10 * (180 + 5) / (90 + 5))


def test_short_stages_that_come_first_say_little_of_the_time_left() -> None:
    progress = StageProgress([("frames", 20.0), ("masks", 10.0), ("segmenter", 1500.0)], lambda _: None)
    progress.ends("frames", 0.2, 1.0)
    progress.ends("masks", 0.3, 1.0)
    assert 0.6 * 1500 < progress.remaining() < 1500


def test_copied_study_is_still_finished(study: Study, tmp_path: Path) -> None:
    study.run()
    shutil.copytree(study.out, tmp_path / "copy")
    study.out = tmp_path / "copy"
    study.run()
    assert study.ran == []
