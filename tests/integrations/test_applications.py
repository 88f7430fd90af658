"""What the Deploy applications do, step by step with tiny bundles and without MONAI Deploy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_settings import SegmentationSettings, SynthesisSettings
from monai_echosynth.integrations.bundle_labels import bundle_labels
from monai_echosynth.integrations.dicom.cine import UltrasoundCine
from monai_echosynth.integrations.dicom.read_ultrasound import read_ultrasound
from monai_echosynth.integrations.segmentation_app import SegmentationTask
from monai_echosynth.integrations.synthesis_app import SynthesisTask
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.deploy_checks import area_difference, check_synthetic
from monai_echosynth.workflows.segmentation import write_bundle
from tests.helpers.dicom_files import region, save, ultrasound
from tests.helpers.echo_frames import frame, save_nifti
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import tiny_frame
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

pydicom = pytest.importorskip("pydicom", minversion="3")
pytest.importorskip("highdicom")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
]


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("segmentation") / "bundle"
    write_bundle(root, TINY_SEGMENTER)
    torch.manual_seed(0)
    save_weights(segmenter(32, 4), root / "models" / "model.safetensors")
    return root


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("generator") / "bundle")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A cine of three pictures of 60 x 50 pixels with frames of 48 x 40 in a region of them."""
    pictures = np.full((3, 50, 60), 30, np.uint8)
    for number, picture in enumerate(pictures):
        picture[8:48, 10:58] = frame(number)[0].T
    items = [region((10, 8, 57, 47), (0.5, 0.25))]
    return save(ultrasound(pictures, SequenceOfUltrasoundRegions=items), tmp_path / "in" / "cine.dcm")


def _segment(task: SegmentationTask, path: Path) -> list[Path]:
    items = [task.segment(cine) for cine in task.read(path)]
    return [
        write(item)
        for item in items
        for write in (task.write_segmentation, task.write_overlay, task.write_measurements)
    ]


def test_segmentation_writes_three_files(segmentation: Path, image: Path, tmp_path: Path) -> None:
    task = SegmentationTask(segmentation, tmp_path / "out", SegmentationSettings(bundle={"batch_size": 2}))
    seg, overlay, numbers = _segment(task, image.parent)
    assert [path.name for path in (seg, overlay, numbers)] == [
        "cine_seg.dcm",
        "cine_overlay.dcm",
        "cine_measurements.json",
    ]
    content = json.loads(numbers.read_text())
    assert content["frames"] == 3 and content["spacing_mm"] == pytest.approx([0.5, 0.25])
    assert content["codes"]["lv_endo"]["value"] == "87878005" and "not for diagnosis" in content["note"]
    assert all(len(values) == 3 for values in content["areas_cm2"].values())
    assert area_difference(numbers, seg, (0.5, 0.25)) < 0.005
    with pytest.raises(EchoSynthError, match="within 2%"):
        area_difference(numbers, seg, (0.5, 0.26))


def test_label_maps_are_those_of_the_bundle(
    segmentation: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames that the network sees are the region alone; its maps come back where the region is."""
    seen = []

    def known(bundle: Path, frames: np.ndarray, spacing: tuple[float, float], overrides: object) -> np.ndarray:
        seen.append((frames, spacing))
        return (frames > 100).astype(np.uint8)

    monkeypatch.setattr("monai_echosynth.integrations.segmentation_app.segment_frames", known)
    cine: UltrasoundCine = read_ultrasound(image)
    item = SegmentationTask(segmentation, tmp_path, SegmentationSettings()).segment(cine)
    assert np.array_equal(seen[0][0], np.stack([frame(n)[0] for n in range(3)]))
    assert np.array_equal(item.labels[:, 10:58, 8:48] == 1, seen[0][0] > 100)
    assert item.labels.sum() == (seen[0][0] > 100).sum()


def test_equal_names_in_sub_folders(segmentation: Path, image: Path, tmp_path: Path) -> None:
    (image.parent / "again").mkdir()
    (image.parent / "again" / image.name).write_bytes(image.read_bytes())
    task = SegmentationTask(segmentation, tmp_path / "out", SegmentationSettings())
    assert [task.segment(cine).name for cine in task.read(image.parent)] == ["again_cine", "cine"]


def test_synthesis_keeps_grid_and_spacing(generator: Path, tmp_path: Path) -> None:
    label = tiny_frame((44, 36), np.random.default_rng(0))[1]
    save_nifti(tmp_path / "maps" / "a.nii.gz", label, (0.7, 0.4))
    task = SynthesisTask(generator, tmp_path / "out", SynthesisSettings(nfe=3, seed=1))
    (path,) = [task.write(task.synthesize(maps)) for maps in task.read(tmp_path / "maps")]
    assert path.name == "a_synthetic.dcm"
    check_synthetic(path, (0.7, 0.4))
    with pytest.raises(EchoSynthError, match="a spacing of"):
        check_synthetic(path, (0.7, 0.5))
    found = read_ultrasound(path)
    assert found.frames.shape == (1, 44, 36)
    assert (found.frames[0][label == 0] == 0).all() and found.frames[0][label > 0].std() > 1
    again = task.synthesize(task.read(tmp_path / "maps")[0]).frames
    assert np.array_equal(again, found.frames)
    assert "seed 1, 3 network evaluations" in pydicom.dcmread(path).DerivationDescription


def test_bundles_that_do_not_fit(segmentation: Path, generator: Path, image: Path, tmp_path: Path) -> None:
    save_nifti(tmp_path / "maps" / "a.nii.gz", tiny_frame((44, 36), np.random.default_rng(0))[1])
    for bundle, words in (
        (tmp_path / "missing", r"a bundle with configs/metadata.json was expected, got .*missing"),
        (generator, "a trained echo_segmentation bundle was expected"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            SegmentationTask(bundle, tmp_path / "out", SegmentationSettings()).read(image)
    maps = SynthesisTask(generator, tmp_path / "out", SynthesisSettings()).read(tmp_path / "maps")[0]
    for bundle in (tmp_path / "missing", segmentation):
        with pytest.raises(EchoSynthError, match="a trained echo_generative_diffusion bundle was expected"):
            SynthesisTask(bundle, tmp_path / "out", SynthesisSettings()).synthesize(maps)
    assert not (tmp_path / "out").exists()


def test_weights_are_missing(image: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", TINY_SEGMENTER)
    task = SegmentationTask(tmp_path / "bundle", tmp_path / "out", SegmentationSettings())
    with pytest.raises(EchoSynthError, match=r"weights needed at .*model.safetensors"):
        task.segment(task.read(image)[0])


@pytest.mark.parametrize("key", ["batchsize", "dataset_dir"])
def test_wrong_config_key(segmentation: Path, generator: Path, image: Path, tmp_path: Path, key: str) -> None:
    task = SegmentationTask(segmentation, tmp_path / "out", SegmentationSettings(bundle={key: 1}))
    with pytest.raises(EchoSynthError, match=f"ids of its inference.json .*batch_size.*got {key}"):
        task.segment(task.read(image)[0])
    save_nifti(tmp_path / "maps" / "a.nii.gz", tiny_frame((44, 36), np.random.default_rng(0))[1])
    drawing = SynthesisTask(generator, tmp_path / "out", SynthesisSettings(bundle={key: 1}))
    with pytest.raises(EchoSynthError, match=f"ids of its inference.json .*solver.*got {key}"):
        drawing.synthesize(drawing.read(tmp_path / "maps")[0])


def test_frame_out_of_range(segmentation: Path, image: Path, tmp_path: Path) -> None:
    task = SegmentationTask(segmentation, tmp_path / "out", SegmentationSettings(es_frame=4))
    with pytest.raises(EchoSynthError, match="end-systolic frame must be one of 1 to 3, got 4"):
        task.write_measurements(task.segment(task.read(image)[0]))


def test_labels_of_a_bundle(segmentation: Path) -> None:
    table = bundle_labels(segmentation)
    assert table.names == {"0": "background", "1": "lv_endo", "2": "myo", "3": "la"}
    assert table.colors[2].tolist() == SEMANTIC_LABELS.colors[2].tolist()
