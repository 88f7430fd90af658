"""Features of a ResNet-50 whose weights lie in a file, such as RadImageNet's, in MONAI's network.

Accepted names of tensors: torchvision's (``layer1.0.conv1.weight``), those below a prefix, and RadImageNet's, whose
backbone is the list of torchvision's children (``backbone.4.0.conv1.weight`` is ``layer1.0.conv1.weight``). RadImageNet
was trained on pictures of 224 pixels in [-1, 1].

References:
    Mei et al., "RadImageNet: An Open Radiologic Deep Learning Research Dataset for Effective Transfer Learning", 2022.
    https://doi.org/10.1148/ryai.210315
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import torch
from monai.networks.nets import ResNet
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import Activations, FeatureNetwork, pictures
from monai_echosynth.networks.features.state_dict import read_state_dict
from monai_echosynth.networks.weights import weights_digest

__all__ = ["resnet50", "resnet50_features"]

_CHILDREN: Final = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_SIZE: Final = 224


def resnet50() -> ResNet:
    """ResNet-50 for three channels with torchvision's parameter names, without the last layer."""
    return ResNet(
        "bottleneck",
        [3, 4, 6, 3],
        [64, 128, 256, 512],
        spatial_dims=2,
        n_input_channels=3,
        conv1_t_stride=2,
        feed_forward=False,
        bias_downsample=False,
    )


def resnet50_features(path: str | Path, name: str = "RadImageNet ResNet-50") -> FeatureNetwork:
    """The network with the weights of a file (``.safetensors``, or a plain state dict in ``.pt`` or ``.pth``).

    Args:
        path: the file.
        name: what to call it.

    Raises:
        EchoSynthError: the file is missing, damaged, or belongs to another network.
    """
    path = Path(path)
    if not path.is_file():
        raise EchoSynthError(f"weights of a ResNet-50 were expected, got nothing at {path}: copy the file there")
    network = resnet50()
    found = {_torchvision(key): value for key, value in read_state_dict(path).items()}
    wanted = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    wrong = [key for key in wanted if key not in found or found[key].shape != wanted[key].shape]
    if wrong:
        raise EchoSynthError(
            f"{path} must hold the weights of a ResNet-50, got none that fit {wrong[0]} ({len(wrong)} of {len(wanted)} missing): "
            "choose the PyTorch file of its ResNet-50, or save the network as TorchScript"
        )
    network.load_state_dict({key: found[key] for key in wanted}, strict=False)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.requires_grad_(False).eval().to(device)

    def forward(image: Tensor) -> Activations:
        x = network.maxpool(network.act(network.bn1(network.conv1(pictures(image, _SIZE).to(device)))))
        levels = []
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            x = layer(x)
            levels.append(x.transpose(-1, -2))
        return Activations(x.mean(dim=(2, 3)), tuple(levels))

    return FeatureNetwork(f"{name} ({path.name})", weights_digest(network), False, forward)


def _torchvision(key: str) -> str:
    """Torchvision's name of a tensor."""
    listed = re.match(r"(?:.*\.)?backbone\.(\d)\.(.*)", key)
    if listed and listed.group(1) in _CHILDREN:
        return f"{_CHILDREN[listed.group(1)]}.{listed.group(2)}"
    known = re.search(r"(?:^|\.)((?:layer[1-4]\.\d+\..*)|(?:(?:conv1|bn1)\.[a-z_]+))$", key)
    return known.group(1) if known else key
