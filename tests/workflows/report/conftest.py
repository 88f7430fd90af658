"""A small fake study folder: textured ellipses in a fan, with all the files a report reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from monai_echosynth.workflows.report.mosaic import draw_mosaic

SIZE = 64
ARMS = {"real": 0.0, "synthetic": -0.008, "mixed": 0.006}
BASE = {"lv_endo": 0.934, "myo": 0.871, "lv_epi": 0.951, "la": 0.918}


def semantic_map(size: tuple[int, int], shift: float) -> np.ndarray:
    """Sector, ring and atrium, moved sideways by `shift` (fraction of the width)."""
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(0, 2, size[1]), indexing="ij")
    label = np.where((np.abs(x) < 0.62 * y + 0.05) & (x**2 + y**2 < 3.6), 4, 0)
    label[((x - shift) / 0.42) ** 2 + ((y - 0.85) / 0.55) ** 2 < 1] = 2
    label[((x - shift) / 0.28) ** 2 + ((y - 0.9) / 0.42) ** 2 < 1] = 1
    label[((x - shift) / 0.3) ** 2 + ((y - 1.55) / 0.2) ** 2 < 1] = 3
    return label.astype(np.uint8)


def textured(label: np.ndarray, seed: int) -> np.ndarray:
    """Log-compressed Rayleigh speckle with one echo level a structure."""
    field = np.random.default_rng(seed).standard_normal((2, *label.shape))
    blurred = [ndimage.gaussian_filter(part, (1.2, 0.6)) for part in field]
    envelope = np.hypot(*blurred) / np.hypot(*blurred).mean()
    level = np.array([0.0, 0.03, 0.6, 0.04, 0.3])[label]
    gray = 1.0 + 20 * np.log10(np.maximum(envelope * level, 1e-6)) / 60.0
    return np.where(label > 0, np.clip(255 * gray, 0, 255), 0).astype(np.uint8)


def save(path: Path, array: np.ndarray, spacing: tuple[float, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([*spacing, 1.0, 1.0])), path)


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def entry(
    folder: Path, sub: str, name: str, label: np.ndarray, seed: int, spacing: tuple[float, float]
) -> dict[str, str]:
    for kind, array in (("images", textured(label, seed)), ("labels", label)):
        save(folder / sub / kind / f"{name}.nii.gz", array, spacing)
    patient = name.split("_")[0]
    paths = {kind[:-1]: f"{sub}{'/' if sub else ''}{kind}/{name}.nii.gz" for kind in ("images", "labels")}
    return {**paths, "id": name, "patient": patient, "view": "4CH", "phase": "ED"}


def score(value: float) -> dict[str, Any]:
    return {"mean": round(value, 6), "ci95": [round(value - 0.012, 6), round(value + 0.01, 6)]}


def summary(patients: int) -> dict[str, Any]:
    tstr = {}
    for arm, shift in ARMS.items():
        tstr[arm] = {name: score(value + shift) for name, value in BASE.items()}
        tstr[arm]["hd95_mm"] = {name: score(4.2 - 20 * shift) for name in BASE}
    difference = {name: score(-0.006) for name in ("lv_endo", "myo", "la", "mean")}
    return {
        "data": {"n_train": 4, "n_test": patients, "patients_train": 4, "patients_test": patients, "source": "phantom"},
        "vae": {"psnr_in_sector": 27.4, "ssim_in_sector": 0.861, "kl": 0.42, "latent_std": 0.1712},
        "diffusion": {"params": 4_600_000, "epochs": 40, "final_loss": 0.213},
        "generation": {"count": 16, "nfe": 31, "solver": "heun", "images_per_second": 2.31},
        "tstr": tstr,
        "ratio_synthetic_to_real": {"lv_endo": 0.9914, "myo": 0.9871, "la": 0.9902, "mean": 0.9896},
        "paired_difference": {
            "synthetic_minus_real": difference,
            "mixed_minus_real": {name: score(0.007) for name in difference},
        },
        "mask_adherence": {"lv_endo": 0.951, "myo": 0.902, "la": 0.93, "mean": 0.928},
        "timing_s": {"prepare": 4.1, "autoencoder": 140.0, "diffusion": 260.0, "generate": 61.0},
        "peak_memory_mb": 2311.0,
        "versions": {"python": "3.11", "torch": "2.9", "monai": "1.6.1"},
        "seed": 42,
        "preset": "quick",
    }


def write_scores(root: Path, tests: list[dict[str, str]]) -> None:
    for arm, shift in ARMS.items():
        cases = []
        for index, item in enumerate(tests):
            truth = nib.load(root / "prepared" / item["label"])
            moved = np.roll(np.asarray(truth.dataobj), 1 + index, axis=0)
            save(root / "evaluation" / arm / "predictions" / f"{item['id']}.nii.gz", moved, (0.3, 0.3))
            dice = 0.95 - 0.05 * index + shift
            metrics = {"1": {"Dice": dice}, "2": {"Dice": dice - 0.05}, "3": {"Dice": float("nan")}}
            cases.append({"metrics": metrics, "prediction_file": f"predictions/{item['id']}.nii.gz"})
        write(root / "evaluation" / arm / "summary.json", {"metric_per_case": cases, "mean": {}, "foreground_mean": {}})


def write_curves(root: Path) -> None:
    random = np.random.default_rng(0)
    measures = {"autoencoder": "validation_psnr_in_sector", "diffusion": "validation_loss"}
    for folder in ("autoencoder", "diffusion", *(f"segmenters/{arm}/eval" for arm in ARMS)):
        measure = measures.get(folder, "validation_mean_dice")
        lines = []
        for step in range(1, 400, 3):
            loss = 0.2 + np.exp(-step / 60) + 0.04 * random.random()
            lines.append(json.dumps({"iteration": step, "loss": loss, measure: 0.9 - 0.6 * np.exp(-step / 80)}))
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "history.json").write_text("\n".join(lines), encoding="utf-8")


def write_study(root: Path, patients: int = 4) -> Path:
    """Writes the whole folder."""
    prepared, synthetic = root / "prepared", root / "synthetic"
    training, tests, made = [], [], []
    for index in range(patients):
        label = semantic_map((SIZE, SIZE), 0.05 * (index - 1.5))
        name = f"patient{index:04d}_4CH_ED"
        training.append(entry(prepared, "", name, label, index, (1.1, 1.4)))
        for seed in range(4):
            made.append(entry(synthetic, "", f"{name}_s{seed}", label, 100 + 10 * index + seed, (1.1, 1.4)))
        native = semantic_map((96, 120), 0.04 * (index - 1.5))
        tests.append(entry(prepared, "original", f"patient{50 + index:04d}_4CH_ED", native, 50 + index, (0.75, 0.75)))
    write(
        prepared / "dataset.json", {"training": training, "validation": [], "test": tests, "notes": ["no duplicates"]}
    )
    write(synthetic / "dataset.json", {"training": made})
    for index, (stage, seconds) in enumerate(summary(patients)["timing_s"].items()):
        cost = {"seconds": seconds, "peak_memory_mb": 800.0 + 300 * index, "finished": f"2025-01-01T0{index}:00:00"}
        write(
            root / "stages" / f"{stage}.json",
            {"stage": stage, "settings": {"size": SIZE}, "fingerprint": "ab12", **cost},
        )
    write_scores(root, tests)
    write_curves(root)
    frames = [textured(semantic_map((SIZE, SIZE), 0.0), seed) for seed in range(4)]
    draw_mosaic([frames, frames], ["Real", "Reconstruction"], root / "autoencoder" / "reconstructions.png")
    write(root / "summary.json", summary(patients))
    return root


@pytest.fixture(scope="session")
def make_study() -> Callable[[Path], Path]:
    """Writer of a fake study into a given folder."""
    return write_study
