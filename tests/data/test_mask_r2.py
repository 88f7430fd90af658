"""MaskR2 as a value: what rules may say, what each violation says, and the look-up that follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monai_echosynth.data.builtin_labels import CAMUS_LABELS, SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_rules import Rule, RuleKind
from monai_echosynth.errors import EchoSynthError

IDENTITY, REDUCE, REPURPOSE = RuleKind
LA, LV = Rule(IDENTITY, ("la",), "la"), Rule(IDENTITY, ("lv",), "lv_endo")
RIGHT = Rule(REPURPOSE, ("ra", "rv"), "myo")
OUTSIDE, SECTOR = Rule(IDENTITY, ("outside",), "outside"), Rule(IDENTITY, ("sector",), "sector")


def table(*names: str, name: str = "mine") -> LabelTable:
    rows = [{"id": 10 * k, "name": n, "channel": k, "color": [k, k, k]} for k, n in enumerate(names)]
    return LabelTable.from_dict({"name": name, "labels": rows})


def tee(*rules: Rule) -> Remapping:
    return Remapping(TEE_LABELS, SEMANTIC_LABELS, rules)


def test_tee_map_by_hand() -> None:
    label = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)  # outside la lv / ra rv sector
    assert tee(LA, LV, RIGHT).apply(label).tolist() == [[0, 3, 1], [2, 2, 4]]
    assert label.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tee_table_counts_channels_as_ids() -> None:
    assert TEE_LABELS.names == {"0": "outside", "1": "la", "2": "lv", "3": "ra", "4": "rv", "5": "sector"}
    assert all(entry.id == entry.channel for entry in TEE_LABELS.entries)
    assert len({entry.color for entry in TEE_LABELS.entries}) == 6


def test_outside_and_sector_are_implied_and_the_order_of_rules_does_not_matter() -> None:
    short, long = tee(Rule("repurpose", ["rv", "ra"], "myo"), LV, LA), tee(SECTOR, OUTSIDE, LA, LV, RIGHT)  # type: ignore[arg-type]
    assert short == long and hash(short) == hash(long)
    assert [rule.labels for rule in short.rules] == [("outside",), ("la",), ("lv",), ("ra", "rv"), ("sector",)]


def test_rows_and_inverse_say_what_a_channel_stands_for() -> None:
    remapping = tee(LA, LV, RIGHT)
    assert [(row.label.name, row.rule.operation, row.target.name) for row in remapping.rows()] == [
        ("outside", "identity", "outside"),
        ("la", "identity", "la"),
        ("lv", "identity", "lv_endo"),
        ("ra", "reduce + repurpose", "myo"),
        ("rv", "reduce + repurpose", "myo"),
        ("sector", "identity", "sector"),
    ]
    assert remapping.sources_of("myo") == ("ra", "rv") and remapping.sources_of("lv_endo") == ("lv",)
    assert remapping.unused == ()
    with pytest.raises(EchoSynthError, match="no label 'ra'"):
        remapping.sources_of("ra")


def test_two_atria_may_share_the_left_atrium() -> None:
    remapping = tee(LA, Rule(REDUCE, ("ra",), "la"), LV, Rule(REPURPOSE, ("rv",), "myo"))
    assert remapping.sources_of("la") == ("la", "ra")
    assert remapping.apply(np.arange(6)).tolist() == [0, 3, 1, 3, 2, 4]
    assert [row.rule.operation for row in remapping.rows()][3:5] == ["reduce", "repurpose"]
    merged = tee(Rule(REDUCE, ("la", "ra"), "la"), LV, Rule(REPURPOSE, ("rv",), "myo"))
    assert np.array_equal(merged.base_id_of_id, remapping.base_id_of_id)


def test_camus_with_its_myocardium_given_to_the_sector() -> None:
    rules = (Rule(IDENTITY, "lv_endo", "lv_endo"), LA, Rule(REDUCE, "myo", "sector"))  # type: ignore[arg-type]
    remapping = Remapping(SEMANTIC_LABELS, SEMANTIC_LABELS, rules)
    assert remapping.apply(np.arange(5)).tolist() == [0, 1, 4, 3, 4]
    assert remapping.unused == ("myo",) and remapping.sources_of("sector") == ("myo", "sector")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([LA, LV], ["'ra', 'rv'", "'tee'", "add identity"]),
        ([LA, LV, RIGHT, Rule(REDUCE, ("rv",), "sector")], ["mapped once", "'rv' -> 'myo', 'sector'"]),
        ([LA, LV, Rule(REPURPOSE, ("ra", "rv", "ra"), "myo")], ["mapped once", "'ra'"]),
        ([LA, LV, RIGHT, Rule(IDENTITY, ("aorta",), "la")], ["'aorta'", "outside, la, lv", "correct the rule"]),
        ([LA, LV, Rule(REPURPOSE, ("ra", "rv"), "lv_epi")], ["'ra', 'rv'", "got 'lv_epi'", "lv_endo, myo, la"]),
        ([LV, Rule(REPURPOSE, ("la", "ra", "rv"), "lv_endo")], ["'la', 'ra', 'rv'", "'lv'", "choose 'myo', 'la'"]),
        (
            [LA, LV, Rule(REPURPOSE, ("ra",), "myo"), Rule(REPURPOSE, ("rv",), "myo")],
            ["repurposed only", "'ra'", "repurpose of 'rv'", "no base label is free"],
        ),
        ([LA, LV, Rule(REPURPOSE, ("ra", "rv"), "sector")], ["'ra', 'rv'", "identity of 'sector'", "choose 'myo'"]),
        ([LA, LV, Rule(REDUCE, ("ra", "rv", "sector"), "myo")], ["'sector' must be kept", "reduce to 'myo'"]),
        ([LA, LV, RIGHT, Rule(REPURPOSE, ("outside",), "sector")], ["'outside' must be kept"]),
        (
            [Rule(IDENTITY, ("ra",), "la"), LA, LV, Rule(REPURPOSE, ("rv",), "myo")],
            ["keeps 'la'", "'ra', 'la'", "by reduce"],
        ),
        ([LA, LV, Rule(REPURPOSE, ("ra",), "myo"), Rule(REDUCE, ("rv",), "myo")], ["reduce merges two", "'rv'"]),
        ([LA, LV, Rule(REDUCE, ("ra",), "la"), Rule(REDUCE, ("rv",), "la")], ["one reduce rule", "'ra', 'rv'"]),
    ],
)
def test_each_violation_names_the_label_and_the_remedy(rules: list[Rule], words: list[str]) -> None:
    with pytest.raises(EchoSynthError) as caught:
        tee(*rules)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message and ": " in message


def test_tables_must_hold_outside_and_sector() -> None:
    rules = (Rule(IDENTITY, ("background",), "outside"), Rule(IDENTITY, ("lv_endo",), "lv_endo"), LA)
    with pytest.raises(EchoSynthError, match="'camus' needs a label that keeps 'sector' by identity"):
        Remapping(CAMUS_LABELS, SEMANTIC_LABELS, (*rules, Rule(REPURPOSE, ("myo",), "myo")))
    with pytest.raises(EchoSynthError, match=r"base table needs the label 'outside', got background.* in 'camus'"):
        Remapping(
            TEE_LABELS, CAMUS_LABELS, (LA, LV, RIGHT, *(Rule(IDENTITY, (n,), "la") for n in ("outside", "sector")))
        )


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"kind": "merge", "labels": ["ra"], "target": "la"}, "identity, reduce, repurpose, got 'merge' for 'ra'"),
        ({"kind": ["x"], "labels": ["ra"], "target": "la"}, "for 'ra'"),
        ({"kind": "reduce", "labels": [], "target": "la"}, "complete it"),
        ({"kind": "reduce", "labels": [3], "target": "la"}, "complete it"),
        ({"kind": "reduce", "labels": ["ra"], "target": None}, "complete it"),
        ({"kind": "reduce", "labels": 3, "target": "la"}, "list of labels"),
        ({"kind": "identity", "labels": ["la", "ra"], "target": "la"}, "'la', 'ra'.*write reduce"),
        ({"kind": "reduce", "target": "la"}, "kind, labels and target"),
        ("ra", "kind, labels and target"),
    ],
)
def test_bad_rules_are_refused(row: Any, word: str) -> None:
    with pytest.raises(EchoSynthError, match=word):
        Rule.from_dict(row)


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", np.int64, np.float32, np.uint16])
def test_arrays_keep_their_type(dtype: Any) -> None:
    result = tee(LA, LV, RIGHT).apply(np.array([[[0, 4, 5]]], dtype))
    assert result.tolist() == [[[0, 2, 4]]] and result.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64, torch.float32])
def test_tensors_keep_their_type_and_agree_with_arrays(dtype: torch.dtype) -> None:
    label = torch.randint(0, 6, (1, 7, 5), generator=torch.Generator().manual_seed(0)).to(dtype)
    remapping = tee(LA, LV, RIGHT)
    result = remapping.apply(label)
    assert type(result) is torch.Tensor and result.dtype == dtype
    assert np.array_equal(result.numpy(), remapping.apply(label.numpy()))


def test_ids_that_do_not_fit_widen_the_type() -> None:
    base = replace(SEMANTIC_LABELS, entries=tuple(replace(e, id=251 + e.id) for e in SEMANTIC_LABELS.entries))
    remapping = Remapping(TEE_LABELS, base, (LA, LV, RIGHT))
    for label in (np.array([0, 5], np.int8), torch.tensor([0, 5], dtype=torch.int8)):
        assert remapping.apply(label).tolist() == [251, 255]


@pytest.mark.parametrize("stranger", [6, -1, 2.5, 300, float("nan")])
def test_unknown_ids_are_refused_with_their_origin(stranger: float) -> None:
    label = np.array([[0.0, 1.0, stranger]])
    for given in (label, torch.from_numpy(label)):
        with pytest.raises(EchoSynthError, match=rf"'tee' .*got {stranger:g} in a\.png"):
            tee(LA, LV, RIGHT).apply(given, "a.png")


def test_a_remapping_survives_a_file(tmp_path: Path) -> None:
    remapping, path = tee(LA, LV, RIGHT), tmp_path / "rules.json"
    path.write_text(json.dumps(remapping.to_dict()))
    assert Remapping.from_file(path) == remapping
    assert Remapping.from_file(path, TEE_LABELS, SEMANTIC_LABELS) == remapping
    path.write_text(json.dumps([rule.to_dict() for rule in (LA, LV, RIGHT)]))
    assert Remapping.from_file(path, TEE_LABELS, SEMANTIC_LABELS) == remapping


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "readable JSON"),
        ('{"rules": "none"}', "a list under 'rules', got 'none'"),
        ('{"labels": []}', "a list under 'rules', got None"),
        ("3", "a list under 'rules', got 3"),
        ('[{"kind": "identity"}]', "kind, labels and target"),
        ("[]", "got none for 'la', 'lv', 'ra', 'rv'"),
    ],
)
def test_bad_files_are_named(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(text)
    with pytest.raises(EchoSynthError, match=rf"rules\.json.*{word}|{word}.*rules\.json"):
        Remapping.from_file(tmp_path / "rules.json", TEE_LABELS, SEMANTIC_LABELS)


def test_rules_belong_to_their_tables(tmp_path: Path) -> None:
    content = tee(LA, LV, RIGHT).to_dict()
    other = table("outside", "la", "lv", "ra", "rv", "sector", name="other")
    with pytest.raises(EchoSynthError, match=r"for the source table 'tee' .*got 'other'"):
        Remapping.from_dict(content, source=other)
    with pytest.raises(EchoSynthError, match="needs a label table under 'base'"):
        Remapping.from_dict({key: content[key] for key in ("source", "rules")})
    recolored = replace(TEE_LABELS, entries=tuple(replace(e, color=(1, 2, 3)) for e in TEE_LABELS.entries))
    assert Remapping.from_dict(content, source=recolored).source == recolored
