"""Features of any network that was saved as TorchScript, in particular the Inception network that FID is published with.

That file (``inception-2015-12-05.pt``) takes gray levels 0 to 255 at any size and a switch ``return_features``; it is
recognized by the switch. Other files get square pictures of a size and range that the caller names. Maps (B, C, h, w) are
averaged over space.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import Activations, FeatureNetwork, pictures

__all__ = ["torchscript_features"]

_SWITCH = "return_features"


def torchscript_features(path: str | Path, name: str, size: int = 299) -> FeatureNetwork:
    """The network of a TorchScript file; pictures are in [-1, 1] unless it is FID's Inception.

    Args:
        path: the file.
        name: what to call it.
        size: edge of its pictures in pixels.

    Raises:
        EchoSynthError: the file is missing, is no TorchScript, or does not answer with one vector or map a picture.
    """
    path = Path(path)
    if not path.is_file():
        raise EchoSynthError(f"a TorchScript file was expected, got nothing at {path}: copy the extractor's file there")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        module = torch.jit.load(str(path), map_location=device).eval()
    except RuntimeError as error:
        raise EchoSynthError(
            f"an extractor must be a TorchScript file, got another one or a damaged one in {path} "
            f"({str(error).splitlines()[0]}): save it with torch.jit"
        ) from error
    published = any(argument.name == _SWITCH for argument in module.forward.schema.arguments)

    def forward(image: Tensor) -> Activations:
        if published:
            gray = torch.round(255.0 * image.transpose(-1, -2)).clamp(0, 255).to(torch.uint8)
            found = module(gray.expand(-1, 3, -1, -1).to(device), return_features=True)
        else:
            found = module(pictures(image, size).to(device))
        if not isinstance(found, Tensor) or found.ndim not in (2, 4) or len(found) != len(image):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise EchoSynthError(
                f"an extractor must answer with (B, F) or (B, C, h, w), got {got} of {len(image)} frames from {path}: wrap it"
            )
        if found.ndim == 2:
            return Activations(found)
        return Activations(found.mean(dim=(2, 3)), (found.transpose(-1, -2),))

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return FeatureNetwork(f"{name} ({path.name})", digest, False, forward)
