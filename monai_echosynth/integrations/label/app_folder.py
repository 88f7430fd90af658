"""Writes what ``monailabel start_server --app`` takes: our app with its bundles, or a bundle into an app that is there already.

Label loads ``model/NAME/models/model.pt`` into the ``network_def`` of ``model/NAME/configs/inference.json``, and takes the
kind of task from NAME. A bundle's weights are therefore written as a plain state dict beside its safetensors, after they have
been loaded into the network that the config defines. The copy ends its postprocessing with a slice axis: without one, Label
drops the pixel size.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from monai.bundle import ConfigParser

from monai_echosynth.data.atomic import write_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_source import app_source
from monai_echosynth.integrations.label.labels import segmenter_labels
from monai_echosynth.networks.weights import load_weights, save_weights
from monai_echosynth.workflows.checksums import write_checksums

__all__ = ["GENERATOR", "SEGMENTER", "add_segmenter", "write_label_app"]

SEGMENTER = "echo_segmentation"
GENERATOR = "echo_generative_diffusion"
_APP = "echo_label"
_SLICE_AXIS = {"_target_": "monai_echosynth.transforms.slice_axis.AddSliceAxisd", "keys": "pred"}
_LEFT_OUT = ("eval", "checkpoints", "training.json", "__pycache__", ".gitkeep")


def write_label_app(folder: Path, segmenter: Path, generator: Path | None = None) -> Path:
    """Writes an app; into a folder that holds one already, ``monaibundle`` for instance, only the bundles.

    Args:
        folder: folder of the app; new, empty, or with a ``main.py``.
        segmenter: trained ``echo_segmentation`` bundle, copied to ``model/echo_segmentation``.
        generator: trained ``echo_generative_diffusion`` bundle, copied to ``model/echo_generative_diffusion``.

    Returns:
        The folder.

    Raises:
        EchoSynthError: the folder holds something else or such a bundle already, or a bundle lacks its config or weights.
    """
    if folder.exists() and not folder.is_dir():
        raise EchoSynthError(f"an app is a folder, got the file {folder}: choose another path")
    if generator is not None:
        _check_generator(generator)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "main.py").is_file():
        raise EchoSynthError(
            f"an app needs a new or empty folder, or one that holds an app (main.py), got {folder}: choose another one"
        )
    add_segmenter(folder, segmenter)
    if generator is not None:
        _copy(generator, folder / "model" / GENERATOR)
    if not (folder / "main.py").is_file():
        shutil.copytree(app_source(_APP), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def add_segmenter(app: Path, bundle: Path) -> Path:
    """Copies a segmentation bundle into ``app/model`` in the form that Label's own bundle tasks load; returns the copy.

    Raises:
        EchoSynthError: the app has one already, or the bundle lacks its config or weights.
    """
    target = app / "model" / SEGMENTER
    if target.exists():
        raise EchoSynthError(
            f"an app holds one {SEGMENTER}, got {target}, which may have learned from annotations: move it away first"
        )
    config = bundle / "configs" / "inference.json"
    if not config.is_file():
        raise EchoSynthError(f"a bundle with configs/inference.json is needed, got {bundle}: name a trained bundle")
    segmenter_labels(bundle)
    parser = ConfigParser()
    parser.read_config(str(config))
    for key in ("network_def", "weights_path", "postprocessing"):
        if key not in parser:
            raise EchoSynthError(f"an inference config needs the key {key}, got none in {config}: correct the config")
    parser["bundle_root"] = str(bundle)
    network = load_weights(parser.get_parsed_content("network_def"), parser.get_parsed_content("weights_path"))
    _copy(bundle, target)
    for name in ("model.safetensors", "model.pt"):
        save_weights(network, target / "models" / name)
    _end_with_slice_axis(target / "configs" / "inference.json")
    write_checksums(target)
    return target


def _check_generator(bundle: Path) -> None:
    """Refuses a folder that cannot generate before anything is written."""
    if not (bundle / "configs" / "inference.json").is_file() or not any((bundle / "models").glob("*.safetensors")):
        raise EchoSynthError(
            f"a trained {GENERATOR} bundle was expected, got {bundle}: name one, or leave --generator out"
        )


def _copy(bundle: Path, target: Path) -> None:
    shutil.copytree(bundle, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))


def _end_with_slice_axis(path: Path) -> None:
    """Replaces what squeezes the channel of the result by the slice axis of a volume."""
    config = json.loads(path.read_text(encoding="utf-8"))
    transforms = config["postprocessing"]["transforms"]
    kept = [entry for entry in transforms if entry["_target_"] not in ("SqueezeDimd", _SLICE_AXIS["_target_"])]
    config["postprocessing"]["transforms"] = [*kept, _SLICE_AXIS]
    write_json(path, config)
