"""Runs the gates of the model zoo on bundles: files, metadata, key names, network shapes, export, and every config once.

The gates work on a copy, so that nothing is written into a bundle. A shipped bundle has no weights; as in the zoo's own
integration, its network with random weights takes their place. What the zoo exempts is skipped with its reason
(:mod:`~monai_echosynth.workflows.zoo.exemptions`); in place of the exempt shape gate, a network of several tensors gets all of
them.

References:
    Project-MONAI/model-zoo, ``ci/verify_bundle.py`` and ``CONTRIBUTING.md``, https://github.com/Project-MONAI/model-zoo
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from monai.bundle import ckpt_export, verify_metadata, verify_net_in_out

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.bundle_config import build, bundle_parser, read_metadata
from monai_echosynth.workflows.bundles import bundle_names, bundle_source
from monai_echosynth.workflows.check_list import Check, NotApplicable, run_check
from monai_echosynth.workflows.zoo.config_keys import check_config_keys
from monai_echosynth.workflows.zoo.exemptions import EXEMPTIONS, Gate
from monai_echosynth.workflows.zoo.small_runs import SmallRuns

__all__ = ["MAX_BYTES", "bundle_kind", "zoo_gates"]

MAX_BYTES = 25 * 2**20
"""Largest file that the zoo takes; larger ones belong into ``large_files.yml``."""

_NECESSARY = ("LICENSE", "configs/metadata.json", "configs/inference.json")


def zoo_gates(
    bundles: Sequence[Path] | None = None, schema: Path | None = None, runs: bool = True
) -> dict[str, list[Check]]:
    """Checks bundles.

    Args:
        bundles: bundle folders, as shipped or trained; the shipped ones when omitted.
        schema: MONAI's metadata schema (JSON), which the zoo downloads and this package does not ship.
        runs: run every config once, on frames of the phantom and at sizes for seconds.

    Returns:
        The checks of each bundle by its folder's name.

    Raises:
        EchoSynthError: a folder is not one of the bundles of this package, or ``schema`` is not there.
    """
    if schema is not None and not schema.is_file():
        raise EchoSynthError(f"a schema file was expected, got nothing at {schema}: check the path or leave it out")
    folders = list(bundles) if bundles else [bundle_source(name) for name in bundle_names()]
    kinds = {folder: bundle_kind(folder) for folder in folders}
    found = {}
    logging.getLogger("monai.bundle.scripts").setLevel(logging.WARNING)  # it repeats every argument
    with TemporaryDirectory(prefix="zoo_") as scratch:
        small = SmallRuns(Path(scratch) / "runs")
        for folder in sorted(folders, key=lambda folder: list(EXEMPTIONS).index(kinds[folder])):
            copy = Path(scratch) / folder.resolve().name
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("eval", ".gitkeep"), dirs_exist_ok=True)
            (copy / "models").mkdir(exist_ok=True)
            checks = _static_gates(copy, kinds[folder], schema)
            found[str(folder)] = checks + (small.checks(kinds[folder], folder) if runs else [])
    return found


def bundle_kind(folder: Path) -> str:
    """Which of the shipped bundles ``folder`` is or was made from, by the name in its metadata.

    Raises:
        EchoSynthError: it is none of them.
    """
    name = read_metadata(folder).get("name")
    for kind in EXEMPTIONS:
        if read_metadata(bundle_source(kind)).get("name") == name:
            return kind
    raise EchoSynthError(
        f"the gates know the bundles {', '.join(EXEMPTIONS)} and their trained copies, got {folder} named {name!r}: "
        "run the zoo's own scripts on other bundles"
    )


def _static_gates(copy: Path, kind: str, schema: Path | None) -> list[Check]:
    exempt = EXEMPTIONS[kind]
    gates: Mapping[Gate, Callable[[], str]] = {
        Gate.FILES: partial(_files, copy),
        Gate.WEIGHTS: partial(_weights, copy),
        Gate.SIZES: partial(_sizes, copy),
        Gate.VERSION: partial(_version, copy),
        Gate.SCHEMA: partial(_schema, copy, schema),
        Gate.KEYS: partial(check_config_keys, copy),
        Gate.PACKAGES: partial(_packages, copy),
        Gate.SHAPE: partial(_shape, copy),
        Gate.TORCHSCRIPT: partial(_torchscript, copy),
    }
    checks = []
    for gate, run in gates.items():
        checks.append(
            Check(str(gate), None, f"exempt: {exempt[gate]}") if gate in exempt else run_check(str(gate), run)
        )
        if gate is Gate.SHAPE and gate in exempt:
            checks.append(run_check("network, all inputs", partial(_shape_of_all, copy)))
    return checks


def _files(copy: Path) -> str:
    missing = [name for name in _NECESSARY if not (copy / name).is_file()]
    if missing:
        raise EchoSynthError(f"missing {', '.join(missing)}")
    return ", ".join(_NECESSARY)


def _weights(copy: Path) -> str:
    """Random ones are written where there are none, for the gates that follow."""
    path = copy / "models" / "model.pt"
    if path.is_file():
        return f"{path.stat().st_size:,} bytes"
    torch.manual_seed(0)
    save_weights(build(bundle_parser(copy), "network_def"), path)
    raise NotApplicable("shipped without weights; random ones stand in below")


def _sizes(copy: Path) -> str:
    files = [path for path in copy.rglob("*") if path.is_file()]
    large = [path.relative_to(copy).as_posix() for path in files if path.stat().st_size > MAX_BYTES]
    if large:
        raise EchoSynthError(f"{', '.join(large)} above 25 MB: list it in large_files.yml and upload it elsewhere")
    return f"{len(files)} files, none above 25 MB"


def _version(copy: Path) -> str:
    metadata = read_metadata(copy)
    missing = [key for key in ("version", "changelog") if key not in metadata]
    if missing:
        raise EchoSynthError(f"metadata.json lacks {', '.join(missing)}")
    if metadata["version"] not in metadata["changelog"]:
        raise EchoSynthError(f"the changelog has no entry for version {metadata['version']}")
    return f"version {metadata['version']}"


def _schema(copy: Path, schema: Path | None) -> str:
    if schema is None:
        raise NotApplicable("give the schema file: the zoo downloads it, it is not shipped here")
    local = copy / "eval" / "schema.json"
    local.parent.mkdir(exist_ok=True)
    shutil.copyfile(schema, local)
    verify_metadata(meta_file=str(copy / "configs" / "metadata.json"), filepath=str(local))
    return f"valid by {schema.name}"


def _packages(copy: Path) -> str:
    """Whether what the zoo would install for the bundle is installed here."""
    metadata = read_metadata(copy)
    wanted = {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
    }
    wanted |= metadata["required_packages_version"]
    installed, missing = {}, []
    for name in wanted:
        try:
            installed[name] = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing == ["peft"]:
        raise NotApplicable("peft is not installed: pip install 'monai-echosynth[lora]'")
    if missing:
        raise EchoSynthError(f"{', '.join(missing)} not installed")
    other = [
        f"{name} {installed[name]} for {version}" for name, version in wanted.items() if installed[name] != version
    ]
    return f"{len(wanted)} installed" + (f"; {', '.join(other)}" if other else ", in the versions named")


def _shape(copy: Path) -> str:
    verify_net_in_out("network_def", **_sources(copy), device="cpu")
    shape = read_metadata(copy)["network_data_format"]["inputs"]["image"]["spatial_shape"]
    return f"one tensor of {' x '.join(map(str, shape))}"


def _shape_of_all(copy: Path) -> str:
    inputs = read_metadata(copy)["network_data_format"]["inputs"]
    others = {name: _zeros(entry) for name, entry in inputs.items() if name != "image"}
    if "timesteps" not in others:
        raise NotApplicable("exemplars are no tensors; the config runs call the network")
    verify_net_in_out("network_def", **_sources(copy), device="cpu", extra_forward_args=others)
    return f"image, {', '.join(others)}"


def _zeros(entry: Mapping[str, Any]) -> torch.Tensor:
    shape = entry["spatial_shape"]
    return torch.zeros(1, entry["num_channels"], *shape) if shape else torch.zeros(1)


def _torchscript(copy: Path) -> str:
    target = copy / "models" / "verify_model.ts"
    weights = str(copy / "models" / "model.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TorchScript about MONAI's annotations
        ckpt_export("network_def", str(target), ckpt_file=weights, **_sources(copy), bundle_root=str(copy))
    extra = {"metadata.json": "", "inference.json": ""}
    torch.jit.load(str(target), _extra_files=extra)
    if not all(json.loads(text) for text in extra.values()):
        raise EchoSynthError("the exported file carries no metadata")
    return f"{target.stat().st_size:,} bytes, with metadata"


def _sources(copy: Path) -> dict[str, str]:
    configs = copy / "configs"
    return {"meta_file": str(configs / "metadata.json"), "config_file": str(configs / "inference.json")}
