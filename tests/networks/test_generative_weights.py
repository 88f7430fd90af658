"""Weights with monai-generative's names: outputs as they were there, and a clear word for everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks.nets import AutoencoderKL, DiffusionModelUNet, SPADEAutoencoderKL, SPADEDiffusionModelUNet
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks import SpadeCache
from monai_echosynth.networks.generative_weights import convert_generative_state, load_generative_weights
from monai_echosynth.networks.nets.generative import GenerativeNetwork, generative_network
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from tests.helpers.generative_oracle import as_it_was, old_state
from tests.helpers.tiny_generator import scramble, tiny_seg

SHAPE: dict[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "num_res_blocks": 1,
    "attention_levels": (False, True),
    "norm_num_groups": 4,
}
UNET = SHAPE | {"num_channels": (8, 16), "num_head_channels": 8}
VAE = SHAPE | {"num_channels": (8, 16), "latent_channels": 2}
CROSS = {"with_conditioning": True, "cross_attention_dim": 6}
LABELS = {"label_nc": 5, "spade_intermediate_channels": 6}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "unet": ("unet", UNET),
    "unet, cross-attention": ("unet", UNET | CROSS),
    "unet, residual updown, classes": ("unet", UNET | {"resblock_updown": True, "num_class_embeds": 3}),
    "spade unet": ("spade_unet", UNET | LABELS),
    "spade unet, cross-attention, classes": ("spade_unet", UNET | LABELS | CROSS | {"num_class_embeds": 3}),
    "autoencoder": ("autoencoder", VAE),
    "spade autoencoder": ("spade_autoencoder", VAE | LABELS),
}
CORE = {
    "unet": DiffusionModelUNet,
    "spade_unet": SPADEDiffusionModelUNet,
    "autoencoder": AutoencoderKL,
    "spade_autoencoder": SPADEAutoencoderKL,
}
each_case = pytest.mark.parametrize("case", CASES)


def _core(kind: str, arguments: dict[str, Any], seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    renamed = {"channels" if name == "num_channels" else name: value for name, value in arguments.items()}
    network: nn.Module = scramble(CORE[kind](**renamed), seed)
    return network


def _outputs(kind: str, arguments: dict[str, Any], network: nn.Module) -> list[Tensor]:
    """What a network makes of one fixed batch, whichever its kind."""
    generator = torch.Generator().manual_seed(1)
    image, seg = torch.randn(2, 1, 16, 16, generator=generator), tiny_seg(2, 16)
    masks = {"seg": seg} if "spade" in kind else {}
    with torch.inference_mode():
        if "autoencoder" in kind:
            mean, deviation = network.encode(image)
            return [mean, deviation, network.decode(mean, **masks)]
        extra: dict[str, Any] = dict(masks)
        if "with_conditioning" in arguments:
            extra["context"] = torch.randn(2, 3, 6, generator=generator)
        if "num_class_embeds" in arguments:
            extra["class_labels"] = torch.tensor([0, 2])
        return [network(image, timesteps=torch.tensor([3, 700]), **extra)]


@each_case
def test_outputs_are_those_of_monai_generative(case: str, tmp_path: Path) -> None:
    kind, arguments = CASES[case]
    theirs = _core(kind, arguments)
    with as_it_was(1e-5 if kind == "spade_autoencoder" else None):
        expected = _outputs(kind, arguments, theirs)
    torch.save(old_state(theirs), tmp_path / "checkpoint.pt")
    ours = load_generative_weights(generative_network(kind, **arguments), tmp_path / "checkpoint.pt").eval()
    for found, wanted in zip(_outputs(kind, arguments, ours), expected, strict=True):
        assert wanted.std() > 0.02
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["unet", "autoencoder"])
def test_what_the_traps_would_cost(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """MONAI's own converter revives the dead projection: another network, far beyond the tolerance."""
    arguments = CASES[kind][1]
    theirs = _core(kind, arguments)
    with as_it_was():
        expected = _outputs(kind, arguments, theirs)
    revived = _core(kind, arguments, seed=1)
    revived.load_old_state_dict(old_state(theirs))
    assert (_outputs(kind, arguments, revived)[-1] - expected[-1]).abs().max() > 1e-3


def test_epsilon_of_the_spade_autoencoder_matters() -> None:
    kind, arguments = CASES["spade autoencoder"]
    theirs = _core(kind, arguments)
    ours = generative_network(kind, **arguments).eval()
    ours.load_state_dict(theirs.state_dict())
    differences = [
        (a - b).abs().max()
        for a, b in zip(_outputs(kind, arguments, ours), _outputs(kind, arguments, theirs), strict=True)
    ]
    assert differences[:2] == [0, 0] and differences[2] > 1e-6


def test_transposed_convolutions_keep_their_width(tmp_path: Path) -> None:
    arguments = VAE | {"use_convtranspose": True}
    theirs, ours = (scramble(generative_network("autoencoder", **arguments), seed) for seed in (0, 1))
    torch.save(old_state(theirs), tmp_path / "checkpoint.pt")
    load_generative_weights(ours, tmp_path / "checkpoint.pt")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    name = next(name for name in state if name.endswith(".conv.conv.weight") and "decoder" in name)
    assert state[name].shape == (16, 16, 3, 3)
    with as_it_was():
        expected = _outputs("autoencoder", arguments, theirs)
    assert expected[-1].shape == (2, 1, 16, 16)
    torch.testing.assert_close(_outputs("autoencoder", arguments, ours)[-1], expected[-1], rtol=0, atol=1e-5)


def test_spade_unet_is_ours_and_takes_a_cache() -> None:
    kind, arguments = CASES["spade unet"]
    theirs, ours = _core(kind, arguments), generative_network(kind, **arguments).eval()
    assert isinstance(ours, SPADEUNet)
    ours.load_state_dict(theirs.state_dict())
    x, timesteps, cache = torch.randn(2, 1, 16, 16), torch.tensor([3, 700]), SpadeCache(tiny_seg(2, 32))
    with torch.inference_mode():
        expected = theirs(x, timesteps, seg=tiny_seg(2, 32))
        for _ in range(2):
            torch.testing.assert_close(ours(x, timesteps, seg=cache), expected, rtol=0, atol=1e-5)
    assert len(cache) > 0


def test_three_dimensions_are_those_of_monai() -> None:
    arguments = UNET | LABELS | {"spatial_dims": 3}
    theirs, ours = _core("spade_unet", arguments), generative_network("spade_unet", **arguments)
    assert isinstance(ours, SPADEDiffusionModelUNet) and not isinstance(ours, SPADEUNet)
    ours.load_state_dict(convert_generative_state(old_state(theirs), ours))
    assert torch.equal(ours.conv_in.conv.weight, theirs.conv_in.conv.weight)


@pytest.mark.parametrize("wrap", ["module.", "_orig_mod."])
def test_wrapped_and_nested_checkpoints(wrap: str, tmp_path: Path) -> None:
    kind, arguments = CASES["unet"]
    state = {f"{wrap}{name}": value for name, value in old_state(_core(kind, arguments)).items()}
    torch.save({"epoch": 3, "model": state, "loss": 0.1}, tmp_path / "one.pt")
    load_generative_weights(generative_network(kind, **arguments), tmp_path / "one.pt")
    torch.save({"model": state, "ema": state}, tmp_path / "two.pt")
    with pytest.raises(EchoSynthError, match=r"one state dict, got 2 .*'model', 'ema'.*--key"):
        load_generative_weights(generative_network(kind, **arguments), tmp_path / "two.pt")
    load_generative_weights(generative_network(kind, **arguments), tmp_path / "two.pt", key="ema")
    with pytest.raises(EchoSynthError, match="under 'average', got 0"):
        load_generative_weights(generative_network(kind, **arguments), tmp_path / "two.pt", key="average")


def _broken(name: str) -> tuple[dict[str, Tensor], str]:
    """A state dict that does not fit, and what must be said of it."""
    kind, arguments = CASES["spade unet"]
    theirs = _core(kind, arguments)
    state = old_state(theirs)
    if name == "MONAI's names":
        return theirs.state_dict(), r"attn\.\S+' is a name of MONAI, .*load these weights as they are"
    if name == "another kind":
        return old_state(_core("autoencoder", VAE)), "'encoder.blocks.0.conv.weight' has no place"
    if name == "another width":
        other = _core(kind, arguments | {"num_channels": (16, 32)})
        return old_state(other), r"'conv_in.conv.weight' is \(16, 1, 3, 3\) instead of \(8, 1, 3, 3\)"
    if name == "a key too many":
        return {**state, "class_embedding.weight": torch.zeros(3, 32)}, "'class_embedding.weight' has no place"
    del state["down_blocks.1.attentions.0.to_q.weight"]
    return state, "'down_blocks.1.attentions.0.attn.to_q.weight' of the network is not in it"


@pytest.mark.parametrize("name", ["MONAI's names", "another kind", "another width", "a key too many", "a key missing"])
def test_what_does_not_fit_is_named(name: str, tmp_path: Path) -> None:
    state, words = _broken(name)
    torch.save(state, tmp_path / "checkpoint.pt")
    kind, arguments = CASES["spade unet"]
    network = generative_network(kind, **arguments)
    before = network.conv_in.conv.weight.clone()
    with pytest.raises(EchoSynthError, match=words) as caught:
        load_generative_weights(network, tmp_path / "checkpoint.pt")
    assert "checkpoint.pt" in str(caught.value) and "\n" not in str(caught.value)
    assert torch.equal(network.conv_in.conv.weight, before)


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    network = generative_network("unet", **UNET)
    torch.save(network, tmp_path / "pickled.pt")
    (tmp_path / "damaged.pt").write_bytes(b"no weights")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    for name, words in {
        "pickled": "must hold tensors alone",
        "damaged": "cannot be read",
        "empty": "got 0 .*'epoch'",
        "list": "got 0 .*list",
        "missing": "got no file",
    }.items():
        with pytest.raises(EchoSynthError, match=words) as caught:
            load_generative_weights(network, tmp_path / f"{name}.pt")
        assert f"{name}.pt" in str(caught.value) and "\n" not in str(caught.value)


def test_definitions_that_do_not_exist() -> None:
    with pytest.raises(EchoSynthError, match=r"one of unet, spade_unet, .* got 'controlnet'"):
        generative_network("controlnet")
    with pytest.raises(EchoSynthError, match="with which the network was trained"):
        generative_network(GenerativeNetwork.UNET, **UNET, depth=3)
    with pytest.raises(EchoSynthError, match="multiple of norm_num_groups"):
        generative_network(GenerativeNetwork.UNET, **UNET | {"norm_num_groups": 3})
    for wrong in ({"spatial_dims": 4}, {"norm_num_groups": 0}, {"num_head_channels": 0}):
        with pytest.raises(EchoSynthError, match="with which the network was trained"):
            generative_network(GenerativeNetwork.UNET, **UNET | wrong)
