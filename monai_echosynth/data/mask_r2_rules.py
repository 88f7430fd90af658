"""The rules of a remapping between two label tables, and the conditions that they meet together (see ``data.mask_r2``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError

__all__ = ["KEPT", "Rule", "RuleKind", "check_base", "check_rules"]

KEPT = (OUTSIDE, SECTOR)
"""Base labels that keep their meaning in every remapping: they say where the scanner draws."""


class RuleKind(StrEnum):
    """What a rule does with its labels."""

    IDENTITY = "identity"
    """The label takes the base label that means the same."""
    REDUCE = "reduce"
    """The labels merge, with each other or with an identity's label, under a base label that suits all of them."""
    REPURPOSE = "repurpose"
    """The labels, merged if they are several, take a base label that means something else and is unused otherwise."""


@dataclass(frozen=True)
class Rule:
    """One rule, such as ``Rule("repurpose", ("ra", "rv"), "myo")``.

    Args:
        kind: what is done.
        labels: names of source labels; exactly one for an identity.
        target: name of a base label.

    Raises:
        EchoSynthError: the kind is unknown, or names are missing.
    """

    kind: RuleKind
    labels: tuple[str, ...]
    target: str

    def __post_init__(self) -> None:
        labels = (self.labels,) if isinstance(self.labels, str) else tuple(self.labels)
        object.__setattr__(self, "labels", labels)
        if self.kind not in list(RuleKind):
            kinds = ", ".join(RuleKind)
            raise EchoSynthError(f"rules are {kinds}, got {self.kind!r} for {_quoted(labels)}: choose one of these")
        object.__setattr__(self, "kind", RuleKind(self.kind))
        if not labels or not all(isinstance(name, str) for name in (*labels, self.target)):
            raise EchoSynthError(
                f"a rule names source labels and one base label, got {labels!r} -> {self.target!r}: complete it"
            )
        if self.kind is RuleKind.IDENTITY and len(labels) > 1:
            raise EchoSynthError(
                f"an identity keeps one label, got {_quoted(labels)} -> '{self.target}': write reduce to merge them"
            )

    @classmethod
    def from_dict(cls, row: object) -> Rule:
        """Rule from ``{"kind": str, "labels": [str, ...], "target": str}``; a single label may be plain text."""
        if not isinstance(row, Mapping) or not {"kind", "labels", "target"} <= set(row):
            raise EchoSynthError(f"a rule needs kind, labels and target, got {row!r}: complete it")
        labels = row["labels"]
        if not isinstance(labels, Sequence):
            raise EchoSynthError(f"a rule needs a list of labels, got {labels!r} in {row!r}: write their names")
        return cls(row["kind"], (labels,) if isinstance(labels, str) else tuple(labels), row["target"])

    def to_dict(self) -> dict[str, Any]:
        """Inverse of :meth:`from_dict`."""
        return {"kind": self.kind.value, "labels": list(self.labels), "target": self.target}

    @property
    def operation(self) -> str:
        """The rule in MaskR2's words: a ``repurpose`` of several labels is ``reduce + repurpose``."""
        merges = self.kind is RuleKind.REPURPOSE and len(self.labels) > 1
        return f"{RuleKind.REDUCE} + {self.kind}" if merges else str(self.kind)


def check_base(base: LabelTable) -> None:
    """Checks that the table of a generator tells ``outside`` and ``sector`` apart.

    Raises:
        EchoSynthError: one of them is missing.
    """
    names = [entry.name for entry in base.entries]
    for name in KEPT:
        if name not in names:
            raise EchoSynthError(
                f"a base table needs the label '{name}', got {', '.join(names)} in '{base.name}': name the generator's table"
            )


def check_rules(source: LabelTable, base: LabelTable, rules: Sequence[Rule]) -> None:
    """Checks a complete set of rules.

    Raises:
        EchoSynthError: a name is not in its table, a label is mapped twice or not at all, ``outside`` or ``sector`` is not kept,
            or a base label takes more than it may.
    """
    check_base(base)
    _check_labels(source, rules)
    targets = [entry.name for entry in base.entries]
    for rule in rules:
        if rule.target not in targets:
            raise EchoSynthError(
                f"{_quoted(rule.labels)} must go to a label of the base table '{base.name}' ({', '.join(targets)}),"
                f" got '{rule.target}': choose one of these"
            )
    for name in KEPT:
        _check_kept(name, source, rules)
    for target in targets:
        _check_target(target, [rule for rule in rules if rule.target == target])
    _check_free([rule for rule in rules if rule.kind is RuleKind.REPURPOSE], base, rules)


def _check_labels(source: LabelTable, rules: Sequence[Rule]) -> None:
    known = [entry.name for entry in source.entries]
    written = [label for rule in rules for label in rule.labels]
    strange = [label for label in written if label not in known]
    if strange:
        raise EchoSynthError(
            f"rules must name labels of the source table '{source.name}' ({', '.join(known)}), got '{strange[0]}':"
            " correct the rule"
        )
    twice = [label for label in known if written.count(label) > 1]
    if twice:
        targets = ", ".join(f"'{rule.target}'" for rule in rules for label in rule.labels if label == twice[0])
        raise EchoSynthError(f"each source label is mapped once, got '{twice[0]}' -> {targets}: keep one of them")
    missing = [label for label in known if label not in written]
    if missing:
        raise EchoSynthError(
            f"each label of the source table '{source.name}' needs a rule, got none for {_quoted(missing)}: add identity,"
            " reduce or repurpose"
        )


def _check_kept(name: str, source: LabelTable, rules: Sequence[Rule]) -> None:
    if any(rule.kind is RuleKind.IDENTITY and rule.target == name for rule in rules):
        return
    for rule in rules:
        if name in rule.labels:
            raise EchoSynthError(
                f"'{name}' must be kept by identity, got {rule.operation} to '{rule.target}': leave it out of that rule"
            )
    raise EchoSynthError(
        f"the source table '{source.name}' needs a label that keeps '{name}' by identity, got none of"
        f" {', '.join(source.names.values())}: add '{name}' to the table and to its maps"
    )


def _check_target(target: str, rules: Sequence[Rule]) -> None:
    """Identities and reductions that meet at one base label."""
    kept = [label for rule in rules if rule.kind is RuleKind.IDENTITY for label in rule.labels]
    merges = [rule for rule in rules if rule.kind is RuleKind.REDUCE]
    if len(kept) > 1:
        raise EchoSynthError(
            f"one label at most keeps '{target}' by identity, got {_quoted(kept)}: merge the others into it by reduce"
        )
    if len(merges) > 1:
        labels = [label for rule in merges for label in rule.labels]
        raise EchoSynthError(
            f"one reduce rule at most goes to '{target}', got {len(merges)} ({_quoted(labels)}): write them as one"
        )
    if merges and len(merges[0].labels) + len(kept) < 2:
        raise EchoSynthError(
            f"reduce merges two labels or more, got {_quoted(merges[0].labels)} alone in '{target}': write identity, or"
            " repurpose where the meaning changes"
        )


def _check_free(repurposes: Sequence[Rule], base: LabelTable, rules: Sequence[Rule]) -> None:
    used = {rule.target for rule in rules}
    free = [entry.name for entry in base.entries if entry.name not in used]
    for rule in repurposes:
        others = [other for other in rules if other.target == rule.target and other is not rule]
        if others:
            remedy = f"choose {_quoted(free)}" if free else "no base label is free, use reduce"
            raise EchoSynthError(
                f"a base label is repurposed only where nothing else uses it, got {_quoted(rule.labels)} -> '{rule.target}'"
                f" beside {others[0].kind} of {_quoted(others[0].labels)}: {remedy}"
            )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
