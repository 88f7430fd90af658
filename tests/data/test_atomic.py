"""A file is whole or absent, whatever happens while it is written."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.atomic import PARTIAL_PREFIX, atomic_path, remove_partial, write_json, write_text


def test_success_renames_and_keeps_the_suffix(tmp_path: Path) -> None:
    target = tmp_path / "new" / "frame.nii.gz"
    with atomic_path(target) as partial:
        assert partial.parent == target.parent and partial.name.endswith("frame.nii.gz")
        partial.write_bytes(b"abc")
        assert not target.exists()
    assert target.read_bytes() == b"abc"
    assert os.listdir(target.parent) == ["frame.nii.gz"]


def test_error_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="boom"), atomic_path(target) as partial:
        partial.write_text("half")
        raise RuntimeError("boom")
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_full_disk_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with pytest.raises(OSError) as caught, atomic_path(target) as partial:
        partial.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(target)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_real_enospc(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(tmp_path / "a.txt") as partial:
        partial.symlink_to("/dev/full")
        with partial.open("w", encoding="utf-8") as stream:
            stream.write("x")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == []


def test_permission_error_keeps_its_class_and_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(PermissionError) as caught, atomic_path(target) as partial:
        raise PermissionError(errno.EACCES, "Permission denied", str(partial))
    assert caught.value.filename == str(target)


def test_foreign_file_name_is_kept(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "a.txt"):
        (tmp_path / "missing").read_text()
    assert caught.value.filename == str(tmp_path / "missing")


def test_json_of_numpy_and_paths(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": np.float32(0.5), "a": np.arange(2), "p": Path("x") / "y", "é": None})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "b": 0.5,
        "a": [0, 1],
        "p": "x/y",
        "é": None,
    }
    with pytest.raises(TypeError, match="convert it first"):
        write_json(tmp_path / "b.json", {"x": object()})
    assert os.listdir(tmp_path) == ["a.json"]


def test_text_has_unix_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "one\ntwo\n")
    assert (tmp_path / "a.txt").read_bytes() == b"one\ntwo\n"


def test_killed_writer_leaves_only_a_partial_file(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom monai_echosynth.data.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as p:\n    p.write_bytes(b'half')\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    target = tmp_path / "a.bin"
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    assert [name.startswith(PARTIAL_PREFIX) for name in os.listdir(tmp_path)] == [True]
    assert remove_partial(tmp_path) == 1 and os.listdir(tmp_path) == []
