"""Few-step students: made from a teacher by either distillation, whole bundles, and clear where something does not fit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from monai_echosynth import cli
from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import weights_digest
from monai_echosynth.workflows.bundle_config import build, bundle_parser
from monai_echosynth.workflows.export import TOLERANCE, export_bundle
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.student import train_student
from monai_echosynth.workflows.student_settings import STUDENT_PRESETS, Distillation, StudentSettings
from monai_echosynth.workflows.training_settings import Preset
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]

TINY = StudentSettings(2, 2, 2, variants=1, distillation=Distillation.CONSISTENCY, trajectories=2, teacher_nfe=10)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="module")
def students(prepared: Path, teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Distillation, Path]:
    """One by each distillation."""
    folder = tmp_path_factory.mktemp("students")
    for kind in Distillation:
        made = train_student(prepared, teacher, folder / kind, replace(TINY, distillation=kind), seed=1, progress=False)
        assert made["epochs"] == 2 and made["validation_loss"] > 0
    return {kind: folder / kind for kind in Distillation}


def _edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("kind", Distillation)
def test_a_student_is_a_whole_bundle(
    students: dict[Distillation, Path], teacher: Path, prepared: Path, kind: Distillation
) -> None:
    root = students[kind]
    checks = verify_bundle(root, prepared)
    assert [check for check in checks if check.passed is False] == []
    assert "train train_diffusion.json" in {check.name for check in checks}
    names = {path.name for path in (root / "configs").glob("*.json")}
    assert names == {
        *("inference.json", "train_diffusion.json", "metadata.json"),
        *("multi_gpu_train.json", "multi_gpu_inference.json"),
    }
    before, after = (load_file(folder / "models" / "diffusion.safetensors") for folder in (teacher, root))
    assert before.keys() == after.keys() and any(not torch.equal(before[name], after[name]) for name in before)
    for name in ("autoencoder", "texture"):
        assert (root / "models" / f"{name}.safetensors").read_bytes() == (
            teacher / "models" / f"{name}.safetensors"
        ).read_bytes()
    table = json.loads((root / "models" / "sigma_grids.json").read_text())
    assert table["complete"] and set(table["grids"]) == {"consistency"}
    assert table["network_sha256"] == weights_digest(build(bundle_parser(root), "network"))
    assert "sigma_grids.json" in (root / "models" / "SHA256SUMS").read_text()


def test_at_the_start_student_and_teacher_are_one_function(students: dict[Distillation, Path], teacher: Path) -> None:
    """Weights and coefficients: what training starts from estimates what the teacher estimates."""
    x, seg = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)), torch.rand(1, 5, 16, 16)
    first = bundle_parser(teacher)
    for root in students.values():
        start = bundle_parser(root, "train_diffusion.json")
        one, two = (
            Denoiser(build(parser, "network").eval(), build(parser, "preconditioning"), seg=seg)
            for parser in (first, start)
        )
        with torch.no_grad():
            for sigma in (80.0, 1.3, 0.002):
                assert torch.equal(one(sigma * x, sigma), two(sigma * x, sigma))


@pytest.mark.parametrize("kind", Distillation)
def test_calls_and_manifest(
    students: dict[Distillation, Path], prepared: Path, tmp_path: Path, kind: Distillation
) -> None:
    drawn = set()
    for nfe in (None, 1, 4):
        out = tmp_path / str(nfe)
        made = generate(students[kind], prepared, out, count=1, nfe=nfe, progress=False)
        assert (made["solver"], made["nfe"]) == ("consistency", nfe or 2)
        manifest = json.loads((out / "manifest.json").read_text())
        assert (manifest["solver"], manifest["nfe"]) == ("consistency", nfe or 2)
        assert len(manifest["sigmas"]) == (nfe or 2) + 1 and manifest["sigmas"][0] == 80.0
        drawn |= {record["image_sha256"] for record in manifest["images"]}
    assert len(drawn) == 3


def test_image_k_depends_on_seed_and_k_alone(
    students: dict[Distillation, Path], prepared: Path, tmp_path: Path
) -> None:
    root = students[Distillation.CONSISTENCY]
    for name, batch in (("one", 1), ("three", 3)):
        generate(root, prepared, tmp_path / name, count=3, seed=5, nfe=4, batch_size=batch, progress=False)
    one, three = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("one", "three"))
    assert one == three
    for count in (1, 4):  # a larger count extends a smaller one
        generate(root, prepared, tmp_path / "more", count=count, seed=5, nfe=4, progress=False)
    assert json.loads((tmp_path / "more" / "manifest.json").read_text())["images"][:3] == one["images"]


def test_other_calls_and_solvers_are_refused(
    students: dict[Distillation, Path], prepared: Path, tmp_path: Path
) -> None:
    root = students[Distillation.CONSISTENCY]
    for ids in ({"nfe": 3}, {"nfe": 24}, {"solver": "heun"}):
        with pytest.raises(EchoSynthError, match=r"trained for 1, 2, 4 calls with the solver consistency, got"):
            generate(root, prepared, tmp_path / "set", count=1, progress=False, **ids)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("format", "nfe"), [("ts", 1), ("onnx", 2), ("safetensors", 4)])
def test_exports(students: dict[Distillation, Path], tmp_path: Path, format: str, nfe: int) -> None:
    if format == "onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(package)
    kind = "torchscript" if format == "ts" else format
    made = export_bundle(students[Distillation.CONSISTENCY], kind, tmp_path / f"student.{format}", nfe=nfe)
    latent, image = 16 * 16, 32 * 32
    assert made["difference"] <= TOLERANCE and made["inputs"]["noise"] == (nfe * latent + image,)


def test_training_again_changes_nothing_and_another_one_is_refused(
    students: dict[Distillation, Path], prepared: Path, teacher: Path
) -> None:
    root = students[Distillation.CONSISTENCY]
    stamps = {path: path.stat().st_mtime_ns for path in (root / "models").glob("*.safetensors")}
    assert train_student(prepared, teacher, root, TINY, seed=1, progress=False) == {}
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    for other in ({"settings": replace(TINY, distillation=Distillation.TRAJECTORY)}, {"seed": 2}):
        with pytest.raises(EchoSynthError, match="holds a training with"):
            train_student(prepared, teacher, root, **{"settings": TINY, "seed": 1, **other})  # type: ignore[arg-type]


def test_a_killed_training_ends_with_the_same_weights(
    students: dict[Distillation, Path], prepared: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai_echosynth.losses.consistency import ConsistencyLoss

    forward = ConsistencyLoss.forward
    history = tmp_path / "student" / "eval" / "diffusion" / "history.json"

    def dying(self: Any, *args: Any) -> Any:
        if history.is_file() and torch.is_grad_enabled():
            raise KeyboardInterrupt
        return forward(self, *args)

    monkeypatch.setattr(ConsistencyLoss, "forward", dying)
    with pytest.raises(KeyboardInterrupt):
        train_student(prepared, teacher, tmp_path / "student", TINY, seed=1, progress=False)
    monkeypatch.undo()
    train_student(prepared, teacher, tmp_path / "student", TINY, seed=1, progress=False)
    whole, again = (
        load_file(root / "models" / "diffusion.safetensors")
        for root in (students[Distillation.CONSISTENCY], tmp_path / "student")
    )
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_bad_teachers(prepared: Path, teacher: Path, students: dict[Distillation, Path], tmp_path: Path) -> None:
    other, empty = (Path(shutil.copytree(teacher, tmp_path / name)) for name in ("other", "empty"))
    _edit(other / "configs" / "inference.json", family="vp")
    (empty / "models" / "diffusion.safetensors").unlink()
    for folder, words in (
        (other, "a family edm-l64, edm-l128, edm, got vp"),
        (empty, r"models/diffusion\.safetensors missing"),
        (students[Distillation.CONSISTENCY], "got a few-step student"),
        (tmp_path, r"a bundle with configs/inference\.json"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            train_student(prepared, folder, tmp_path / "out", TINY, progress=False)
    large = write_tiny_prepared(tmp_path / "large", size=48)
    with pytest.raises(EchoSynthError, match=r"frames of 32 x 32 pixels are needed"):
        train_student(large, teacher, tmp_path / "out", TINY, progress=False)
    assert not (tmp_path / "out").exists()


def test_grids_of_other_weights_are_refused(students: dict[Distillation, Path], prepared: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(students[Distillation.CONSISTENCY], tmp_path / "student"))
    shutil.copyfile(root / "models" / "teacher.safetensors", root / "models" / "diffusion.safetensors")
    with pytest.raises(EchoSynthError, match="grids must belong to the weights beside them"):
        generate(root, prepared, tmp_path / "set", count=1, progress=False)


def test_command(prepared: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(STUDENT_PRESETS, Preset.QUICK, replace(TINY, epochs=1))  # type: ignore[index]
    shared = ["--data", str(prepared), "--preset", "quick"]
    words = ["train", "--model", "student", "--teacher", str(teacher), *shared, "--out", str(tmp_path / "student")]
    assert cli.main([*words, "--distillation", "trajectory"]) == 0
    masks = ["--masks", str(prepared), "--out", str(tmp_path / "set"), "--count", "1", "--calls", "1"]
    assert cli.main(["generate", "--bundle", str(tmp_path / "student"), *masks]) == 0
    assert "1 network calls an image" in capsys.readouterr().out
    out = ["--out", str(tmp_path / "no")]
    for wrong, text in (
        (["--model", "student"], "got no --teacher with --model student"),
        (["--model", "gan", "--teacher", str(teacher)], "nothing else does"),
        (["--distillation", "trajectory"], "only a student is distilled"),
        (["--model", "student", "--teacher", str(teacher), "--family", "edm"], "only diffusion has families"),
    ):
        assert cli.main(["train", *shared, *wrong, *out]) == 2
        assert text in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
