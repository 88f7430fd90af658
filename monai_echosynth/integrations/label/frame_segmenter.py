"""Runs the inference workflow of an ``echo_segmentation`` bundle on frames in memory, with weights that a training may replace.

Preprocessing, network, inferer and postprocessing are those of ``configs/inference.json``; what reads and writes files there
is left out. Weights are read anew when their file has changed, since Label trains in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from numpy.typing import NDArray
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.segmenter_features import segmenter_features
from monai_echosynth.networks.weights import load_weights
from monai_echosynth.workflows.bundle_config import read_config

__all__ = ["FrameSegmenter"]

_NEEDED = ("network_def", "weights_path", "preprocessing", "postprocessing", "inferer")
_FILE_TRANSFORMS = ("LoadImaged", "SaveImaged", "SqueezeDimd", "monai_echosynth.transforms.slice_axis.AddSliceAxisd")
_BATCH = 16


class FrameSegmenter:
    """A trained segmentation bundle.

    Args:
        bundle: bundle folder.
        device: where to compute; the one that the config chooses when left out.

    Raises:
        EchoSynthError: the folder is no bundle, its config lacks a key, or its weights are missing or belong to another network.
    """

    def __init__(self, bundle: Path, device: str | None = None) -> None:
        self.bundle = bundle
        self._parser = _parser(bundle, device)
        self.device = torch.device(self._parser.get_parsed_content("device"))
        self._network = self._parser.get_parsed_content("network_def").to(self.device)
        self._weights = Path(self._parser.get_parsed_content("weights_path"))
        self._stamp: tuple[int, int] | None = None
        self.stamp()

    def stamp(self) -> tuple[int, int]:
        """Reads the weights if their file is another than the last time; returns what tells the two apart."""
        found = self._weights.stat() if self._weights.is_file() else None
        stamp = (found.st_mtime_ns, found.st_size) if found else None
        if stamp is None or stamp != self._stamp:
            load_weights(self._network, self._weights).eval()
            self._stamp = stamp
        assert self._stamp is not None
        return self._stamp

    @torch.no_grad()
    def labels(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Label maps (X, Y, T) of frames (X, Y, T) in gray levels."""
        post = self._parser.get_parsed_content("postprocessing")
        maps = []
        for items, logits in self._computed(frames):
            for item, scores in zip(items, logits.float().cpu(), strict=True):
                result = post({"image": item, "pred": MetaTensor(scores)})["pred"]
                maps.append(np.asarray(result).reshape(frames.shape[:2]).astype(np.uint8))
        return np.stack(maps, axis=-1)

    @torch.no_grad()
    def probabilities(self, frames: NDArray[np.uint8]) -> Tensor:
        """Class probabilities (T, K, s, s) of frames (X, Y, T), on the grid of the network."""
        return torch.cat([logits.float().softmax(dim=1).cpu() for _, logits in self._computed(frames)])

    @torch.no_grad()
    def features(self, frames: NDArray[np.uint8]) -> Tensor:
        """Embeddings (T, F) of frames (X, Y, T): means of the activations of the contracting path."""
        self.stamp()
        batches = (torch.stack([item.as_tensor() for item in items]) for items in self._prepared(frames))
        return torch.cat([segmenter_features(self._network, batch.to(self.device)).float().cpu() for batch in batches])

    def _computed(self, frames: NDArray[np.uint8]) -> Iterator[tuple[list[MetaTensor], Tensor]]:
        """Preprocessed frames and their logits, batch by batch."""
        self.stamp()
        inferer = self._parser.get_parsed_content("inferer")
        for items in self._prepared(frames):
            batch = torch.stack([item.as_tensor() for item in items]).to(self.device)
            yield items, inferer(batch, self._network)

    def _prepared(self, frames: NDArray[np.uint8]) -> Iterator[list[MetaTensor]]:
        prepare = self._parser.get_parsed_content("preprocessing")
        for start in range(0, frames.shape[-1], _BATCH):
            batch = np.moveaxis(frames[..., start : start + _BATCH], -1, 0)
            yield [prepare({"image": MetaTensor(torch.tensor(frame, dtype=torch.float32))})["image"] for frame in batch]


def _parser(bundle: Path, device: str | None) -> ConfigParser:
    """Inference config of the bundle without the transforms that touch files."""
    config = read_config(bundle)
    missing = [key for key in _NEEDED if key not in config]
    if missing:
        raise EchoSynthError(
            f"an inference config needs the keys {', '.join(_NEEDED)}, got no {', '.join(missing)} in"
            f" {bundle / 'configs' / 'inference.json'}: correct the config"
        )
    for key in ("preprocessing", "postprocessing"):
        transforms: list[dict[str, Any]] = config[key]["transforms"]
        config[key]["transforms"] = [entry for entry in transforms if entry.get("_target_") not in _FILE_TRANSFORMS]
    config |= {"bundle_root": str(bundle), **({"device": device} if device else {})}
    return ConfigParser(config)
