"""Trajectories of a teacher, computed once and read from disk by memory mapping.

A deterministic sampler ties noise to image. The cache holds, for noise k and a mask, the states of the solver's path at a few
noise levels and the path's end. Parts appear whole: building that was killed goes on after the last one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import Dataset
from torch import Tensor
from tqdm import tqdm

from monai_echosynth.data.atomic import atomic_path, write_json
from monai_echosynth.data.latent_cache import LatentDataset
from monai_echosynth.diffusion.seeding import derive_seed, image_generator
from monai_echosynth.errors import EchoSynthError

__all__ = ["TrajectoryDataset"]

_FORMAT = 1
_PART = 32

Solve = Callable[..., Tensor]


class TrajectoryDataset(Dataset):
    """Data set of cached trajectories; solves on construction what is not there yet.

    Items: ``state`` (C, h, w) at the noise level ``sigma``, one of ``levels`` by the draw's seed, ``latent`` (C, h, w), the end
    of the trajectory, ``seed``, and ``seg``, ``sector`` and ``condition`` as in
    :class:`~monai_echosynth.data.latent_cache.LatentDataset`.

    Args:
        solve: callable (noise, seg, sector, **conditioning) -> states (B, levels + 1, C, h, w), the end last.
        levels: noise levels of the states.
        count: number of trajectories.
        teacher_key: identity of what solves: digest of weights, calls; another key makes the cache anew.
        progress: show a bar.
        **latents: arguments of :class:`~monai_echosynth.data.latent_cache.LatentDataset`, whose masks are taken in turn; noise k
            depends on (``seed``, k) alone. The trajectories lie in ``trajectories`` in its ``cache_dir``.

    Raises:
        EchoSynthError: no trajectory or no level is asked for.
    """

    def __init__(
        self,
        solve: Solve,
        levels: Sequence[float],
        count: int,
        teacher_key: str,
        progress: bool = True,
        **latents: Any,
    ) -> None:
        if count < 1 or not levels:
            raise EchoSynthError(
                f"trajectories need a count and levels, got {count} and {list(levels)}: ask for one or more"
            )
        self.masks = LatentDataset(**latents)
        super().__init__(self.masks.data)
        self.levels, self.count, self.cache_dir = tuple(levels), count, self.masks.cache_dir / "trajectories"
        source = json.loads((self.masks.cache_dir / "cache.json").read_text(encoding="utf-8"))["digest"]
        identity = [_FORMAT, teacher_key, list(self.levels), source]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        self._claim(digest)
        starts = range(0, count, _PART)
        missing = [start for start in starts if not self._path(start).is_file()]
        for start in tqdm(missing, desc="solving trajectories", unit="part", leave=False, disable=not progress):
            self._build(solve, start)
        self._parts = [np.load(self._path(start), mmap_mode="r") for start in starts]

    def __len__(self) -> int:
        """Number of trajectories."""
        return self.count

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:  # type: ignore[override]
        """One state of a cached trajectory; the seed of the draw chooses which."""
        index, seed = key if isinstance(key, tuple) else (key, key)
        states = self._parts[index // _PART][index % _PART]
        level = derive_seed(seed, "level") % len(self.levels)
        return {
            **self._told(index),
            "state": torch.from_numpy(states[level].astype(np.float32)),
            "sigma": self.levels[level],
            "latent": torch.from_numpy(states[-1].astype(np.float32)),
            "seed": seed,
        }

    def _told(self, index: int) -> dict[str, Any]:
        item = self.masks[index % len(self.masks)]
        return {name: item[name] for name in ("seg", "sector", "condition") if name in item}

    def _path(self, start: int) -> Path:
        return self.cache_dir / f"states_{start:08d}.npy"

    def _claim(self, digest: str) -> None:
        """Parts of another cache go before the first one of this is written."""
        marker = self.cache_dir / "trajectories.json"
        found = json.loads(marker.read_text(encoding="utf-8"))["digest"] if marker.is_file() else None
        if found != digest:
            marker.unlink(missing_ok=True)
            for path in self.cache_dir.glob("states_*.npy"):
                path.unlink(missing_ok=True)
            write_json(marker, {"digest": digest, "levels": list(self.levels)})

    def _build(self, solve: Solve, start: int) -> None:
        """Solve and write a part; parts are always of one size, so that a larger count extends a smaller one."""
        items = [self._told(index) for index in range(start, start + _PART)]
        seg, sector = (torch.stack([item[name] for item in items]).to(self.masks.device) for name in ("seg", "sector"))
        noise = torch.stack([self._noise(index) for index in range(start, start + _PART)]).to(self.masks.device)
        classes = torch.tensor([item["condition"] for item in items]) if "condition" in items[0] else None
        states = solve(
            noise, seg, sector, **({} if classes is None else {"class_labels": classes.to(self.masks.device)})
        )
        with atomic_path(self._path(start)) as path:
            np.save(path, states.cpu().numpy().astype(np.float16))

    def _noise(self, index: int) -> Tensor:
        shape = self.masks.latents.shape[1:]
        return torch.randn(shape, generator=image_generator(derive_seed(self.masks.seed, "trajectory"), index))
