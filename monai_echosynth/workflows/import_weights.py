"""Turns a checkpoint of monai-generative into weights of this project: safetensors, and a config that rebuilds the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.generative_weights import load_generative_weights
from monai_echosynth.networks.nets.generative import GenerativeNetwork, generative_network
from monai_echosynth.networks.weights import save_weights

__all__ = ["import_weights"]


def import_weights(
    checkpoint: str | Path,
    out: str | Path,
    kind: GenerativeNetwork | str,
    arguments: str | Path,
    key: str | None = None,
) -> dict[str, Any]:
    """Converts a checkpoint.

    Args:
        checkpoint: file saved with monai-generative.
        out: ``.safetensors`` file to write; a config of the same name and ``.json`` goes beside it, with the ids
            ``network_def``, ``weights_path`` and ``network``.
        kind: which network it is.
        arguments: JSON file with what the network was built with there.
        key: name of the state dict in the checkpoint where there are several.

    Returns:
        ``{"parameters", "network" (class), "config" (path)}``.

    Raises:
        EchoSynthError: a file is missing or not what is expected, or the checkpoint is not of such a network.
    """
    target, config = Path(out), Path(out).with_suffix(".json")
    if target.suffix != ".safetensors":
        raise EchoSynthError(f"the output must be a .safetensors file, got {target}: name one")
    if config.resolve() == Path(arguments).resolve():
        raise EchoSynthError(f"{config} would be overwritten by the config of the network: choose another output name")
    given = _read_arguments(Path(arguments))
    network = load_generative_weights(generative_network(kind, **given), checkpoint, key)
    save_weights(network, target)
    definition = {"_target_": f"{generative_network.__module__}.generative_network", "kind": str(kind), **given}
    load = "$load_weights(@network_def, @weights_path)"
    imports = ["$from monai_echosynth.networks.weights import load_weights"]
    write_json(config, {"imports": imports, "network_def": definition, "weights_path": target.name, "network": load})
    count = sum(value.numel() for value in network.parameters())
    return {"parameters": count, "network": type(network).__name__, "config": str(config)}


def _read_arguments(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise EchoSynthError(
            f"the network's arguments are needed as a JSON file, got no file {path}: write what it was built with, such as "
            '{"spatial_dims": 2, "in_channels": 1, ...}'
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EchoSynthError(f"the network's arguments must be JSON, got {path} ({error}): correct the file") from error
    if not isinstance(content, dict):
        raise EchoSynthError(f"the network's arguments must be a JSON object, got another value in {path}: correct it")
    return content
