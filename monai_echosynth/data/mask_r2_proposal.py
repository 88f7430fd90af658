"""Proposes a remapping from the names of two label tables.

Names that mean one structure (``lv``, ``left_ventricle``, ``lv_endo``) make identities. A right atrium joins the left one, whose
channel already stands for atrial blood, and which it does not touch: the border between atrium and ventricle, which one
super-class for the whole right heart would hide, stays visible to the generator. What remains must belong to a group of
structures that the base does not know, the right heart unless told otherwise: each group becomes a super-class and takes the
first base label that is still free. Anything else is left to a person, since a wrong guess would be learned silently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.data.mask_r2_rules import Rule, RuleKind, check_base
from monai_echosynth.errors import EchoSynthError

__all__ = ["PARTNERS", "RIGHT_HEART", "SYNONYMS", "propose_remapping", "propose_rules"]

SYNONYMS: dict[str, tuple[str, ...]] = {
    OUTSIDE: ("background", "bg", "outside_sector"),
    SECTOR: ("inside", "inside_sector", "cone", "fov", "field_of_view"),
    "lv_endo": ("lv", "left_ventricle", "lv_cavity", "lv_blood_pool", "lv_endocardium"),
    "myo": ("myocardium", "lv_myo", "lv_myocardium", "lv_wall", "lv_epi", "lv_epicardium"),
    "la": ("left_atrium", "la_cavity", "la_endo"),
    "rv": ("right_ventricle", "rv_cavity", "rv_endo"),
    "ra": ("right_atrium", "ra_cavity", "ra_endo"),
}
"""Other names of a structure, in lower case."""

RIGHT_HEART = ("ra", "rv")
"""Structures of the right heart; their synonyms belong to it too."""

PARTNERS: Mapping[str, str] = {"ra": "la"}
"""Structures that look like another one and lie apart from it; their synonyms do too."""


def propose_remapping(
    source: LabelTable,
    base: LabelTable = SEMANTIC_LABELS,
    groups: Sequence[Sequence[str]] = (RIGHT_HEART,),
    partners: Mapping[str, str] = PARTNERS,
) -> Remapping:
    """Validated mapping of :func:`propose_rules`."""
    return Remapping(source, base, propose_rules(source, base, groups, partners))


def propose_rules(
    source: LabelTable,
    base: LabelTable = SEMANTIC_LABELS,
    groups: Sequence[Sequence[str]] = (RIGHT_HEART,),
    partners: Mapping[str, str] = PARTNERS,
) -> tuple[Rule, ...]:
    """Rules by name.

    Args:
        source: table to map.
        base: table of the generator.
        groups: structures to merge when the base does not know them, one super-class each.
        partners: structures that join another one where both tables have that; none for the mapping of the paper.

    Raises:
        EchoSynthError: a label fits nowhere or in two places, or no base label is free for a group; the message says which rule
            to write.
    """
    check_base(base)
    rules = _joined(_identities(source, base), source, partners)
    placed = {label for rule in rules for label in rule.labels}
    left = [entry.name for entry in source.entries if entry.name not in placed]
    taken = {rule.target for rule in rules} | {OUTSIDE, SECTOR}
    free = [entry.name for entry in base.entries if entry.name not in taken]
    for group in groups:
        members = tuple(label for label in left if _structure(label) in {_structure(name) for name in group})
        if not members:
            continue
        if not free:
            raise EchoSynthError(
                f"{', '.join(members)} of table '{source.name}' need a free label in the base table '{base.name}', which has"
                f" none: {_by_hand(members, base)}"
            )
        rules.append(Rule(RuleKind.REPURPOSE, members, free.pop(0)))
        left = [label for label in left if label not in members]
    if left:
        raise EchoSynthError(
            f"names must tell where each label goes, got {', '.join(left)} in table '{source.name}', unknown to the base table"
            f" '{base.name}': {_by_hand(left, base)}"
        )
    return tuple(rules)


def _identities(source: LabelTable, base: LabelTable) -> list[Rule]:
    rules = []
    for target in base.entries:
        same = [entry.name for entry in source.entries if _structure(entry.name) == _structure(target.name)]
        if len(same) > 1:
            raise EchoSynthError(
                f"one label should mean '{target.name}', got {' and '.join(same)} in table '{source.name}':"
                f" {_by_hand(same[1:], base, target.name)}"
            )
        rules += [Rule(RuleKind.IDENTITY, (name,), target.name) for name in same]
    return rules


def _joined(rules: Sequence[Rule], source: LabelTable, partners: Mapping[str, str]) -> list[Rule]:
    """Identities, made super-classes where labels of ``source`` have their partner there."""
    placed = {label for rule in rules for label in rule.labels}
    found = []
    for rule in rules:
        kin = {name for name, partner in partners.items() if _structure(rule.target) == _structure(partner)}
        names = [entry.name for entry in source.entries if _structure(entry.name) in kin and entry.name not in placed]
        found.append(Rule(RuleKind.REDUCE, (*rule.labels, *names), rule.target) if names else rule)
    return found


def _structure(name: str) -> str:
    """The name under which ``SYNONYMS`` lists ``name``; itself, in lower case, when it is in no list."""
    plain = name.lower()
    return next((structure for structure, others in SYNONYMS.items() if plain in others), plain)


def _by_hand(labels: Sequence[str], base: LabelTable, target: str = SECTOR) -> str:
    """Remedy: a rule that merges ``labels``, as a person would write it."""
    example = json.dumps(Rule(RuleKind.REDUCE, tuple(labels), target).to_dict())
    return f"write rules by hand, such as {example} (targets: {', '.join(entry.name for entry in base.entries)})"
