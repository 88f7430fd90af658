"""The applications as folders, and their settings: complete as shipped, and every mistake named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_folder import AppName, check_app_folder, read_requirements
from monai_echosynth.integrations.app_settings import (
    AppSettings,
    SegmentationSettings,
    SynthesisSettings,
    read_app_yaml,
    write_settings,
)
from monai_echosynth.integrations.app_source import app_source

SETTINGS = {AppName.SEGMENTATION: SegmentationSettings, AppName.SYNTHESIS: SynthesisSettings}


@pytest.mark.parametrize("name", AppName)
def test_shipped_applications(name: AppName) -> None:
    folder = app_source(name)
    check_app_folder(folder)
    assert SETTINGS[name].from_file(folder / "app.yaml") == SETTINGS[name]()
    assert set(read_app_yaml(folder / "app.yaml")["settings"]) == set(SETTINGS[name].__dataclass_fields__)
    asked = {requirement.name for requirement in read_requirements(folder / "requirements.txt")}
    assert {"monai-echosynth", "monai-deploy-app-sdk", "pydicom", "highdicom", "pyyaml", "torch", "monai"} == asked


def test_written_settings(tmp_path: Path) -> None:
    source = app_source(AppName.SEGMENTATION) / "app.yaml"
    wanted = {"spacing": [0.3, 1], "es_frame": 4, "bundle": {"batch_size": 2}}
    found = SegmentationSettings.from_file(write_settings(tmp_path / "app.yaml", wanted, source))
    assert found == SegmentationSettings(spacing=(0.3, 1.0), es_frame=4, bundle={"batch_size": 2})
    assert read_app_yaml(tmp_path / "app.yaml")["application"] == read_app_yaml(source)["application"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sed_frame": 1}, "settings must be among spacing, bundle, ed_frame, es_frame, got 'sed_frame'"),
        ({"ed_frame": "first"}, "'ed_frame' must be a whole number, got 'first'"),
        ({"ed_frame": 1.5}, "'ed_frame' must be a whole number"),
        ({"ed_frame": True}, "'ed_frame' must be a whole number"),
        ({"spacing": 0.3}, "'spacing' must be two lengths in mm"),
        ({"spacing": [0.3, "x"]}, "'spacing' must be a number"),
        ({"bundle": [1]}, "'bundle' must be ids and values"),
    ],
)
def test_wrong_settings(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    path = write_settings(tmp_path / "app.yaml", settings, app_source(AppName.SEGMENTATION) / "app.yaml")
    with pytest.raises(EchoSynthError, match=words):
        SegmentationSettings.from_file(path)


@pytest.mark.parametrize("text", ["settings: [1", "- 1", "settings: 3", b"\xff"])
def test_wrong_yaml(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "app.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EchoSynthError, match=r"app.yaml"):
        AppSettings.from_file(path)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("app.yaml", "application:", "applications:", "section 'application'"),
        ("app.yaml", "  version: 0.1.0\n", "", "no version"),
        ("app.yaml", 'inputFormats: ["file"]', "inputFormats: file", "list of texts"),
        ("app.yaml", "memory: 4Gi", "memory: plenty", "memory: plenty"),
        ("app.yaml", "cpu: 2", "cores: 2", "cores: 2"),
        ("requirements.txt", "pydicom>=3", "pydicom at least 3", "'pydicom at least 3'"),
    ],
)
def test_wrong_application(tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    folder = tmp_path / "app"
    shutil.copytree(app_source(AppName.SYNTHESIS), folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(EchoSynthError, match=words):
        check_app_folder(folder)
    (folder / file).unlink()
    with pytest.raises(EchoSynthError, match=f"without {file}"):
        check_app_folder(folder)
