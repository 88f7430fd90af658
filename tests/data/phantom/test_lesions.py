"""Breast pictures: the signs by which benign and malignant lesions differ, and the files of a class-folder data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from monai_echosynth.data.phantom import LesionClass, LesionFrame, simulate_lesion_frame, write_lesion_phantom
from monai_echosynth.data.sector_mask import convex_hull
from monai_echosynth.errors import EchoSynthError


def _frames(kind: LesionClass, count: int = 8) -> list[LesionFrame]:
    return [simulate_lesion_frame(kind, np.random.SeedSequence([3, k]), width=128) for k in range(count)]


def _extent(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Width and height of the first lesion."""
    x, y = np.nonzero(mask)
    return int(np.ptp(x)) + 1, int(np.ptp(y)) + 1


def _behind(frame: LesionFrame) -> float:
    """Mean gray level below the middle of the lesion, less that at the same depths elsewhere."""
    mask = frame.masks[0]
    x, y = np.nonzero(mask)
    low = int(y.max()) + 4
    middle = np.abs(np.arange(128) - int(x.mean())) <= 3
    away = np.abs(np.arange(128) - int(x.mean())) > np.ptp(x)
    below = frame.image[:, low : low + 14].astype(float)
    return float(below[middle].mean() - below[away].mean())


def test_benign_lesions_lie_flat_are_smooth_and_enhance() -> None:
    for frame in _frames(LesionClass.BENIGN):
        mask = frame.masks[0]
        width, height = _extent(mask)
        assert width > 1.2 * height
        assert mask.sum() / convex_hull(mask).sum() > 0.96
        assert _behind(frame) > 10


def test_malignant_lesions_stand_upright_are_spiculated_and_shadow() -> None:
    for frame in _frames(LesionClass.MALIGNANT):
        (mask,) = frame.masks
        width, height = _extent(mask)
        assert height > 1.1 * width
        assert mask.sum() / convex_hull(mask).sum() < 0.92
        assert _behind(frame) < -25


def test_lesions_are_dark_and_normal_frames_have_none() -> None:
    for kind in (LesionClass.BENIGN, LesionClass.MALIGNANT):
        for frame in _frames(kind, 3):
            assert frame.image[frame.masks[0]].mean() < 0.7 * frame.image.mean()
    for frame in _frames(LesionClass.NORMAL, 3):
        assert frame.masks == () and frame.kind is LesionClass.NORMAL
        assert frame.image.min() >= 1  # no outside


def _contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_files_are_class_folders_with_masks(tmp_path: Path) -> None:
    root = write_lesion_phantom(tmp_path / "a", images=7, seed=5, width=64, workers=1, progress=False)
    names = set(_contents(root))
    pictures = {"benign": 3, "malignant": 2, "normal": 2}
    for kind, count in pictures.items():
        for number in range(1, count + 1):
            assert {f"{kind}/{kind} ({number}).png", f"{kind}/{kind} ({number})_mask.png"} <= names
    assert not np.asarray(Image.open(root / "normal" / "normal (1)_mask.png")).any()
    mask = np.asarray(Image.open(root / "malignant" / "malignant (1)_mask.png"))
    assert set(np.unique(mask)) == {0, 255}
    assert np.ptp(np.nonzero(mask)[0]) > np.ptp(np.nonzero(mask)[1])  # rows run in depth


def test_picture_k_depends_on_seed_and_k_alone(tmp_path: Path) -> None:
    settings = {"seed": 5, "width": 64, "progress": False}
    few = _contents(write_lesion_phantom(tmp_path / "a", images=4, workers=1, **settings))
    more = _contents(write_lesion_phantom(tmp_path / "b", images=6, workers=2, **settings))
    assert few.items() < more.items()
    other = _contents(write_lesion_phantom(tmp_path / "c", images=4, workers=1, **{**settings, "seed": 6}))
    assert other["benign/benign (1).png"] != few["benign/benign (1).png"]


@pytest.mark.parametrize("wrong", [{"images": 2}, {"seed": -1}, {"width": 32}, {"workers": 0}])
def test_bad_settings_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(EchoSynthError):
        write_lesion_phantom(tmp_path / "new", progress=False, **wrong)
    assert not (tmp_path / "new").exists()
