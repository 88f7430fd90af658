"""Numbers that are none become None, as JSON has no word for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["finite_json"]


def finite_json(value: Any) -> Any:
    """The value with None for NaN and infinity, however deep in mappings, lists and tuples they lie."""
    if isinstance(value, Mapping):
        return {key: finite_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite_json(item) for item in value]
    return None if isinstance(value, float | np.floating) and not np.isfinite(value) else value
