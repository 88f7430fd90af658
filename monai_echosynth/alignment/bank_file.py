"""What attention needs of a bank, as safetensors: features and energies, no frames.

An aligner can thus be used where its real frames are not. The features belong to one set of weights, whose digest is kept.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save as serialize

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.differential_analysis import Energies
from monai_echosynth.networks.nets.domain_aligner import BankFeatures

__all__ = ["bank_digest", "load_bank", "save_bank"]


def save_bank(bank: BankFeatures, path: str | Path, aligner_digest: str) -> None:
    """Write a shared bank; ``aligner_digest`` is that of the weights that encoded it."""
    state = {f"key.{i}": tensor for i, tensor in enumerate(bank.keys)}
    state |= {f"value.{i}": tensor for i, tensor in enumerate(bank.values)}
    state = {name: tensor.half() for name, tensor in state.items()}
    state |= {"statistics": bank.statistics.half(), "valid": bank.valid.half()}
    state |= {"energy": bank.energies.values, "presence": bank.energies.presence}
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with atomic_path(Path(path)) as partial:
        partial.write_bytes(serialize(content, {"aligner_sha256": aligner_digest}))


def bank_digest(path: str | Path) -> str:
    """SHA-256 of a bank's file; empty where there is none."""
    place = Path(path)
    return hashlib.sha256(place.read_bytes()).hexdigest() if place.is_file() else ""


def load_bank(path: str | Path, aligner_digest: str) -> BankFeatures:
    """Read a bank.

    Raises:
        EchoSynthError: the file is missing or damaged, or was encoded by other weights.
    """
    if not Path(path).is_file():
        raise EchoSynthError(f"a bank needed at {path} does not exist: train the aligner, or copy its bank there")
    try:
        with safe_open(str(path), "pt") as file:
            found = str((file.metadata() or {}).get("aligner_sha256"))
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
        levels = sum(name.startswith("key.") for name in state)
        keys, values = (tuple(state[f"{kind}.{i}"] for i in range(levels)) for kind in ("key", "value"))
        bank = BankFeatures(
            keys, values, state["statistics"], state["valid"], Energies(state["energy"], state["presence"])
        )
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise EchoSynthError(f"the bank in {path} cannot be read ({error}): train the aligner again") from error
    if found != aligner_digest:
        raise EchoSynthError(
            f"a bank must be encoded by the weights in use, {path} is of {found[:12]}, the aligner {aligner_digest[:12]}:"
            " keep the two files of one training together"
        )
    return bank
