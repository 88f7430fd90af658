"""Rules proposed from names: what is recognized, what is left to a person and how that is said."""

from __future__ import annotations

import json
import re

import pytest

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS, TEE_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_proposal import SYNONYMS, propose_remapping, propose_rules
from monai_echosynth.data.mask_r2_rules import Rule, RuleKind
from monai_echosynth.errors import EchoSynthError


def table(*names: str) -> LabelTable:
    rows = [{"id": 10 * k, "name": n, "channel": k, "color": [k, k, k]} for k, n in enumerate(names)]
    return LabelTable.from_dict({"name": "mine", "labels": rows})


def targets(remapping: Remapping) -> dict[str, tuple[str, str]]:
    return {row.label.name: (row.rule.operation, row.target.name) for row in remapping.rows()}


TEE = {
    "outside": ("identity", "outside"),
    "la": ("reduce", "la"),
    "lv": ("identity", "lv_endo"),
    "ra": ("reduce", "la"),
    "rv": ("repurpose", "myo"),
    "sector": ("identity", "sector"),
}


def test_tee_merges_the_atria_and_repurposes_the_myocardium_for_the_right_ventricle() -> None:
    assert targets(propose_remapping(TEE_LABELS)) == TEE


def test_without_partners_the_right_heart_is_one_class_as_in_the_paper() -> None:
    one = {"la": ("identity", "la"), "ra": ("reduce + repurpose", "myo"), "rv": ("reduce + repurpose", "myo")}
    assert targets(propose_remapping(TEE_LABELS, partners={})) == {**TEE, **one}


def test_other_names_mean_the_same() -> None:
    source = table("background", "Left_Ventricle", "LA", "right_ventricle", "RA_cavity", "cone")
    assert targets(propose_remapping(source)) == {
        "background": ("identity", "outside"),
        "Left_Ventricle": ("identity", "lv_endo"),
        "LA": ("reduce", "la"),
        "right_ventricle": ("repurpose", "myo"),
        "RA_cavity": ("reduce", "la"),
        "cone": ("identity", "sector"),
    }


def test_no_name_means_two_structures() -> None:
    names = [name for structure, others in SYNONYMS.items() for name in (structure, *others)]
    assert len(names) == len(set(names)) and all(name == name.lower() for name in names)


def test_two_chambers_alone_are_identities() -> None:
    remapping = propose_remapping(table("outside", "lv", "la", "sector"))
    assert {operation for operation, _ in targets(remapping).values()} == {"identity"}
    assert remapping.unused == ("myo",)


def test_a_table_is_mapped_onto_itself() -> None:
    for same in (SEMANTIC_LABELS, TEE_LABELS):
        remapping = propose_remapping(same, same)
        assert all(row.label == row.target for row in remapping.rows())


def test_one_right_chamber_is_repurposed_without_reduction() -> None:
    assert targets(propose_remapping(table("outside", "lv", "rv", "sector")))["rv"] == ("repurpose", "myo")


def test_groups_take_free_channels_in_their_order() -> None:
    source = table("outside", "lv", "aorta", "rv", "ra", "sector")
    rules = propose_rules(source, groups=(("aorta",), ("ra", "right_ventricle")))
    assert Rule(RuleKind.REPURPOSE, ("aorta",), "myo") in rules
    assert Rule(RuleKind.REPURPOSE, ("rv", "ra"), "la") in rules


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("outside", "lv", "aorta", "septum", "sector"), ["aorta, septum", "'mine'"]),
        (("outside", "lv", "myo", "la", "rv", "ra", "sector"), ["rv", "has none"]),
        (("outside", "lv", "left_ventricle", "sector"), ["lv_endo", "lv and left_ventricle"]),
    ],
)
def test_what_names_do_not_tell_is_left_to_a_person(names: tuple[str, ...], words: list[str]) -> None:
    with pytest.raises(EchoSynthError) as caught:
        propose_remapping(table(*names))
    message = str(caught.value)
    assert all(word in message for word in [*words, "write rules by hand", "outside, lv_endo, myo"]), message
    example = re.search(r"\{.*?\}", message)
    assert example is not None
    assert set(Rule.from_dict(json.loads(example[0])).labels) < set(names), "the example can be pasted"


def test_a_proposal_is_validated() -> None:
    with pytest.raises(EchoSynthError, match="keeps 'sector' by identity"):
        propose_remapping(table("outside", "lv"))
