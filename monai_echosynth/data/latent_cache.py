"""Latents encoded once and read from disk by memory mapping.

The autoencoder is frozen while the denoising network trains, and its posterior mean is deterministic: encoding a frame in
every epoch would only repeat work. The cache holds each frame and a number of geometric variants of it (image and label
warped together), the fractional one-hot map averaged to the latent grid, and the latent sector.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.data import Dataset
from monai.transforms import Compose
from torch import Tensor
from tqdm import tqdm

from monai_echosynth.data.atomic import atomic_path, write_json
from monai_echosynth.data.seeded import SeededDataset
from monai_echosynth.diffusion.seeding import derive_seed

__all__ = ["LatentDataset"]

_FORMAT = 3


class LatentDataset(Dataset):
    """Data set of cached latents; encodes on construction unless a cache made from the same input exists.

    Items: ``latent`` (C, h, w) float32, ``seg`` (K, h, w) float32 fractions, ``sector`` (1, h, w) float32 in {0, 1}, the
    draw's ``seed``, and the frame's ``condition`` where it has one. Indexing as in
    :class:`~monai_echosynth.data.seeded.SeededDataset`.

    Args:
        data: list of dictionaries with ``image`` and ``label``.
        transform: deterministic preprocessing to ``image`` (1, X, Y) in [0, 1] and ``label`` (1, X, Y), followed by random
            geometric transforms that warp both.
        encode: callable (image, sector) -> latent, batched; deterministic.
        cache_dir: folder of the cache.
        key: identity of the encoder (a digest of its weights); another key makes the cache anew.
        downsampling: ratio of image to latent size.
        classes: number of semantic channels K.
        variants: versions of each frame; the first is the frame itself.
        seed: seed of the geometric variants.
        batch_size: frames encoded at once.
        device: device of the encoder.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Compose,
        encode: Callable[[Tensor, Tensor], Tensor],
        cache_dir: str | Path,
        key: str,
        downsampling: int = 4,
        classes: int = 5,
        variants: int = 4,
        seed: int = 0,
        batch_size: int = 16,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(list(data), transform)
        self.cache_dir = Path(cache_dir)
        self.classes, self.downsampling, self.variants, self.seed = classes, downsampling, variants, seed
        self.batch_size, self.device = batch_size, torch.device(device)
        assert isinstance(transform, Compose)
        self._frames = SeededDataset(self.data, transform, cache=False)
        self._plain = Compose(transform.transforms[: self._frames.first_random])
        identity = [_FORMAT, key, downsampling, classes, variants, seed, self._probe()]
        identity.append([_identity(item) for item in self.data])
        digest = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()
        marker = self.cache_dir / "cache.json"
        if _made_from(marker) != digest:
            marker.unlink(missing_ok=True)  # a marker never stands beside arrays of two caches
            self._build(encode)
            write_json(marker, {"digest": digest, "frames": len(self.data), "variants": variants})
        self.latents = np.load(self.cache_dir / "latents.npy", mmap_mode="r")
        self.segs = np.load(self.cache_dir / "segs.npy", mmap_mode="r")
        self.sectors = np.load(self.cache_dir / "sectors.npy", mmap_mode="r")

    def __len__(self) -> int:
        """Number of cached latents: frames times variants."""
        return len(self.latents)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:  # type: ignore[override]
        """One cached draw."""
        index, seed = key if isinstance(key, tuple) else (key, key)
        frame = self.data[index % len(self.data)]
        return {
            **({"condition": frame["condition"]} if "condition" in frame else {}),
            "latent": torch.from_numpy(self.latents[index].copy()),
            "seg": torch.from_numpy(self.segs[index].astype(np.float32) / self.downsampling**2),
            "sector": torch.from_numpy(self.sectors[index].astype(np.float32)),
            "seed": seed,
        }

    def _draw(self, index: int, variant: int) -> Mapping[str, Any]:
        """Variant of a frame; variant 0 is the frame itself."""
        if variant == 0:
            return self._plain(dict(self.data[index]))  # type: ignore[no-any-return]
        return self._frames[index, derive_seed(self.seed, "latent", index, variant)]

    def _probe(self) -> str:
        """Digest of what the transform makes of one frame: changes with the transform, however that is written."""
        digest = hashlib.sha256()
        for variant in range(min(self.variants, 2)):
            item = self._draw(0, variant)
            for name in ("image", "label"):
                digest.update(np.ascontiguousarray(torch.as_tensor(item[name]).cpu().numpy()).tobytes())
        return digest.hexdigest()

    def _build(self, encode: Callable[[Tensor, Tensor], Tensor]) -> None:
        latents, segs, sectors = [], [], []
        draws = [(i, v) for v in range(self.variants) for i in range(len(self.data))]
        steps = range(0, len(draws), self.batch_size)
        for start in tqdm(steps, desc="encoding latents", unit="batch", leave=False):
            items = [self._draw(i, v) for i, v in draws[start : start + self.batch_size]]
            image = torch.stack([torch.as_tensor(item["image"]) for item in items]).to(self.device)
            label = torch.stack([torch.as_tensor(item["label"]) for item in items]).to(self.device)
            sector = (label > 0).float()
            with torch.inference_mode():
                latents.append(encode(image * sector, sector).float().cpu().numpy())
            segs.append(self._fractions(label))
            sectors.append(F.max_pool2d(sector, self.downsampling).cpu().numpy().astype(np.uint8))
        self.cache_dir.mkdir(parents=True, exist_ok=True)
        for name, parts in (("latents", latents), ("segs", segs), ("sectors", sectors)):
            with atomic_path(self.cache_dir / f"{name}.npy") as path:
                np.save(path, np.concatenate(parts))

    def _fractions(self, label: Tensor) -> np.ndarray:
        """Pixels of each class within each latent pixel, (B, K, h, w) uint8 counts up to ``downsampling**2``."""
        seg = F.one_hot(label[:, 0].long(), self.classes).movedim(-1, 1).float()
        counts = F.avg_pool2d(seg, self.downsampling) * self.downsampling**2
        return counts.round().cpu().numpy().astype(np.uint8)


def _made_from(marker: Path) -> str | None:
    """Digest of the input that the cache was made from; None where there is no whole cache."""
    try:
        return str(json.loads(marker.read_text(encoding="utf-8"))["digest"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _identity(item: Mapping[str, Any]) -> list[Any]:
    """What tells a frame from another: its name and the bytes of its files."""
    digests = [hashlib.sha256(Path(item[k]).read_bytes()).hexdigest() for k in ("image", "label")]
    return [item.get("id"), *digests]
