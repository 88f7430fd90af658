"""Readers and discovery: array order, spacing, layouts, and the errors for bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_echosynth.data.checks import check_image
from monai_echosynth.data.discover import discover
from monai_echosynth.data.read_frame import load_frame, read_pixels, stem
from monai_echosynth.errors import EchoSynthError
from tests.helpers.echo_frames import camus_folder, frame, save_nifti, save_png

MHD = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 0 0 0
ElementSpacing = 0.308 0.154 1.54
DimSize = {0} {1} 1
ElementType = MET_UCHAR
ElementDataFile = {2}
"""


def save_mhd(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = path.with_suffix(".raw")
    raw.write_bytes(array.T.tobytes())
    path.write_text(MHD.format(*array.shape, raw.name))


def test_nifti_keeps_array_order_and_spacing(tmp_path: Path) -> None:
    image, _ = frame()
    save_nifti(tmp_path / "a.nii.gz", image[..., None], (0.5, 0.25))
    pixels = read_pixels(tmp_path / "a.nii.gz")
    assert np.array_equal(pixels.array, image)
    assert pixels.spacing == (0.5, 0.25)
    assert pixels.spacing_known


def test_png_is_transposed_as_monai_reads_it(tmp_path: Path) -> None:
    from monai.transforms import LoadImage

    image, _ = frame()
    save_png(tmp_path / "a.png", image)
    pixels = read_pixels(tmp_path / "a.png")
    assert np.array_equal(pixels.array, image)
    assert np.array_equal(pixels.array, LoadImage(image_only=True)(str(tmp_path / "a.png")).numpy())
    assert not pixels.spacing_known


def test_palette_png_gives_its_indices(tmp_path: Path) -> None:
    _, label = frame()
    picture = Image.fromarray(np.ascontiguousarray(label.T))
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert picture.mode == "P"
    picture.save(tmp_path / "l.png")
    assert np.array_equal(read_pixels(tmp_path / "l.png").array, label)


def test_metaimage_keeps_anisotropic_spacing(tmp_path: Path) -> None:
    pytest.importorskip("itk")
    image, label = frame()
    for phase in ("ED", "ES"):
        save_mhd(tmp_path / "patient0001" / f"patient0001_2CH_{phase}.mhd", image)
        save_mhd(tmp_path / "patient0001" / f"patient0001_2CH_{phase}_gt.mhd", label)
    records = discover(tmp_path)
    assert [record.id for record in records] == ["patient0001_2CH_ED", "patient0001_2CH_ES"]
    loaded = load_frame(records[0])
    assert np.array_equal(loaded.image, image)
    assert loaded.label is not None
    assert np.array_equal(loaded.label, label)
    assert loaded.spacing == pytest.approx((0.308, 0.154))


def test_a_cut_metaimage_is_named(tmp_path: Path) -> None:
    pytest.importorskip("itk")
    save_mhd(tmp_path / "a.mhd", frame()[0])
    (tmp_path / "a.raw").write_bytes(b"short")
    with pytest.raises(EchoSynthError, match=r"a\.mhd"):
        read_pixels(tmp_path / "a.mhd")


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_cut_nifti_is_named_in_one_line(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.nii.gz"
    save_nifti(path, frame()[0])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EchoSynthError, match=r"cut\.nii\.gz") as caught:
        read_pixels(path)
    assert "\n" not in str(caught.value)


def test_a_cut_png_is_named(tmp_path: Path) -> None:
    save_png(tmp_path / "cut.png", frame()[0])
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:300])
    with pytest.raises(EchoSynthError, match=r"cut\.png"):
        read_pixels(tmp_path / "cut.png")


def test_missing_unknown_and_volumetric_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="nothing at"):
        read_pixels(tmp_path / "no.png")
    (tmp_path / "a.gif").write_bytes(b"x")
    with pytest.raises(EchoSynthError, match=r"a\.gif"):
        read_pixels(tmp_path / "a.gif")
    save_nifti(tmp_path / "v.nii.gz", np.ones((4, 4, 3), np.uint8))
    with pytest.raises(EchoSynthError, match="two dimensions"):
        read_pixels(tmp_path / "v.nii.gz")


def test_image_checks_name_the_file() -> None:
    with pytest.raises(EchoSynthError, match=r"2 NaN .* in a\.nii"):
        check_image(np.array([[np.nan, np.inf, 1.0]]), Path("a.nii"))
    with pytest.raises(EchoSynthError, match=r"all black.* in a\.nii"):
        check_image(np.zeros((3, 3), np.uint8), Path("a.nii"))


def test_image_and_label_must_match(tmp_path: Path) -> None:
    image, label = frame()
    save_nifti(tmp_path / "images/p_4CH_ED.nii.gz", image)
    save_nifti(tmp_path / "labels/p_4CH_ED.nii.gz", label[1:])
    with pytest.raises(EchoSynthError, match=r"\(47, 40\) in .*labels.*\(48, 40\) in p_4CH_ED"):
        load_frame(discover(tmp_path)[0])


def test_camus_root_may_be_the_folder_or_its_parent(tmp_path: Path) -> None:
    camus_folder(tmp_path, patients=2, views=("2CH", "4CH"))
    patient = tmp_path / "database_nifti" / "patient0001"
    save_nifti(patient / "patient0001_4CH_half_sequence.nii.gz", np.ones((4, 4, 3), np.uint8))
    save_nifti(patient / "patient0001_4CH_half_sequence_gt.nii.gz", np.ones((4, 4, 3), np.uint8))
    (patient / "Info_4CH.cfg").write_text("ED: 1")
    records = discover(tmp_path)
    assert records == discover(tmp_path / "database_nifti")
    assert len(records) == 8
    assert (records[0].id, records[0].patient, records[0].view, records[0].phase) == (
        "patient0001_2CH_ED",
        "patient0001",
        "2CH",
        "ED",
    )
    assert all(record.label_path is not None for record in records)


def test_filters_keep_what_was_asked_for(tmp_path: Path) -> None:
    camus_folder(tmp_path, patients=2, views=("2CH", "4CH"))
    assert {record.view for record in discover(tmp_path, views=["2CH"])} == {"2CH"}
    assert {record.phase for record in discover(tmp_path, phases=["ES"])} == {"ES"}
    with pytest.raises(EchoSynthError, match=r"2CH, 4CH\), got 3CH"):
        discover(tmp_path, views=["3CH"])


def test_plain_folder_takes_the_patient_from_the_name(tmp_path: Path) -> None:
    image, label = frame()
    for name in ("p7_4CH_ED", "q_x"):
        save_png(tmp_path / "images" / f"{name}.png", image)
        save_png(tmp_path / "labels" / f"{name}.png", label)
    records = discover(tmp_path)
    assert [(r.patient, r.view, r.phase) for r in records] == [("p7", "4CH", "ED"), ("q", "", "")]


def test_orphans_and_doubles_are_refused(tmp_path: Path) -> None:
    image, label = frame()
    save_png(tmp_path / "images/a.png", image)
    save_png(tmp_path / "labels/b.png", label)
    with pytest.raises(EchoSynthError, match=r"b\.png alone"):
        discover(tmp_path)
    (tmp_path / "labels/b.png").unlink()
    save_nifti(tmp_path / "images/a.nii.gz", image)
    with pytest.raises(EchoSynthError, match="unique"):
        discover(tmp_path)
    camus_folder(tmp_path / "c", patients=1)
    (tmp_path / "c/database_nifti/patient0001/patient0001_4CH_ED.nii.gz").unlink()
    with pytest.raises(EchoSynthError, match=r"4CH_ED_gt\.nii\.gz alone"):
        discover(tmp_path / "c")


def test_missing_empty_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="does not exist"):
        discover(tmp_path / "no")
    with pytest.raises(EchoSynthError, match="empty"):
        discover(tmp_path)
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(EchoSynthError, match="none of these"):
        discover(tmp_path)


def test_stem_takes_off_double_suffixes() -> None:
    assert stem(Path("a/b_4CH.nii.gz")) == "b_4CH"
    assert stem(Path("b.png")) == "b"
