"""From label maps to points and back, for the table of a left heart and for one of four chambers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes import (
    Alignment,
    AnatomyRules,
    MapSampler,
    ShapeFit,
    ShapeMap,
    check_anatomy,
    correspond,
    draw_shape,
    fit_shapes,
    learn_rules,
    load_shapes,
    save_shapes,
)
from monai_echosynth.data.shapes.arcs import IrregularShape, cut_contour
from monai_echosynth.data.shapes.outlines import outlines_of
from monai_echosynth.data.shapes.rasterize import sector_anchor
from monai_echosynth.errors import EchoSynthError
from tests.helpers.shape_maps import FOUR, SPACING, hearts_of, left_heart, left_hearts

TABLES = (SEMANTIC_LABELS, FOUR)
CONTACTS = {"semantic": (("lv_endo", "la"),), "four": (("la", "lv"), ("ra", "rv"))}
by_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@pytest.fixture(scope="module")
def fits() -> dict[str, ShapeFit]:
    return {table.name: fit_shapes(hearts_of(table, 60), table) for table in TABLES}


def test_a_wall_is_described_by_the_filled_curve_and_its_cavity() -> None:
    assert [(o.name, o.labels, o.paint) for o in outlines_of(SEMANTIC_LABELS)] == [
        ("la", ("la",), "la"),
        ("lv_epi", ("lv_endo", "myo"), "myo"),
        ("lv_endo", ("lv_endo",), "lv_endo"),
    ]
    assert [o.name for o in outlines_of(FOUR)] == ["la", "lv", "ra", "rv"]
    with pytest.raises(EchoSynthError, match="camus"):
        outlines_of(CAMUS_LABELS)


@by_table
def test_touching_curves_share_the_points_of_their_contact(fits: dict[str, ShapeFit], table: LabelTable) -> None:
    layout = fits[table.name].fitted.model.layout
    assert layout.contacts == CONTACTS[table.name]
    for contact, index in layout.contact_index.items():
        holders = [set(layout.rings[o.name]) >= set(index) for o in layout.outlines]
        touched = [(contact[0] in o.labels) != (contact[1] in o.labels) for o in layout.outlines]
        assert holders == touched and sum(holders) >= 2
    assert sorted(set(np.concatenate(list(layout.rings.values())))) == list(range(layout.size))


@by_table
def test_the_points_of_a_map_draw_that_map(fits: dict[str, ShapeFit], table: LabelTable) -> None:
    layout = fits[table.name].fitted.model.layout
    maps = hearts_of(table, 6, first=100)
    found = correspond(maps, table, layout)
    assert found.kept == tuple(range(6)) and not found.left_out
    for item, points in zip(maps, found.points, strict=True):
        sector = item.label != 0
        drawn = draw_shape(points - sector_anchor(sector, SPACING), layout, table, sector, SPACING)
        for entry in table.entries:
            true, made = item.label == entry.id, drawn == entry.id
            assert 2 * (true & made).sum() / (true.sum() + made.sum()) > 0.95, entry.name


@by_table
def test_points_do_not_depend_on_the_pixel_size(fits: dict[str, ShapeFit], table: LabelTable) -> None:
    layout = fits[table.name].fitted.model.layout
    item = hearts_of(table, 1, first=50)[0]
    fine = ShapeMap(np.kron(item.label, np.ones((3, 3), np.uint8)), (SPACING[0] / 3, SPACING[1] / 3), "fine", "p")
    coarse, dense = (correspond([one], table, layout).points[0] for one in (item, fine))
    shift = np.array(SPACING) / 3  # pixel centers of the finer grid start a third of a pixel earlier
    assert np.linalg.norm(coarse + shift - dense, axis=1).mean() < 0.8


@by_table
def test_sampled_maps_are_valid_unlike_and_repeatable(fits: dict[str, ShapeFit], table: LabelTable) -> None:
    fitted = fits[table.name].fitted
    sampler = fitted.sampler(k=3.0)
    drawn = [sampler.sample(0, index) for index in range(40)]
    for item in drawn:
        assert item.label.dtype == np.uint8
        assert check_anatomy(item.label, fitted.rules, fitted.sectors[item.source].mask) == []
    assert sum(item.attempts for item in drawn) < 60
    assert len({item.label.tobytes() for item in drawn}) == 40
    assert np.array_equal(sampler.sample(0, 39).label, drawn[39].label)
    assert not np.array_equal(sampler.sample(1, 39).label, drawn[39].label)


def test_any_other_sector_can_be_drawn_into(fits: dict[str, ShapeFit]) -> None:
    fitted = fits["semantic"].fitted
    sector = fitted.sectors[0]._replace(mask=np.ones((120, 140), bool), spacing=(1.0, 1.0))
    drawn = MapSampler(fitted.model, fitted.rules, [sector]).sample(0, 0)
    assert drawn.label.shape == (120, 140) and drawn.spacing == (1.0, 1.0)


def test_a_sampler_that_finds_nothing_says_why(fits: dict[str, ShapeFit]) -> None:
    fitted = fits["semantic"].fitted
    rules = AnatomyRules(SEMANTIC_LABELS, apart=(("lv_endo", "la"),))
    with pytest.raises(EchoSynthError, match="lv_endo touches la"):
        MapSampler(fitted.model, rules, fitted.sectors).sample(0, 7)


@by_table
def test_rules_are_learned_and_hold_for_new_maps(table: LabelTable) -> None:
    rules = learn_rules([item.label for item in hearts_of(table, 40)], table)
    assert set(CONTACTS[table.name]) <= set(rules.touching)
    if table is FOUR:
        assert {("la", "ra"), ("lv", "rv")} <= set(rules.apart)
        assert {("la", "above", "lv"), ("ra", "left of", "la"), ("rv", "left of", "lv")} <= set(rules.ordered)
    else:
        assert ("lv_endo", "above", "la") in rules.ordered and rules.bare["lv_endo"] < 0.1
    assert AnatomyRules.from_dict(table, rules.to_dict()) == rules
    assert sum(not check_anatomy(item.label, rules) for item in hearts_of(table, 20, first=200)) >= 18


def test_every_violation_is_named() -> None:
    rules = learn_rules([item.label for item in left_hearts(40)], SEMANTIC_LABELS)
    good = left_heart(3)
    assert check_anatomy(good, rules) == []
    middle = {i: tuple(np.argwhere(good == i).mean(axis=0).astype(int)) for i in (1, 3)}

    def change(where: object, value: int) -> list[str]:
        label = good.copy()
        label[where] = value  # type: ignore[index]
        return check_anatomy(label, rules)

    assert change(good == 3, 4) == ["la is missing"]
    assert any("not in the table" in text for text in change(middle[1], 9))
    assert {"lv_endo has a hole", "la has 2 pieces"} <= set(change(middle[1], 3))
    assert "the sector has a hole" in change(middle[3], 0)
    rows = np.arange(good.shape[1])[None]
    assert "lv_endo has 2 pieces" in change((good == 1) & (rows == middle[1][1]), 4)
    walls = change(good == 2, 4)
    assert walls == ["myo is missing"]
    open_wall = (good == 2) & (np.arange(good.shape[0])[:, None] > middle[1][0])
    assert any("lv_endo is open" in text for text in change(open_wall, 4))
    assert "lv_endo does not touch la" in change((good == 3) & (rows <= np.argwhere(good == 3)[:, 1].min() + 1), 4)
    assert any("la is small" in text for text in change((good == 3) & (rows > middle[3][1] - 3), 4))
    inner = good != 0
    inner[middle[3]] = False
    assert any("differs from its sector" in text for text in check_anatomy(good, rules, inner))
    upside = good[:, ::-1]
    assert "lv_endo is not above la" in check_anatomy(upside, rules)
    assert check_anatomy(good, SEMANTIC_LABELS) == []


def test_the_file_keeps_everything(fits: dict[str, ShapeFit], tmp_path: Path) -> None:
    for name, table in zip(("semantic", "four"), TABLES, strict=True):
        fitted = fits[name].fitted
        save_shapes(fitted, tmp_path / "m.safetensors")
        loaded = load_shapes(tmp_path / "m.safetensors", table)
        assert loaded.rules == fitted.rules and loaded.table == table and loaded.modes == fitted.modes
        assert loaded.model.layout == fitted.model.layout
        assert np.array_equal(loaded.sampler().sample(5, 2).label, fitted.sampler().sample(5, 2).label)


def test_a_file_that_is_not_right_is_refused(fits: dict[str, ShapeFit], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(EchoSynthError, match="does not exist"):
        load_shapes(path)
    save_shapes(fits["four"].fitted, path)
    with pytest.raises(EchoSynthError, match="labels 0 outside, 1 lv_endo"):
        load_shapes(path, SEMANTIC_LABELS)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(EchoSynthError, match="whole shape model") as damaged:
        load_shapes(path)
    assert "\n" not in str(damaged.value)
    save_file({"weights": np.zeros(3)}, path)
    with pytest.raises(EchoSynthError, match="whole shape model"):
        load_shapes(path)


def test_size_can_be_left_to_the_pose() -> None:
    rigid, similar = (fit_shapes(left_hearts(40), SEMANTIC_LABELS, alignment=a) for a in Alignment)
    assert similar.fitted.model.total_variance < rigid.fitted.model.total_variance
    assert similar.fitted.model.poses[:, 3].std() > 0.02
    drawn = similar.fitted.sampler().sample(0, 0)
    assert check_anatomy(drawn.label, similar.fitted.rules) == []


def test_bad_maps_are_named() -> None:
    maps = left_hearts(12)
    with pytest.raises(EchoSynthError, match="at least 8 label maps, got 3"):
        fit_shapes(maps[:3], SEMANTIC_LABELS)
    lost = maps[4]._replace(label=np.where(maps[4].label == 3, 4, maps[4].label))
    with pytest.raises(EchoSynthError, match=r"got no la in heart4\.nii\.gz"):
        fit_shapes([*maps[:4], lost, *maps[5:]], SEMANTIC_LABELS)
    with pytest.raises(EchoSynthError, match=r"table 'semantic' .* got 5, .* in heart3"):
        fit_shapes([*maps[:3], maps[3]._replace(label=maps[3].label + 5), *maps[4:]], SEMANTIC_LABELS)
    with pytest.raises(EchoSynthError, match=r"positive, got .* in heart2"):
        fit_shapes([*maps[:2], maps[2]._replace(spacing=(0.0, 1.0)), *maps[3:]], SEMANTIC_LABELS)
    with pytest.raises(EchoSynthError, match="one grid"):
        fit_shapes([*maps, maps[0]._replace(label=maps[0].label[:, :-1])], SEMANTIC_LABELS)
    with pytest.raises(EchoSynthError, match="variance"):
        fit_shapes(maps, SEMANTIC_LABELS, variance=1.5)


def test_a_map_whose_structures_lie_otherwise_is_left_out_with_a_reason() -> None:
    maps = left_hearts(40)
    label = maps[7].label.copy()
    beside = np.array([np.roll(label == 1, s, axis=a) for s, a in ((1, 0), (-1, 0), (1, 1), (-1, 1))]).any(axis=0)
    label[(label == 3) & beside] = 4
    fit = fit_shapes([*maps[:7], maps[7]._replace(label=label), *maps[8:]], SEMANTIC_LABELS)
    assert fit.left_out == (("heart7.nii.gz", "lv_endo and la do not touch"),)
    assert len(fit.points) == len(fit.groups) == len(fit.fitted.sectors) == 39
    with pytest.raises(IrregularShape, match="do not touch"):
        cut_contour(label, SEMANTIC_LABELS, outlines_of(SEMANTIC_LABELS)[0], [("lv_endo", "la")])
