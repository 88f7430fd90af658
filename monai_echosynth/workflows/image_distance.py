"""Kernel distance between real and synthetic frames in the features of a segmenter that was trained on real frames.

The usual features come from a network for photographs, which a machine without network access has not, and to which all
echocardiograms look alike; those of a segmenter of the domain look at what the frames are for. The segmenter normalizes each
frame, so differences of gain alone do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset
from numpy.typing import NDArray

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.kernel_distance import KernelDistance, kernel_distance
from monai_echosynth.networks.nets.segmenter_features import segmenter_features
from monai_echosynth.networks.weights import load_weights

__all__ = ["frame_features", "image_distance"]


def image_distance(
    segmenter: str | Path, real: str | Path, synthetic: str | Path, section: str = "test", seed: int = 0
) -> KernelDistance:
    """KID of the ``training`` frames of a synthetic set to one section of a real one.

    Args:
        segmenter: trained ``echo_segmentation`` bundle.
        real: prepared folder of real frames.
        synthetic: folder that ``echosynth generate`` wrote, or another prepared folder.
        section: section of the real folder.
        seed: seed of the halves that the standard deviation is over.

    Raises:
        EchoSynthError: a section is not there.
        ValueError: fewer than four frames.
    """
    sets = (load_datalist(real, section), load_datalist(synthetic, "training"))
    first, second = (frame_features(segmenter, items) for items in sets)
    return kernel_distance(first, second, seed=seed)


def frame_features(segmenter: str | Path, items: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
    """Features (n, F) of the frames of a datalist.

    Args:
        segmenter: trained ``echo_segmentation`` bundle.
        items: entries with the path ``image``.

    Raises:
        EchoSynthError: the bundle is not there.
    """
    if not (Path(segmenter) / "configs" / "inference.json").is_file():
        raise EchoSynthError(f"a trained echo_segmentation bundle was expected, got {segmenter}: name one")
    parser = ConfigParser()
    parser.read_config(str(Path(segmenter) / "configs" / "inference.json"))
    parser["bundle_root"] = str(segmenter)
    network = load_weights(parser.get_parsed_content("network"), parser.get_parsed_content("weights_path")).eval()
    device = parser.get_parsed_content("device")
    images = [{"image": item["image"]} for item in items]
    loader = DataLoader(Dataset(images, parser.get_parsed_content("preprocessing")), batch_size=16)
    batches = [segmenter_features(network, torch.as_tensor(batch["image"]).to(device)) for batch in loader]
    return np.asarray(torch.cat(batches).cpu().numpy())
