"""Building blocks shared by the networks."""

from __future__ import annotations

from monai_echosynth.networks.blocks.spade import SPADE, SPADEVariant
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["SPADE", "SPADEVariant", "SpadeCache"]
