"""How the points of a shape make up its curves: a planar net of arcs in which touching curves share their points.

A shape is one array of points (L, 2). The points of a contact are stored once and belong to every curve that the contact lies
on. Means and principal modes are linear, so whatever combination of modes is drawn, curves that shared points still do: the
mitral plane of a sampled heart is one line, with no gap between cavity and atrium and no overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.shapes.adjacency import Pair
from monai_echosynth.data.shapes.arcs import sees
from monai_echosynth.data.shapes.outlines import Outline

__all__ = ["ShapeLayout", "follows", "owner"]


def owner(contact: Pair, outlines: tuple[Outline, ...]) -> Outline:
    """The curve that a contact's points are measured on: the first that it lies on."""
    return next(outline for outline in outlines if sees(outline, contact))


def follows(outline: Outline, contact: Pair, outlines: tuple[Outline, ...]) -> bool:
    """True when the curve runs along the contact in the direction of the owner: the same label is inside both."""
    return (contact[0] in outline.labels) == (contact[0] in owner(contact, outlines).labels)


@dataclass(frozen=True)
class ShapeLayout:
    """Names and numbers of the points of a shape.

    Attributes:
        outlines: curves in painting order.
        contacts: pairs of labels whose border is shared.
        orders: contacts along each curve, by its name; empty for a curve that touches none.
        contact_points: number of points on each contact, both ends included.
        free_points: number of points between the contacts of each curve, by its name, in the order of ``orders``; of the
            whole curve where there is none.
    """

    outlines: tuple[Outline, ...]
    contacts: tuple[Pair, ...]
    orders: Mapping[str, tuple[Pair, ...]]
    contact_points: tuple[int, ...]
    free_points: Mapping[str, tuple[int, ...]]

    @cached_property
    def size(self) -> int:
        """Number of points L of a shape."""
        return sum(self.contact_points) + sum(sum(counts) for counts in self.free_points.values())

    @cached_property
    def contact_index(self) -> dict[Pair, NDArray[np.int64]]:
        """Positions of each contact's points, in the owner's direction."""
        ends = np.cumsum([0, *self.contact_points])
        return {pair: np.arange(ends[i], ends[i + 1]) for i, pair in enumerate(self.contacts)}

    @cached_property
    def rings(self) -> dict[str, NDArray[np.int64]]:
        """Positions of the points of each closed curve, counterclockwise."""
        free = self.free_index
        rings = {}
        for outline in self.outlines:
            parts: list[NDArray[np.int64]] = []
            order = self.orders[outline.name]
            for number, indices in enumerate(free[outline.name]):
                if order:
                    shared = self.contact_index[order[number]]
                    parts.append(shared if follows(outline, order[number], self.outlines) else shared[::-1])
                parts.append(indices)
            rings[outline.name] = np.concatenate(parts)
        return rings

    @cached_property
    def free_index(self) -> dict[str, tuple[NDArray[np.int64], ...]]:
        """Positions of the points of the free arcs of each curve."""
        counter = iter(self._free_blocks())
        return {outline.name: tuple(next(counter) for _ in self.free_points[outline.name]) for outline in self.outlines}

    def _free_blocks(self) -> Iterator[NDArray[np.int64]]:
        start = sum(self.contact_points)
        for outline in self.outlines:
            for count in self.free_points[outline.name]:
                yield np.arange(start, start + count)
                start += count

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON; inverse of :meth:`from_dict`."""
        return {
            "outlines": [{"name": o.name, "labels": list(o.labels), "paint": o.paint} for o in self.outlines],
            "contacts": [list(pair) for pair in self.contacts],
            "orders": {name: [list(pair) for pair in order] for name, order in self.orders.items()},
            "contact_points": list(self.contact_points),
            "free_points": {name: list(counts) for name, counts in self.free_points.items()},
        }

    @classmethod
    def from_dict(cls, layout: Mapping[str, Any]) -> ShapeLayout:
        """Layout from what :meth:`to_dict` gave."""
        return cls(
            outlines=tuple(Outline(o["name"], tuple(o["labels"]), o["paint"]) for o in layout["outlines"]),
            contacts=tuple((first, second) for first, second in layout["contacts"]),
            orders={name: tuple((a, b) for a, b in order) for name, order in layout["orders"].items()},
            contact_points=tuple(int(count) for count in layout["contact_points"]),
            free_points={name: tuple(int(c) for c in counts) for name, counts in layout["free_points"].items()},
        )
