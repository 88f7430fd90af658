"""Chooses how a generator is run on this machine: as was asked for if that can be had, or the fastest way that computes the same.

No runtime is used unseen. A few images are made with the bundle itself, with the plain networks and with the runtime, from the
same masks and noise; where any pixel differs by more than a tolerance, it is not used. The manifest tells what was tried.

Each runtime takes turns with the plain networks (A B A B ...), so that a machine that slows down slows both; the one that is
fastest relative to them is taken. One at a time is held in memory.
"""

from __future__ import annotations

import logging
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset
from torch import Tensor

from monai_echosynth.data.synthetic_set import begun_settings
from monai_echosynth.engines.mask_batch import MaskPrepareBatch
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.inferers.runtime import Runtime, RuntimePart
from monai_echosynth.integrations.onnx_module import OnnxModule
from monai_echosynth.workflows.bundle_config import build, bundle_parser
from monai_echosynth.workflows.machine import describe_machine

__all__ = [
    "TOLERANCE",
    "Probe",
    "Trial",
    "candidates",
    "choose_runtime",
    "make_runtime",
    "runtime_ids",
    "settle_runtime",
    "tune_runtime",
]

TOLERANCE = 1 / 255
"""Largest difference of a pixel from the plain networks, of images in [0, 1]: one gray level."""

_CPU = (
    *("plain", "batched", "fused", "channels_last", "channels_last+batched", "channels_last+packed"),
    *(
        "channels_last+packed+batched",
        "channels_last+winograd",
        "channels_last+winograd+batched",
        "compiled",
        "channels_last+compiled",
        "channels_last+compiled+batched",
        "onnxruntime",
    ),
    *("channels_last+packed+int8_decoder", "channels_last+packed+bfloat16", "channels_last+packed+bfloat16+batched"),
)
_CUDA = (
    *("plain", "fused", "fused+channels_last", "cuda_graph", "channels_last+cuda_graph", "compiled", "bfloat16"),
    *("channels_last+bfloat16+cuda_graph", "channels_last+bfloat16+compiled", "channels_last+float16+cuda_graph"),
)

_LOGGER = logging.getLogger(__name__)


def make_runtime(name: str) -> Runtime:
    """The runtime of a name, with ONNX Runtime behind it where it asks for that."""
    return Runtime.named(name, OnnxModule)


def candidates(device: torch.device | str) -> list[str]:
    """Names that tuning tries on a device, the plain networks first."""
    names = _CUDA if torch.device(device).type == "cuda" else _CPU
    return [make_runtime(name).name for name in names]


@dataclass
class Trial:
    """What came of one runtime.

    Attributes:
        runtime: the runtime.
        difference: largest of a pixel from the plain networks.
        bit_stable: whether images depend neither on the batch nor on the number of processes.
        reason: why it cannot be used; empty where it can.
        seconds: per image, one a round.
        plain_seconds: of the plain networks in the same rounds.
    """

    runtime: Runtime
    difference: float = 0.0
    bit_stable: bool = False
    reason: str = ""
    seconds: list[float] = field(default_factory=list)
    plain_seconds: list[float] = field(default_factory=list)

    @property
    def speedup(self) -> float:
        """Median over the rounds of the plain networks' time divided by this one's."""
        pairs = zip(self.plain_seconds, self.seconds, strict=True)
        return statistics.median(plain / own for plain, own in pairs)

    def row(self) -> dict[str, Any]:
        """As plain JSON."""
        told: dict[str, Any] = {"name": self.runtime.name, "bit_stable": self.bit_stable}
        if self.reason:
            return {**told, "left_out": self.reason}
        told["difference"] = self.difference
        if self.seconds:
            told |= {"seconds_per_image": statistics.median(self.seconds), "speedup": self.speedup}
        return told


class Probe:
    """A few images of a bundle, made with one runtime after the other.

    Args:
        parser: the bundle's inference config with masks, seed and solver set.
        images: number of images.
        tolerance: largest difference of a pixel from the plain networks.

    Attributes:
        device: where the bundle runs.

    Raises:
        EchoSynthError: the bundle does not sample with :class:`LatentSamplingInferer`, or as raised inside.
    """

    def __init__(self, parser: ConfigParser, images: int, tolerance: float = TOLERANCE) -> None:
        if not tolerance > 0:
            raise EchoSynthError(
                f"the tolerance must be a positive difference of gray values in [0, 1], got {tolerance}"
            )
        self.parser, self.tolerance = parser, tolerance
        self.network, self.device = build(parser, "network"), build(parser, "device")
        self._inferer = build(parser, "inferer")
        if not isinstance(self._inferer, LatentSamplingInferer):
            raise EchoSynthError(
                f"runtimes are for diffusion, got a bundle with {type(self._inferer).__name__}: leave --runtime and --tune out"
            )
        items = build(parser, "synthetic_set").items[:images]
        batch = next(iter(DataLoader(Dataset(items, build(parser, "preprocessing")), batch_size=len(items))))
        self._seg, _, _, self._keywords = MaskPrepareBatch()(batch, self.device)
        self._plain = self._draw(self._inferer)

    def trial(self, runtime: Runtime, rounds: int = 0) -> Trial:
        """Makes the images with ``runtime`` and compares them, then takes the time of both in turns.

        A failure of any kind is a reason to leave the runtime out.
        """
        inferer = self._inferer.with_runtime(runtime)
        trial = Trial(runtime, bit_stable=inferer.bit_stable(self.device))
        try:
            drawn = self._draw(inferer)
        except Exception as error:  # compilers and other programs fail in ways of their own
            trial.reason = f"failed: {' '.join(str(error).split())[:200] or type(error).__name__}"
            return trial
        trial.difference = float((drawn - self._plain).abs().max())
        if not trial.difference <= self.tolerance:
            told = f"a pixel differs by {trial.difference:.2g} from the plain networks"
            trial.reason = f"{told}, more than {self.tolerance:.2g}"
            return trial
        for _ in range(rounds):
            trial.plain_seconds.append(self._time(self._inferer))
            trial.seconds.append(self._time(inferer))
        return trial

    def _time(self, inferer: LatentSamplingInferer) -> float:
        """Seconds per image."""
        start = time.perf_counter()
        self._draw(inferer)
        return (time.perf_counter() - start) / len(self._seg)

    def _draw(self, inferer: LatentSamplingInferer) -> Tensor:
        images = inferer(self._seg, self.network, **self._keywords)
        return images.cpu()


def choose_runtime(
    bundle: str | Path, out: str | Path, name: str | None, tune: bool, tolerance: float, images: int, **ids: Any
) -> dict[str, Any]:
    """What ``generate`` runs with.

    Args:
        bundle: trained generator.
        out: folder of the set; one that was begun with a runtime goes on with it.
        name: runtime asked for.
        tune: look for the fastest.
        tolerance: largest difference of a pixel from the plain networks.
        images: most images of the probe.
        **ids: config ids of the run.

    Returns:
        ``name`` and, where anything was tried, what came of it.

    Raises:
        EchoSynthError: both a name and tuning are asked for, tuning is by several processes, or the name is unknown.
    """
    if tune and name is not None:
        raise EchoSynthError(f"--tune chooses the runtime itself, got --runtime {name} too: leave one out")
    if tune and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise EchoSynthError(
            "--tune is for one process, got several: run it once with --count 1, then give all processes its choice by --runtime"
        )
    begun = begun_settings(out) if tune else None
    wanted = name if begun is None else str(begun.get("runtime") or "plain")
    if not tune and make_runtime(wanted or "plain").name == "plain":
        return {"name": "plain"}
    probe = Probe(bundle_parser(bundle, **ids), images, tolerance)
    return settle_runtime(probe, wanted) if wanted else tune_runtime(probe)


def runtime_ids(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Config ids that make a bundle run as :func:`choose_runtime` says, and its manifest tell it."""
    record = {**chosen, "bit_stable": "$@inferer.bit_stable(@device)"}
    named = None if chosen["name"] == "plain" else chosen["name"]
    ids: dict[str, Any] = {"synthetic_set::record": {"execution": record}, "synthetic_set::settings::runtime": named}
    if named:
        target = "monai_echosynth.workflows.runtimes.make_runtime"
        ids["inferer::runtime"] = {"_target_": target, "name": named}
    return ids


def settle_runtime(probe: Probe, name: str) -> dict[str, Any]:
    """The runtime asked for, or what is left of it where it cannot be had: without the part that fails, or the plain networks.

    Returns:
        ``name`` and what was tried, for the manifest.
    """
    tried: list[Trial] = []
    runtime = make_runtime(name)
    while runtime.parts:
        missing = runtime.missing(probe.device)
        if missing:
            tried.append(Trial(runtime, reason=f"{missing[0]} cannot be had, {missing[1]}"))
            _LOGGER.warning("%s: going on without it", tried[-1].reason)
            runtime = runtime.without(missing[0])
            continue
        trial = probe.trial(runtime)
        tried.append(trial)
        if not trial.reason:
            break
        _LOGGER.warning("runtime %s is not used, %s", runtime.name, trial.reason)
        runtime = _simpler(runtime)
    return _record(probe, runtime, tried)


def tune_runtime(probe: Probe, names: Sequence[str] | None = None, rounds: int = 2) -> dict[str, Any]:
    """The fastest of all runtimes that can be had and compute the same.

    Args:
        probe: the images.
        names: runtimes to try; :func:`candidates` when omitted.
        rounds: times that each is measured, in turns.

    Returns:
        ``name`` and what was tried, with seconds per image, for the manifest.
    """
    tried = []
    for name in names or candidates(probe.device):
        runtime = make_runtime(name)
        missing = runtime.missing(probe.device)
        if missing:
            tried.append(Trial(runtime, reason=f"{missing[0]} cannot be had, {missing[1]}"))
        else:
            tried.append(probe.trial(runtime, rounds))
    usable = [trial for trial in tried if not trial.reason]
    fastest = max(usable, key=lambda trial: trial.speedup).runtime if usable else Runtime()
    return _record(probe, fastest, tried)


def _simpler(runtime: Runtime) -> Runtime:
    """What to try after a runtime failed: the same without other programs, precisions and layouts, then the plain networks."""
    kept = {RuntimePart.FUSED, RuntimePart.BATCHED} & runtime.parts
    if runtime.parts == kept:
        return Runtime()
    return Runtime(frozenset(kept))


def _record(probe: Probe, runtime: Runtime, tried: Sequence[Trial]) -> dict[str, Any]:
    return {
        "name": runtime.name,
        "tolerance": probe.tolerance,
        "device": str(probe.device),
        "machine": describe_machine(),
        "tried": [trial.row() for trial in tried],
    }
