"""The page: self-contained, true to summary.json, escaped, honest about what is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.report import build_report
from monai_echosynth.workflows.report.curves import curves_section
from monai_echosynth.workflows.report.study import load_study

MakeStudy = Callable[[Path], Path]
VOID = {"meta", "input", "img", "link", "br", "hr", "path", "use"}


class Outline(HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, make_study: MakeStudy) -> Path:
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def page(study: Path) -> str:
    return build_report(study).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    assert not parser.open
    return parser


def test_page_loads_nothing_from_elsewhere(page: str, outline: Outline) -> None:
    assert "http" not in page
    assert "@import" not in page
    for tag, attributes in outline.tags:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "xlink:href", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "#"))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert len(page) < 6_000_000


def test_references_inside_the_page_resolve(page: str, outline: Outline) -> None:
    assert len(set(outline.ids)) == len(outline.ids)
    for _, attributes in outline.tags:
        for name in ("href", "xlink:href"):
            if (attributes.get(name) or "").startswith("#"):
                assert str(attributes[name])[1:] in outline.ids
    for target in re.findall(r"url\(#([^)]*)\)", page):
        assert target in outline.ids


def test_page_is_accessible(outline: Outline) -> None:
    for tag, attributes in outline.tags:
        if tag == "img":
            assert attributes.get("alt")
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
    assert sum(tag == "h1" for tag, _ in outline.tags) == 1
    assert sum(tag == "table" for tag, _ in outline.tags) == sum(tag == "caption" for tag, _ in outline.tags)


def test_numbers_equal_the_summary(page: str, study: Path) -> None:
    scores = json.loads((study / "summary.json").read_text())["tstr"]
    for arm, title in (("real", "Real"), ("synthetic", "Synthetic"), ("mixed", "Real + synthetic")):
        for source, digits in ((scores[arm], 3), (scores[arm]["hd95_mm"], 2)):
            cells = []
            for structure in ("lv_endo", "myo", "lv_epi", "la"):
                low, high = source[structure]["ci95"]
                mean = source[structure]["mean"]
                cells.append(f'{mean:.{digits}f} <span class="ci">[{low:.{digits}f}, {high:.{digits}f}]</span>')
            row = "".join(f"<td>{cell}</td>" for cell in cells)
            assert f'<th scope="row">{title}</th>{row}' in page
    assert "<td>0.991</td><td>0.987</td><td>0.990</td><td>0.990</td>" in page
    assert "99.0 %" in page


def test_all_parts_are_drawn(page: str) -> None:
    assert 'class="note">No ' not in page
    for panel in ("Autoencoder validation PSNR", "Diffusion loss", "Segmenter loss", "Segmenter validation Dice"):
        assert f">{panel}" in page
    assert page.count('class="contours"') == 4 * 5 + 3 * 4
    for name in ("dice", "forest", "intensity", "spectrum", "curves", "timing"):
        assert f'id="{name}-figure_1"' in page


def test_figures_follow_the_theme(page: str) -> None:
    drawings = "".join(re.findall(r"<svg role.*?</svg>", page, flags=re.DOTALL))
    assert "var(--real)" in drawings and "var(--synthetic)" in drawings and "var(--mixed)" in drawings
    assert "#0072b2" not in drawings.lower()


def test_same_study_gives_the_same_page(page: str, study: Path) -> None:
    assert build_report(study).read_text(encoding="utf-8") == page


def test_text_is_escaped(tmp_path: Path, make_study: MakeStudy) -> None:
    root = make_study(tmp_path)
    summary = json.loads((root / "summary.json").read_text())
    evil = '<img src=x onerror="alert(1)">'
    summary.update(preset=evil, seed=evil, versions={evil: evil}, command=["echosynth", evil])
    summary["data"]["source"] = evil
    summary["generation"]["solver"] = evil
    (root / "summary.json").write_text(json.dumps(summary))
    (root / "stages" / "evil.json").write_text(json.dumps({"stage": evil, "seconds": 1, "settings": {evil: evil}}))
    text = build_report(root).read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_missing_parts_are_noted(tmp_path: Path, make_study: MakeStudy) -> None:
    source = make_study(tmp_path / "full")
    bare = tmp_path / "bare"
    bare.mkdir()
    summary = json.loads((source / "summary.json").read_text())
    kept = {key: summary[key] for key in ("data", "tstr", "seed", "preset")}
    del kept["tstr"]["mixed"], kept["tstr"]["real"]["hd95_mm"], kept["tstr"]["synthetic"]["hd95_mm"]
    (bare / "summary.json").write_text(json.dumps(kept))
    text = build_report(bare).read_text(encoding="utf-8")
    for remark in (
        "HD95 is left out",
        "Ratios and mask adherence were not computed",
        "the forest plot is left out",
        "no frames are shown",
        "so none are shown",
        "no reconstructions are shown",
        "the distribution is left out",
        "speckle statistics are left out",
        "no curves are drawn",
        "No stage times were recorded",
        "Versions were not recorded",
    ):
        assert remark in text


def test_missing_history_is_named(tmp_path: Path, make_study: MakeStudy) -> None:
    root = make_study(tmp_path)
    (root / "diffusion" / "history.json").unlink()
    assert "Without a history, hence without a curve: diffusion." in curves_section(load_study(root)).body


@pytest.mark.parametrize("content", [None, "not json", "[]", "{}", '{"data": {}, "tstr": {}, "seed": 1}'])
def test_a_bad_summary_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(EchoSynthError, match=r"summary\.json"):
        build_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_damaged_frame_is_named(tmp_path: Path, make_study: MakeStudy) -> None:
    root = make_study(tmp_path)
    broken = root / "synthetic" / "images" / "patient0000_4CH_ED_s0.nii.gz"
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(EchoSynthError, match=r"patient0000_4CH_ED_s0\.nii\.gz.*re-run"):
        build_report(root)
