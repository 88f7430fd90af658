"""MaskR2: which channel of a trained generator each label of a new table takes.

A generator reads K one-hot channels and knows the look of the K labels it was trained with. MaskR2 is a map f from the labels
of a source table to those of this base table, written as rules of three kinds:

    identity   la -> la             the base label means the same
    reduce     {la, ra} -> la       labels merge into a super-class under a base label that suits all of them
    repurpose  {ra, rv} -> myo      a base label that nothing else uses takes a new meaning, which an adapter then learns

f is total and single-valued. Each base label means one thing: one identity at most, joined by one ``reduce`` at most (the
super-class then holds the identity's label too), or one ``repurpose`` alone. A ``repurpose`` of several labels merges them first.
``outside`` and ``sector`` are kept by identity, always, since they say where the scanner draws; their rules may be left out.
f forgets what it merges: training on the structures needs the original map beside the remapped one
(:class:`~monai_echosynth.transforms.mask_r2.MaskR2d` keeps it).

References:
    From Transthoracic to Transesophageal: Cross-Modality Generation using LoRA Diffusion, 2025.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_echosynth.data.label_table import LabelEntry, LabelTable
from monai_echosynth.data.mask_r2_rules import KEPT, Rule, RuleKind, check_rules
from monai_echosynth.errors import EchoSynthError

__all__ = ["RemapRow", "Remapping"]


@dataclass(frozen=True)
class RemapRow:
    """What becomes of one source label.

    Attributes:
        label: the label.
        rule: the rule that maps it.
        target: the base label it takes.
    """

    label: LabelEntry
    rule: Rule
    target: LabelEntry


@dataclass(frozen=True)
class Remapping:
    """A validated mapping of every source label onto a base label.

    Args:
        source: table of the maps to convert.
        base: table that the generator was trained with.
        rules: stored complete and in the order of the source table, so equal mappings are equal objects.

    Raises:
        EchoSynthError: a rule breaks the conditions above; the message names the label.
    """

    source: LabelTable
    base: LabelTable
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        rules = (*self.rules, *_implied(self.source, self.base, tuple(self.rules)))
        check_rules(self.source, self.base, rules)
        rank = {entry.name: entry.channel for entry in self.source.entries}
        ordered = [Rule(rule.kind, tuple(sorted(rule.labels, key=rank.__getitem__)), rule.target) for rule in rules]
        object.__setattr__(self, "rules", tuple(sorted(ordered, key=lambda rule: rank[rule.labels[0]])))

    @classmethod
    def from_dict(
        cls, content: Mapping[str, Any], source: LabelTable | None = None, base: LabelTable | None = None
    ) -> Remapping:
        """Mapping from ``{"source": table, "base": table, "rules": [{"kind", "labels", "target"}, ...]}``.

        Args:
            content: tables as in :meth:`LabelTable.from_dict`; those given as arguments may be left out.
            source: source table; must agree with the stored one.
            base: base table; must agree with the stored one.
        """
        tables = [_table(content, key, given) for key, given in (("source", source), ("base", base))]
        rows = content.get("rules")
        if not isinstance(rows, list):
            raise EchoSynthError(f"a remapping needs a list under 'rules', got {rows!r}: see Remapping.from_dict")
        return cls(tables[0], tables[1], tuple(Rule.from_dict(row) for row in rows))

    @classmethod
    def from_file(
        cls, path: str | PathLike[str], source: LabelTable | None = None, base: LabelTable | None = None
    ) -> Remapping:
        """Mapping from a JSON file with the keys of :meth:`from_dict`, or, with both tables given, the list of rules alone."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EchoSynthError(f"rules must be a readable JSON file, got {path} ({error}): check it") from error
        try:
            return cls.from_dict(content if isinstance(content, dict) else {"rules": content}, source, base)
        except EchoSynthError as error:
            raise EchoSynthError(f"{path}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Inverse of :meth:`from_dict`; plain values that JSON holds."""
        rules = [rule.to_dict() for rule in self.rules]
        return {"source": self.source.to_dict(), "base": self.base.to_dict(), "rules": rules}

    def rows(self) -> tuple[RemapRow, ...]:
        """One row per source label, in channel order."""
        rule_of = {label: rule for rule in self.rules for label in rule.labels}
        targets = {entry.name: entry for entry in self.base.entries}
        return tuple(
            RemapRow(entry, rule_of[entry.name], targets[rule_of[entry.name].target]) for entry in self.source.entries
        )

    def sources_of(self, target: str) -> tuple[str, ...]:
        """Names of the source labels that the base label ``target`` stands for; empty when it is unused."""
        self.base.id_of(target)
        return tuple(row.label.name for row in self.rows() if row.target.name == target)

    @property
    def unused(self) -> tuple[str, ...]:
        """Base labels that no source label takes."""
        return tuple(entry.name for entry in self.base.entries if not self.sources_of(entry.name))

    @cached_property
    def base_id_of_id(self) -> NDArray[np.uint8]:
        """Look-up table (256,) from source id to base id; read it at ids of the source table only."""
        table = np.zeros(256, np.uint8)
        for row in self.rows():
            table[row.label.id] = row.target.id
        return table

    def apply(self, label: Any, origin: object = "the label map") -> Any:
        """Remaps a label map of any shape.

        Args:
            label: array or tensor (on any device) of ids of ``source``, integers or floats without fractions.
            origin: file or key that errors name.

        Returns:
            New array or plain tensor of the same shape with ids of ``base``; the type is kept, but for those that cannot hold
            ids up to 255 (bool, int8), which are widened.

        Raises:
            EchoSynthError: an id is not in the source table.
        """
        if isinstance(label, Tensor):
            values = label.detach().as_subclass(Tensor)
            self.source.check(torch.unique(values).cpu().numpy(), origin)
            lookup = torch.from_numpy(self.base_id_of_id).to(values.device)
            return lookup[values.long()].to(torch.promote_types(values.dtype, torch.uint8))
        array = np.asarray(label)
        self.source.check(array, origin)
        return self.base_id_of_id[array.astype(np.uint8)].astype(np.result_type(array.dtype, np.uint8))


def _implied(source: LabelTable, base: LabelTable, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Identity of ``outside`` and ``sector`` where both tables have them and no rule speaks of them."""
    written = {label for rule in rules for label in rule.labels}
    common = {entry.name for entry in source.entries} & {entry.name for entry in base.entries}
    return tuple(Rule(RuleKind.IDENTITY, (name,), name) for name in KEPT if name in common - written)


def _table(content: Mapping[str, Any], key: str, given: LabelTable | None) -> LabelTable:
    stored = LabelTable.from_dict(content[key]) if isinstance(content.get(key), Mapping) else None
    table = given or stored
    if table is None:
        raise EchoSynthError(f"a remapping needs a label table under '{key}', got none: add it or name one")
    if stored is not None and _meaning(stored) != _meaning(table):
        raise EchoSynthError(
            f"rules were written for the {key} table '{stored.name}' ({', '.join(stored.names.values())}), got"
            f" '{table.name}' ({', '.join(table.names.values())}): use that table or write rules for this one"
        )
    return table


def _meaning(table: LabelTable) -> list[tuple[int, str, int]]:
    return [(entry.id, entry.name, entry.channel) for entry in table.entries]
