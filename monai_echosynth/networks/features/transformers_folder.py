"""Networks from local folders in the layout of the package ``transformers`` (extra ``metrics``): CLIP, DINOv2 and others.

A folder holds ``config.json``, weights as safetensors and, where pictures are normalized in a way of its own,
``preprocessor_config.json``; CLIP's text side also needs its tokenizer files. Nothing is downloaded: a missing file is an
error.

References:
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021.
    https://arxiv.org/abs/2103.00020
    Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", 2023.
    https://arxiv.org/abs/2304.07193
    Hessel et al., "CLIPScore: A Reference-free Evaluation Metric for Image Captioning", 2021.
    https://arxiv.org/abs/2104.08718
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import Activations, FeatureNetwork, pictures
from monai_echosynth.networks.weights import weights_digest

__all__ = ["ClipText", "TextEncoder", "clip_text", "text_encoder", "transformers_features"]

_CLIP = "clip"
_TOKENIZER = ("tokenizer.json", "vocab.json")
_LONGEST = 77
"""Tokens of a text at most, CLIP's limit."""


class ClipText(NamedTuple):
    """Both sides of a CLIP model.

    Attributes:
        network: its picture side, vectors of unit length.
        texts: (B, F) vectors of unit length of texts.
    """

    network: FeatureNetwork
    texts: Any

    def score(self, image: Tensor, text: Sequence[str]) -> Tensor:
        """100 max(cos, 0) of each frame (B, 1, X, Y) in [0, 1] and its text, (B,)."""
        return 100.0 * (self.network(image).vector * self.texts(text)).sum(dim=1).clamp_min(0.0)


class TextEncoder(NamedTuple):
    """Frozen encoder of sentences.

    Attributes:
        width: features W of a token.
        length: tokens L of every text, padded or cut.
        sha256: digest of its weights.
        encode: hidden states (B, L, W), float32 on the CPU, of texts; L is the same for all.
    """

    width: int
    length: int
    sha256: str
    encode: Callable[[Sequence[str]], Tensor]


def transformers_features(folder: str | Path, name: str) -> FeatureNetwork:
    """The picture network of a folder.

    Args:
        folder: the folder.
        name: what to call it.

    Raises:
        EchoSynthError: the package is not installed, or the folder is missing, incomplete or holds no vision model.
    """
    return _network(Path(folder), name)[0]


def clip_text(folder: str | Path) -> ClipText:
    """Both sides of the CLIP model of a folder.

    Raises:
        EchoSynthError: as :func:`transformers_features`; or it is no CLIP model, or has no tokenizer.
    """
    folder = Path(folder)
    network, model = _network(folder, "CLIP")
    if not network.published_cmmd:
        raise EchoSynthError(
            f"a CLIP score needs a CLIP model, got {model.config.model_type} in {folder}: choose another"
        )
    tokenizer = _tokenizer(folder)

    def texts(batch: Sequence[str]) -> Tensor:
        with torch.inference_mode():
            length = model.config.text_config.max_position_embeddings
            tokens = tokenizer(list(batch), padding=True, truncation=True, max_length=length, return_tensors="pt")
            return F.normalize(_pooled(model.get_text_features(**tokens.to(model.device))).float().cpu(), dim=1)

    return ClipText(network, texts)


def text_encoder(folder: str | Path) -> TextEncoder:
    """Text side of the CLIP model of a folder, or another text model of the package: hidden states for cross-attention.

    Raises:
        EchoSynthError: the package is not installed, or the folder is missing, incomplete or holds no text model.
    """
    folder = Path(folder)
    model = _model(folder)
    side = getattr(model, "text_model", model)
    config = getattr(model.config, "text_config", model.config)
    length, width = (getattr(config, name, None) for name in ("max_position_embeddings", "hidden_size"))
    if not isinstance(length, int) or not isinstance(width, int):
        raise EchoSynthError(f"a text model was expected, got {model.config.model_type} in {folder}: choose another")
    tokenizer = _tokenizer(folder)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    side.requires_grad_(False).eval()

    tokens_each = min(length, _LONGEST)

    def encode(batch: Sequence[str]) -> Tensor:
        options = {"padding": "max_length", "truncation": True, "max_length": tokens_each}
        with torch.inference_mode():
            tokens = tokenizer(list(batch), return_tensors="pt", **options)
            return side(input_ids=tokens["input_ids"]).last_hidden_state.float().cpu().clone()

    return TextEncoder(width, tokens_each, weights_digest(side), encode)


def _tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in _TOKENIZER):  # the package would make one that knows no word
        raise EchoSynthError(
            f"CLIP's tokenizer is needed for texts, got none of {', '.join(_TOKENIZER)} in {folder}: copy it"
        )
    try:
        return _package().AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # missing files come as many kinds of errors
        raise EchoSynthError(
            f"CLIP's tokenizer is needed for texts, got a damaged one in {folder} ({_first_line(error)}): copy it again"
        ) from error


def _model(folder: Path) -> Any:
    if not (folder / "config.json").is_file():
        raise EchoSynthError(
            f"a folder with config.json and weights was expected, got {folder}: copy the model's folder there"
        )
    package = _package()
    try:
        package.utils.logging.disable_progress_bar()
        return package.AutoModel.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:
        raise EchoSynthError(
            f"the model in {folder} cannot be loaded ({_first_line(error)}): copy its folder again, weights as safetensors"
        ) from error


def _network(folder: Path, name: str) -> tuple[FeatureNetwork, Any]:
    model = _model(folder)
    vision = getattr(model.config, "vision_config", model.config)
    if not all(hasattr(vision, key) for key in ("patch_size", "image_size")):
        raise EchoSynthError(f"a vision model was expected, got {model.config.model_type} in {folder}: choose another")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.requires_grad_(False).eval().to(device)
    clip, wanted = model.config.model_type == _CLIP, _wanted(folder, vision)

    def forward(image: Tensor) -> Activations:
        seen = {"pixel_values": pictures(image, *wanted).to(device), "output_hidden_states": True}
        found = model.vision_model(**seen) if clip else model(**seen)
        levels = tuple(_map(state, wanted[0] // vision.patch_size) for state in found.hidden_states[1:])
        if clip:
            return Activations(F.normalize(model.visual_projection(found.pooler_output), dim=1), levels)
        pooled = found.pooler_output if getattr(found, "pooler_output", None) is not None else None
        return Activations(found.last_hidden_state[:, 0] if pooled is None else pooled, levels)

    return FeatureNetwork(f"{name} ({folder.name})", weights_digest(model), False, forward, published_cmmd=clip), model


def _wanted(folder: Path, vision: Any) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Edge, mean and standard deviation of the pictures of a model."""
    path = folder / "preprocessor_config.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    size = found.get("crop_size") or found.get("size") or vision.image_size
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or vision.image_size
    mean = tuple(found.get("image_mean") or (0.48145466, 0.4578275, 0.40821073))
    std = tuple(found.get("image_std") or (0.26862954, 0.26130258, 0.27577711))
    return int(size) // vision.patch_size * vision.patch_size, mean, std


def _map(state: Tensor, edge: int) -> Tensor:
    """Tokens (B, t, C) of square patches, after those of no patch, as a map (B, C, x, y) with the lateral axis first."""
    patches = (
        state[:, -edge * edge :] if edge * edge <= state.shape[1] else state[:, -(math.isqrt(state.shape[1]) ** 2) :]
    )
    side = math.isqrt(patches.shape[1])
    return patches.transpose(1, 2).unflatten(2, (side, side)).transpose(-1, -2)


def _pooled(found: Any) -> Tensor:
    """Embeddings as releases before 5 return them, a tensor, or later ones, an output with a pooled part."""
    return found if isinstance(found, Tensor) else found.pooler_output


def _package() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise EchoSynthError(
            "CLIP and DINOv2 need the package transformers, which is not installed: pip install 'monai-echosynth[metrics]'"
        ) from error
    return transformers


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
