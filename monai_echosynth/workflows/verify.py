"""Is a bundle folder what it claims to be? Metadata, checksums, weights and the workflow properties of MONAI.

Weights are loaded without unpickling any code: safetensors as such, ``.pt`` files with ``weights_only=True``, and each
state dict is loaded strictly into the network that the config which names it defines. With data given, the training and
inference workflows are built and ``check_properties`` asks for every required property; without, their ids must be there.

References:
    MONAI bundle specification, https://docs.monai.io/en/stable/mb_specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai_echosynth.data.datalist import read_dataset_json
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.check_list import Check, NotApplicable, run_check
from monai_echosynth.workflows.checksums import CHECKSUMS, check_checksums

__all__ = ["REQUIRED_METADATA", "verify_bundle"]

REQUIRED_METADATA = (
    "schema",
    "version",
    "changelog",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)
_FILES = ("LICENSE", "configs/metadata.json", "configs/logging.conf", "configs/inference.json", "docs/README.md")


def verify_bundle(bundle: Path, data: Path | None = None, schema: Path | None = None) -> list[Check]:
    """Checks the bundle in ``bundle``.

    Args:
        bundle: folder with ``configs/``, ``docs/`` and ``models/``.
        data: prepared data set on which the workflows are built.
        schema: MONAI's metadata schema (JSON), for a full validation.

    Returns:
        One entry a check, failed ones included.

    Raises:
        EchoSynthError: ``bundle`` is not a bundle folder, ``data`` is not prepared, or ``schema`` is not there.
    """
    if not (bundle / "configs").is_dir():
        raise EchoSynthError(f"a bundle folder must hold configs/, {bundle} does not: give the folder above configs/")
    if data is not None:
        read_dataset_json(data)
    if schema is not None and not schema.is_file():
        raise EchoSynthError(f"a schema file was expected, got nothing at {schema}: check the path or leave it out")
    checks = [
        run_check("files", partial(_files, bundle)),
        run_check("metadata", partial(_metadata, bundle, schema)),
        run_check("checksums", partial(_checksums, bundle)),
    ]
    checks += [run_check(f"weights {path.name}", partial(_weights, path)) for path in _weight_files(bundle)]
    workflows = _workflows(bundle)
    checks += [run_check(f"network {config.name}", partial(_network, config)) for config, _ in workflows]
    for config, kind in workflows:
        checks.append(run_check(f"{kind} {config.name}", partial(_properties, config, kind, data)))
    return checks


def _files(bundle: Path) -> str:
    missing = [name for name in _FILES if not (bundle / name).is_file()]
    if missing:
        raise EchoSynthError(f"missing {', '.join(missing)}")
    return f"{len(_FILES)} required files"


def _metadata(bundle: Path, schema: Path | None) -> str:
    import jsonschema

    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    missing = [key for key in REQUIRED_METADATA if key not in metadata]
    if missing:
        raise EchoSynthError(f"metadata.json lacks {', '.join(missing)}")
    if metadata["version"] not in metadata["changelog"]:
        raise EchoSynthError(f"the changelog has no entry for version {metadata['version']}")
    if schema is not None:
        jsonschema.validate(metadata, json.loads(schema.read_text(encoding="utf-8")))
    return f"version {metadata['version']}" + ("" if schema is None else f", valid by {schema.name}")


def _checksums(bundle: Path) -> str:
    if not (bundle / "models" / CHECKSUMS).is_file() and not any((bundle / "models").glob("*.safetensors")):
        raise NotApplicable("no weights in models/")
    return f"{check_checksums(bundle)} files"


def _weight_files(bundle: Path) -> list[Path]:
    models = bundle / "models"
    return sorted([*models.glob("*.safetensors"), *models.glob("*.pt")])


def _weights(path: Path) -> str:
    import torch
    from safetensors.torch import load_file

    state = (
        load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    )
    tensors = dict(_tensors(state))
    bad = [name for name, value in tensors.items() if value.is_floating_point() and not bool(value.isfinite().all())]
    if bad:
        raise EchoSynthError(f"{bad[0]} is not finite")
    return f"{len(tensors)} tensors, {sum(value.numel() for value in tensors.values()):,} values, finite"


def _network(config: Path) -> str:
    """Loads the weights that a config names into the network that it defines."""
    from monai_echosynth.networks.weights import load_weights
    from monai_echosynth.workflows.bundle_config import build, bundle_parser

    parser = bundle_parser(config.parent.parent, config.name)
    if "weights_path" not in parser:
        raise NotApplicable("names no weights_path")
    path = Path(build(parser, "weights_path"))
    if not path.is_file():
        raise NotApplicable(f"no weights in {path.name}")
    network = load_weights(build(parser, "network_def"), path)
    return f"{path.name} fits, {sum(value.numel() for value in network.parameters()):,} parameters"


def _tensors(state: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in state.items():
        if isinstance(value, Mapping):
            yield from _tensors(value, f"{prefix}{name}.")
        elif hasattr(value, "is_floating_point"):
            yield prefix + name, value


def _workflows(bundle: Path) -> list[tuple[Path, str]]:
    """Each whole config and its kind; overlays, which define neither trainer nor evaluator, are left out."""
    found = []
    for path in sorted((bundle / "configs").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "network_def" not in content or "bundle_root" not in content:
            continue
        if "trainer" in content.get("train", {}):
            found.append((path, "train"))
        elif "evaluator" in content and path.name == "inference.json":
            found.append((path, "infer"))
    return found


def _properties(config: Path, kind: str, data: Path | None) -> str:
    with TemporaryDirectory(prefix="echosynth-") as scratch:  # what a workflow writes when it begins
        return _built_properties(config, kind, data, scratch)


def _built_properties(config: Path, kind: str, data: Path | None, scratch: str) -> str:
    from monai.bundle import ConfigWorkflow
    from monai.bundle.properties import InferProperties, TrainProperties

    overrides: dict[str, Any] = {"bundle_root": str(config.parent.parent)}
    if data is not None:
        overrides |= {"dataset_dir": str(data), "output_dir": scratch}
    workflow = ConfigWorkflow(str(config), logging_file=False, workflow_type=kind, **overrides)
    properties = TrainProperties if kind == "train" else InferProperties
    required = [entry["id"] for entry in properties.values() if entry["required"]]
    missing = [name for name in required if name not in workflow.parser]
    if missing:
        raise EchoSynthError(f"no id {', '.join(missing)}")
    if data is None:
        return f"{len(required)} required ids (give --data to build it)"
    workflow.initialize()
    wrong = workflow.check_properties()
    if wrong:
        raise EchoSynthError(f"missing or wrong: {', '.join(wrong)}")
    return f"{len(required)} required properties built"
