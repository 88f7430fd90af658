"""From a checkpoint of monai-generative to weights and a config that rebuild the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks.nets import DiffusionModelUNet

from monai_echosynth import cli
from tests.helpers.generative_oracle import as_it_was, old_state
from tests.helpers.tiny_generator import scramble

ARGUMENTS: dict[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "num_res_blocks": 1,
    "num_channels": [8, 16],
    "attention_levels": [False, True],
    "norm_num_groups": 4,
    "num_head_channels": 8,
}


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path, DiffusionModelUNet]:
    """A checkpoint, the file of arguments, and the network that was saved."""
    renamed = {"channels" if name == "num_channels" else name: value for name, value in ARGUMENTS.items()}
    network = scramble(DiffusionModelUNet(**renamed))
    torch.save({"state_dict": old_state(network)}, tmp_path / "checkpoint.pt")
    (tmp_path / "arguments.json").write_text(json.dumps(ARGUMENTS))
    return tmp_path / "checkpoint.pt", tmp_path / "arguments.json", network


def _command(checkpoint: Path, arguments: Path, out: Path, kind: str = "unet") -> list[str]:
    return ["import-weights", str(checkpoint), "--network", kind, "--arguments", str(arguments), "--out", str(out)]


def test_config_rebuilds_the_network(
    given: tuple[Path, Path, DiffusionModelUNet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, arguments, theirs = given
    assert cli.main(_command(checkpoint, arguments, tmp_path / "out" / "unet.safetensors")) == 0
    count = sum(value.numel() for value in theirs.parameters())
    assert f"{count:,} parameters of DiffusionModelUNet" in capsys.readouterr().out
    parser = ConfigParser()
    parser.read_config(tmp_path / "out" / "unet.json")
    parser["weights_path"] = str(tmp_path / "out" / parser["weights_path"])
    ours = parser.get_parsed_content("network").eval()
    x, timesteps = torch.randn(1, 1, 16, 16), torch.tensor([7])
    with torch.inference_mode():
        with as_it_was():
            expected = theirs(x, timesteps)
        torch.testing.assert_close(ours(x, timesteps), expected, rtol=0, atol=1e-5)


def test_bad_input_is_named(
    given: tuple[Path, Path, DiffusionModelUNet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, arguments, _ = given
    out = tmp_path / "out.safetensors"

    def said(change: Callable[[], list[str]]) -> str:
        assert cli.main(change()) == 2
        return capsys.readouterr().err

    def written(text: str) -> list[str]:
        (tmp_path / "other.json").write_text(text)
        return _command(checkpoint, tmp_path / "other.json", out)

    assert "a .safetensors file" in said(lambda: _command(checkpoint, arguments, tmp_path / "out.pt"))
    assert "would be overwritten" in said(lambda: _command(checkpoint, arguments, tmp_path / "arguments.safetensors"))
    assert "got no file" in said(lambda: _command(checkpoint, tmp_path / "none.json", out))
    assert "must be JSON" in said(lambda: written("{"))
    assert "a JSON object" in said(lambda: written("[1]"))
    assert "with which the network was trained" in said(lambda: _command(checkpoint, arguments, out, "spade_unet"))
    wider = json.dumps(ARGUMENTS | {"num_channels": [16, 32]})
    assert "instead of (16, 1, 3, 3)" in said(lambda: written(wider))
    assert not out.exists() and not out.with_suffix(".json").exists()
