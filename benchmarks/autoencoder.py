"""Encoding and decoding, in the default layout of the memory and in channels-last."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device

__all__ = ["benchmark_autoencoder"]


def benchmark_autoencoder(options: Options) -> dict[str, Any]:
    """Seconds per image."""
    shapes = [("quick", 32, 2)] if options.quick else [("cpu", 128, 8), ("l64", 256, 1)]
    rows = [row for size, side, batch in shapes for row in _rows(size, side, batch, options.rounds)]
    return {"title": "Encoding and decoding", "rows": rows}


def _rows(size: str, side: int, batch: int, rounds: int) -> list[dict[str, Any]]:
    image = torch.rand(batch, 1, side, side, generator=torch.Generator().manual_seed(0)).to(device())
    rows = []
    networks = {"": autoencoder(size), ", channels-last": autoencoder(size).to(memory_format=torch.channels_last)}
    with torch.inference_mode():
        latent = networks[""].encode_stage_2_inputs(image)
        for verb, method, value in (
            ("encode", "encode_stage_2_inputs", image),
            ("decode", "decode_stage_2_outputs", latent),
        ):
            cases = [
                Case(f"{size} {side} px, {verb} batch {batch}{layout}", _call(getattr(network, method), value), batch)
                for layout, network in networks.items()
            ]
            rows += measure(cases, rounds)
    return rows


def _call(method: Any, value: torch.Tensor) -> Any:
    return lambda: method(value)
