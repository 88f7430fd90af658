"""Feature networks by name: ``domain``, or a kind and a local path such as ``inception:weights/inception-2015-12-05.pt``.

The default is a network of the domain that the project trains itself, the segmenter of real frames, so that nothing is
downloaded.
"""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import torch
from monai.networks.nets import DynUNet
from torch import Tensor

from monai_echosynth.alignment.frozen_segmenter import load_frozen_segmenter
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import Activations, FeatureNetwork
from monai_echosynth.networks.features.resnet import resnet50_features
from monai_echosynth.networks.features.torchscript import torchscript_features
from monai_echosynth.networks.features.transformers_folder import transformers_features
from monai_echosynth.networks.nets.segmenter_features import segmenter_levels
from monai_echosynth.networks.weights import weights_digest

__all__ = ["Extractor", "ExtractorKind", "domain_features", "load_extractor", "parse_extractor"]


class ExtractorKind(StrEnum):
    """Networks whose features frames are compared in."""

    DOMAIN = "domain"
    """A trained ``echo_segmentation`` bundle."""
    INCEPTION = "inception"
    """FID's Inception network as TorchScript."""
    RADIMAGENET = "radimagenet"
    """ResNet-50 trained on RadImageNet: safetensors, a state dict or TorchScript."""
    DINOV2 = "dinov2"
    """Folder for ``transformers``."""
    CLIP = "clip"
    """Folder for ``transformers``."""
    TORCHSCRIPT = "torchscript"
    """Any network saved as TorchScript, pictures of 224 pixels in [-1, 1]."""


class Extractor(NamedTuple):
    """A kind and where its files lie; no path for the network of the domain that is trained on the spot."""

    kind: ExtractorKind
    path: Path | None


def parse_extractor(text: str) -> Extractor:
    """Reads ``KIND`` or ``KIND:PATH`` and looks whether the path is there.

    Raises:
        EchoSynthError: the kind is not known, or the path is missing.
    """
    name, _, where = text.partition(":")
    if name not in list(ExtractorKind):
        raise EchoSynthError(
            f"an extractor must be one of {', '.join(ExtractorKind)}, got '{text}': write KIND or KIND:PATH"
        )
    kind = ExtractorKind(name)
    if not where:
        if kind is ExtractorKind.DOMAIN:
            return Extractor(kind, None)
        raise EchoSynthError(
            f"the extractor '{kind}' needs its local file or folder, got none: write {kind}:PATH, or use 'domain'"
        )
    path = Path(where).expanduser()
    if not path.exists():
        raise EchoSynthError(
            f"the extractor '{kind}' was expected at {path}, which does not exist: nothing is downloaded, copy it there"
        )
    return Extractor(kind, path)


def load_extractor(extractor: Extractor) -> FeatureNetwork:
    """The network.

    Raises:
        EchoSynthError: there is no path, or what lies there is missing parts, damaged or of another kind.
    """
    kind, path = extractor
    if path is None:
        raise EchoSynthError(f"the extractor '{kind}' needs a path, got none: name one")
    if kind is ExtractorKind.DOMAIN:
        return domain_features(path)
    if kind in (ExtractorKind.DINOV2, ExtractorKind.CLIP):
        return transformers_features(path, {"clip": "CLIP", "dinov2": "DINOv2"}[kind])
    if kind is ExtractorKind.INCEPTION:
        return torchscript_features(path, "Inception", 299)
    if kind is ExtractorKind.RADIMAGENET and not _is_archive_of_code(path):
        return resnet50_features(path)
    return torchscript_features(path, {"radimagenet": "RadImageNet"}.get(kind, "TorchScript"), 224)


def domain_features(bundle: str | Path) -> FeatureNetwork:
    """Contracting path of the segmenter of a bundle; features are means over space of all its levels.

    Raises:
        EchoSynthError: the folder is no trained ``echo_segmentation`` bundle.
    """
    frozen = load_frozen_segmenter(bundle)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    frozen.to(device)
    network = frozen.network
    assert isinstance(network, DynUNet)

    def forward(image: Tensor) -> Activations:
        levels = segmenter_levels(network, frozen.preprocessed(image.to(device)))
        return Activations(torch.cat([level.mean(dim=(2, 3)) for level in levels], dim=1), levels)

    return FeatureNetwork(f"segmenter of real frames ({Path(bundle).name})", weights_digest(network), True, forward)


def _is_archive_of_code(path: Path) -> bool:
    """TorchScript files are zip archives that hold ``code/``; state dicts are not."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())
