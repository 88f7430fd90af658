r"""LPIPS: two frames as the layers of AlexNet see them, channels weighted as people judged pairs of photographs.

.. math:: d(x, y) = \sum_l \frac{1}{|P_l|} \sum_{p} w_l \cdot \left( \hat f_l(x)_p - \hat f_l(y)_p \right)^2

with activations scaled to unit length over channels at every place p of the five layers. AlexNet's weights are read from a
local file with torchvision's names (``features.0.weight``), the published w (version 0.1) from the package ``torchmetrics``.
The whole frame counts, black surround included, at its own size, as in the publication.

References:
    Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018.
    https://arxiv.org/abs/1801.03924
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.state_dict import read_state_dict
from monai_echosynth.networks.weights import weights_digest

__all__ = ["LPIPS", "SMALLEST", "alexnet_features", "load_lpips"]

_LAYERS: Final = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1))
"""Input and output channels, kernel, stride and padding of AlexNet's convolutions."""

SMALLEST: Final = 32
"""Edge in pixels of frames that leave something of the last layer, at least."""

_POOLED: Final = (0, 1)
_MEAN: Final = (-0.030, -0.088, -0.188)
_STD: Final = (0.458, 0.448, 0.450)


def alexnet_features() -> nn.Sequential:
    """AlexNet's convolutions, numbered as torchvision's ``features``, up to the last that LPIPS looks at."""
    layers: list[nn.Module] = []
    for number, (inputs, outputs, kernel, stride, padding) in enumerate(_LAYERS):
        layers += [nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.ReLU()]
        if number in _POOLED:
            layers.append(nn.MaxPool2d(3, 2))
    return nn.Sequential(*layers)


class LPIPS(nn.Module):
    """The distance.

    Attributes:
        name: what its weights are called.
        sha256: digest of AlexNet's weights.

    Args:
        features: of :func:`alexnet_features`, with weights.
        weights: (C_l,) of the channels of each layer.
        name: what to call it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, features: nn.Sequential, weights: list[Tensor], name: str = "AlexNet") -> None:
        super().__init__()
        self.features = features
        self.weights = nn.ParameterList(nn.Parameter(weight, requires_grad=False) for weight in weights)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.name, self.sha256 = name, weights_digest(features)

    @torch.inference_mode()
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances (B,) of frames (B, 1, X, Y) in [0, 1]."""
        sums = []
        for one, other, weight in zip(self._layers(first), self._layers(second), self.weights, strict=True):
            squares = (F.normalize(one, dim=1, eps=1e-10) - F.normalize(other, dim=1, eps=1e-10)).square()
            sums.append((squares.mean(dim=(2, 3)) * weight).sum(dim=1))
        return torch.stack(sums).sum(dim=0)

    def _layers(self, image: Tensor) -> list[Tensor]:
        """Activations of a picture, whose rows are the frame's second axis."""
        x = (2 * image.to(self.mean).transpose(-1, -2).expand(-1, 3, -1, -1) - 1 - self.mean) / self.std
        found = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(x)
        return found


def load_lpips(path: str | Path) -> LPIPS:
    """LPIPS with the AlexNet of a file.

    Args:
        path: weights with torchvision's names, such as ``alexnet-owt-7be5be79.pth``.

    Raises:
        EchoSynthError: the file is missing, damaged or of another network, or torchmetrics is not installed.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise EchoSynthError(f"weights of AlexNet were expected, got nothing at {path}: copy torchvision's file there")
    features = alexnet_features()
    found = {key.removeprefix("features."): value for key, value in read_state_dict(path).items()}
    wanted = features.state_dict()
    wrong = [key for key, value in wanted.items() if key not in found or found[key].shape != value.shape]
    if wrong:
        raise EchoSynthError(
            f"{path} must hold torchvision's AlexNet, got nothing that fits features.{wrong[0]}: choose that file"
        )
    features.load_state_dict({key: found[key] for key in wanted})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = LPIPS(features.requires_grad_(False), _published_weights(), f"AlexNet ({path.name})")
    return network.eval().to(device)


def _published_weights() -> list[Tensor]:
    """Weights of the channels, from the file that torchmetrics comes with."""
    package = find_spec("torchmetrics")
    if package is None or package.origin is None:
        raise EchoSynthError("LPIPS needs the package torchmetrics: pip install 'monai-echosynth[metrics]'")
    state = read_state_dict(Path(package.origin).parent / "functional" / "image" / "lpips_models" / "alex.pth")
    return [state[f"lin{number}.model.1.weight"].flatten() for number in range(len(_LAYERS))]
