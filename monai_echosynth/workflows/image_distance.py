"""Kernel distance between real and synthetic frames in the features of a segmenter that was trained on real frames.

The usual features come from a network for photographs, which a machine without network access has not, and to which all
echocardiograms look alike; those of a segmenter of the domain look at what the frames are for. The segmenter normalizes each
frame, so differences of gain alone do not count.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset
from numpy.typing import NDArray

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.metrics.kernel_distance import KernelDistance, kernel_distance
from monai_echosynth.networks.nets.segmenter_features import segmenter_features
from monai_echosynth.networks.weights import load_weights

__all__ = ["image_distance"]


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
    return kernel_distance(_features(segmenter, real, section), _features(segmenter, synthetic, "training"), seed=seed)


def _features(segmenter: str | Path, folder: str | Path, section: str) -> NDArray[np.float32]:
    parser = ConfigParser()
    parser.read_config(str(Path(segmenter) / "configs" / "inference.json"))
    parser["bundle_root"] = str(segmenter)
    network = load_weights(parser.get_parsed_content("network"), parser.get_parsed_content("weights_path")).eval()
    device = parser.get_parsed_content("device")
    items = [{"image": item["image"]} for item in load_datalist(folder, section)]
    loader = DataLoader(Dataset(items, parser.get_parsed_content("preprocessing")), batch_size=16)
    batches = [segmenter_features(network, torch.as_tensor(batch["image"]).to(device)) for batch in loader]
    return np.asarray(torch.cat(batches).cpu().numpy())
