"""Gradient accumulation and the compiled step of the diffusion training, as a user asks for them on the command line."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow

from monai_echosynth.networks.nets.presets import gamma_autoencoder
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.train import BUNDLE
from monai_echosynth.workflows.training_runs import stage_ids
from tests.helpers.tiny_generator import TINY_SETTINGS, scramble
from tests.helpers.tiny_prepared import write_tiny_prepared


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Config ids of one epoch of four batches."""
    root = tmp_path_factory.mktemp("options")
    torch.manual_seed(0)
    network = scramble(gamma_autoencoder("quick"), scale=0.05)
    network.normalizer.std.fill_(0.2)
    save_weights(network, root / "autoencoder.safetensors")
    budget = replace(TINY_SETTINGS.diffusion, epochs=1, samples_per_epoch=8, batch_size=2)
    told = stage_ids(write_tiny_prepared(root / "data"), root / "out", root / "out" / "w.safetensors", budget, 0, False)
    return {
        **told,
        "autoencoder_path": str(root / "autoencoder.safetensors"),
        "autoencoder_size": "quick",
        "cache_dir": str(root / "latents"),
        "precision": "float32",
        "mosaic_interval": 1000,
    }


def _train(ids: dict[str, Any], **options: Any) -> ConfigWorkflow:
    for name in ("output_dir", "ckpt_dir"):
        shutil.rmtree(ids[name], ignore_errors=True)
    workflow: ConfigWorkflow = run_bundle(bundle_source(BUNDLE), "train_diffusion.json", "train", **{**ids, **options})
    return workflow


def _steps(workflow: ConfigWorkflow) -> int:
    optimizer = workflow.parser.get_parsed_content("optimizer")
    counts = {int(state["step"]) for state in optimizer.state.values()}
    return counts.pop() if len(counts) == 1 else -1


@pytest.mark.parametrize(
    ("every", "steps"), [(1, 4), (2, 2), (3, 2)]
)  # what is left at the end of an epoch is a step too
def test_gradients_of_several_batches_make_one_step(ids: dict[str, Any], every: int, steps: int) -> None:
    assert _steps(_train(ids, accumulation_steps=every)) == steps


def test_no_accumulation_of_no_batches(ids: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="accumulation_steps"):
        _train(ids, accumulation_steps=0)


def test_the_step_is_compiled_where_asked(ids: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = list[Any]()

    def record(network: Any, **options: Any) -> Any:
        compiled.append(network)
        return network

    monkeypatch.setattr(torch, "compile", record)
    workflow = _train(ids, compile=True)
    assert compiled == [workflow.parser.get_parsed_content("network")]
    assert _steps(workflow) == 4
    compiled.clear()
    _train(ids)
    assert not compiled


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_training_ends_where_a_plain_one_does(ids: dict[str, Any]) -> None:
    weights = [
        {
            name: value.clone()
            for name, value in _train(ids, **told).parser.get_parsed_content("network").named_parameters()
        }
        for told in ({}, {"compile": True})
    ]
    assert all(torch.allclose(value, weights[1][name], atol=1e-4) for name, value in weights[0].items())
