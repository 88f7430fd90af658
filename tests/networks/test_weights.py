"""Weights on disk: equal after a round trip, and a clear word where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import load_weights, save_weights, weights_digest


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    source, target = nn.Linear(3, 2), nn.Linear(3, 2)
    assert weights_digest(source) != weights_digest(target)
    save_weights(source, tmp_path / f"w.{suffix}")
    assert load_weights(target, tmp_path / f"w.{suffix}") is target
    assert weights_digest(source) == weights_digest(target)


def test_plain_state_dict_needs_no_pickled_code(tmp_path: Path) -> None:
    save_weights(nn.Linear(3, 2), tmp_path / "w.pt")
    assert set(torch.load(tmp_path / "w.pt", weights_only=True)) == {"weight", "bias"}


@pytest.mark.parametrize(
    ("other", "detail"),
    [
        (nn.Linear(4, 2), r"weight is \(2, 3\) instead of \(2, 4\)"),
        (nn.Linear(3, 2, bias=False), "unexpected bias"),
        (nn.Sequential(nn.Linear(3, 2)), "missing 0.weight"),
    ],
)
def test_another_network_is_refused_by_name(tmp_path: Path, other: nn.Module, detail: str) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(nn.Linear(3, 2), path)
    with pytest.raises(EchoSynthError, match=detail) as caught:
        load_weights(other, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
@pytest.mark.parametrize("keep", [0, 40])
def test_damaged_file_is_named(tmp_path: Path, suffix: str, keep: int) -> None:
    path = tmp_path / f"w.{suffix}"
    save_weights(nn.Linear(3, 2), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(EchoSynthError, match="cannot be read") as caught:
        load_weights(nn.Linear(3, 2), path)
    assert str(path) in str(caught.value)


def test_pickled_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(nn.Linear(3, 2), path)
    with pytest.raises(EchoSynthError, match="cannot be read"):
        load_weights(nn.Linear(3, 2), path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"none\.safetensors, which does not exist"):
        load_weights(nn.Linear(3, 2), tmp_path / "none.safetensors")
