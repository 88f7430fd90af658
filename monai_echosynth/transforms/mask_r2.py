"""MaskR2 as MONAI transforms around :class:`~monai_echosynth.data.mask_r2.Remapping`.

load (source ids) -> MaskR2d -> label (base ids) -> LabelToSegd -> seg, what the generator reads
                             -> label_original (source ids), what the downstream task learns
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import deepcopy
from os import PathLike
from typing import Any

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type, ensure_tuple

from monai_echosynth.data.mask_r2 import Remapping
from monai_echosynth.errors import EchoSynthError

__all__ = ["MaskR2", "MaskR2d"]

RemappingLike = Remapping | Mapping[str, Any] | str | PathLike[str]
"""A remapping, its dictionary, or the path of its JSON file."""


class MaskR2(Transform):
    """Ids of a new label table to ids of the generator's table.

    Args:
        remapping: the mapping, as an object, as ``to_dict`` gives it, or as a file that holds both tables and the rules.
    """

    def __init__(self, remapping: RemappingLike) -> None:
        self.remapping = _remapping(remapping)

    def __call__(self, label: Any, origin: object = "the label map") -> Any:
        """Remaps one map.

        Args:
            label: (X, Y) or (1, X, Y) ids of the source table.
            origin: what errors name.

        Returns:
            Ids of the base table, of the shape, type and meta data of ``label``, which is left as it was.

        Raises:
            EchoSynthError: the shape is another, or an id is unknown.
        """
        shape = tuple(label.shape)
        if len(shape) not in (2, 3) or (len(shape) == 3 and shape[0] != 1):
            raise EchoSynthError(
                f"a label map must be (X, Y) or (1, X, Y), got shape {shape} in {origin}: pick one frame"
            )
        result = self.remapping.apply(label, origin)
        if isinstance(label, MetaTensor):
            result = convert_to_dst_type(result, label, dtype=result.dtype)[0]
            result.meta = deepcopy(label.meta)  # both maps go on side by side
        return result


class MaskR2d(MapTransform):
    """Dictionary version of :class:`MaskR2` that keeps the original maps under further keys.

    Args:
        keys: label maps.
        remapping: as in :class:`MaskR2`.
        original_keys: where the original maps go, one per key; each key with ``postfix`` when None.
        postfix: makes the names of the original maps.
        allow_missing_keys: pass over keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        remapping: RemappingLike,
        original_keys: KeysCollection | None = None,
        postfix: str = "_original",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        named = original_keys is not None
        self.original_keys = ensure_tuple(original_keys) if named else tuple(f"{key}{postfix}" for key in self.keys)
        clash = {*self.original_keys} & {*self.keys}
        if len(self.original_keys) != len(self.keys) or clash:
            raise EchoSynthError(
                f"MaskR2d needs one new key per map, got {self.original_keys} for {self.keys}: match them"
            )
        self.convert = MaskR2(remapping)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns a copy of ``data`` with remapped maps and, beside them, the original ones."""
        items = dict(data)
        for key, original in self.key_iterator(items, self.original_keys):
            if original in items:
                raise EchoSynthError(
                    f"MaskR2d keeps the original of '{key}' under '{original}', got an item that has it: choose original_keys"
                )
            items[original] = items[key]
            items[key] = self.convert(items[key], _origin(items[key], key))
        return items


def _remapping(given: RemappingLike) -> Remapping:
    if isinstance(given, Remapping):
        return given
    return Remapping.from_dict(given) if isinstance(given, Mapping) else Remapping.from_file(given)


def _origin(label: Any, key: Hashable) -> str:
    """File of a map where it is known, otherwise its key."""
    path = label.meta.get("filename_or_obj") if isinstance(label, MetaTensor) else None
    return str(path) if path else f"'{key}'"
