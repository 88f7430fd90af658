"""Loads and stores trained bundles: from a folder or a hub's id to checked files, a network, a workflow.

    bundle = from_pretrained("runs/segmenter")              # or "owner/echo_segmentation", revision="v1"
    network = bundle.network()
    bundle.save_pretrained("elsewhere")

Nothing is loaded before every weight file agrees with ``models/SHA256SUMS``. Weights are safetensors or state dicts that are read
without unpickling code; configs, however, name Python objects to call, so load bundles of those you trust.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow
from torch import nn

from monai_echosynth.data.atomic import PARTIAL_PREFIX
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.hub import fetch_bundle, is_hub_id
from monai_echosynth.networks.weights import load_weights
from monai_echosynth.workflows.bundle_config import build, bundle_parser, read_metadata
from monai_echosynth.workflows.checksums import check_checksums

__all__ = ["PretrainedBundle", "from_pretrained"]

_LEFT_OUT = ("eval", "checkpoints*", "training.json", ".*", "__pycache__", f"{PARTIAL_PREFIX}*")
"""What a training leaves beside a bundle."""


@dataclass(frozen=True)
class PretrainedBundle:
    """A bundle whose files were checked.

    Attributes:
        folder: bundle folder; may be a hub's cache, so never write into it.
        metadata: content of ``configs/metadata.json``.
    """

    folder: Path
    metadata: dict[str, Any]

    def network(self, **ids: Any) -> nn.Module:
        """The bundle's network with its weights, in evaluation mode.

        Args:
            **ids: ids of ``inference.json`` to replace, such as ``device``.

        Raises:
            EchoSynthError: an id is not in the config, or the weights are missing or of another network.
        """
        parser = bundle_parser(self.folder, **ids)
        if "weights_path" in parser:
            network = load_weights(build(parser, "network_def"), build(parser, "weights_path"))
            return network.to(build(parser, "device")).eval()
        found: nn.Module = build(parser, "network")
        return found.eval()

    def workflow(self, config: str = "inference.json", kind: str = "inference", **ids: Any) -> ConfigWorkflow:
        """A workflow of the bundle, not initialized.

        Args:
            config: file in ``configs/``.
            kind: ``train`` or ``inference``.
            **ids: config ids to replace; nested ids with ``::``.

        Raises:
            EchoSynthError: there is no such file, or an id is not in it.
        """
        bundle_parser(self.folder, config, **ids)
        path = str(self.folder / "configs" / config)
        return ConfigWorkflow(path, workflow_type=kind, logging_file=False, bundle_root=str(self.folder), **ids)

    def save_pretrained(self, folder: str | PathLike[str]) -> Path:
        """Copies the bundle, without what its training left, into a new or empty folder; returns its path.

        ``hf upload owner/name FOLDER`` puts it on a hub.

        Raises:
            EchoSynthError: the folder holds something.
        """
        target = Path(folder)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise EchoSynthError(f"a bundle is saved into a new or empty folder, got {target}: choose another one")
        shutil.copytree(self.folder, target, ignore=shutil.ignore_patterns(*_LEFT_OUT), dirs_exist_ok=True)
        check_checksums(target)
        return target


def from_pretrained(
    source: str | PathLike[str],
    revision: str | None = None,
    cache: str | PathLike[str] | None = None,
    local_only: bool = False,
) -> PretrainedBundle:
    """Finds a trained bundle and checks its files.

    Args:
        source: bundle folder, or id on a hub, ``owner/name``. A folder of that name goes first.
        revision: branch, tag or commit on the hub.
        cache: cache of the hub's client; its own when omitted.
        local_only: ask no hub, take what is in its cache.

    Raises:
        EchoSynthError: there is no such folder or id, it is no bundle, it has no weights, a file differs from its checksum, or
            the hub is out of reach.
    """
    folder = Path(source)
    if not folder.is_dir():
        if not isinstance(source, str) or not is_hub_id(source):
            raise EchoSynthError(f"a bundle folder or a hub's id owner/name was expected, got {source}: check the path")
        folder = fetch_bundle(source, revision, cache, local_only)
    elif revision is not None:
        raise EchoSynthError(f"revisions are those of a hub, got {revision} for the folder {folder}: leave it out")
    metadata = read_metadata(folder)
    models = folder / "models"
    if not any(path.suffix in (".safetensors", ".pt") for path in models.glob("*")):
        raise EchoSynthError(f"a trained bundle was expected, got {folder} without weights in models/: train it first")
    try:
        check_checksums(folder)
    except EchoSynthError as error:
        raise EchoSynthError(f"{folder}: {error}: copy or fetch the bundle again") from error
    return PretrainedBundle(folder, metadata)
