"""Gamma-VAE: where it starts, what is deterministic, what stays float32, and MONAI's contract."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from monai.inferers import LatentDiffusionInferer
from monai.networks.nets import AutoencoderKL
from monai.networks.schedulers import DDPMScheduler

from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet


@pytest.fixture(scope="module")
def network() -> GammaAutoencoder:
    return tiny_autoencoder()


@pytest.fixture(scope="module")
def sector() -> torch.Tensor:
    return 1 - tiny_seg(2)[:, :1]


def test_heads_start_at_the_prior() -> None:
    fresh = GammaAutoencoder((8, 16), 1, (False, False), norm_num_groups=4)
    concentration, rate = fresh.encode(torch.rand(2, 1, 32, 32))
    torch.testing.assert_close(concentration, torch.full((2, 1, 16, 16), 3.75))
    torch.testing.assert_close(rate, torch.full((2, 1, 16, 16), 10.8))


def test_parameters_of_the_posterior_are_bounded(network: GammaAutoencoder) -> None:
    concentration, rate = network.encode(100 * torch.randn(2, 1, 32, 32))
    assert concentration.min() >= 0.1
    assert rate.min() >= 0.1
    with pytest.raises(ValueError, match=r"concentration_min >= 0\.1"):
        GammaAutoencoder(concentration_min=0.01)
    with pytest.raises(ValueError, match="hidden_channels >= 2"):
        GammaAutoencoder(hidden_channels=1)


def test_stage_two_sees_the_posterior_mean_and_is_deterministic(network: GammaAutoencoder) -> None:
    image = torch.rand(2, 1, 32, 32)
    first, second = network.encode_stage_2_inputs(image), network.encode_stage_2_inputs(image)
    assert torch.equal(first, second)
    concentration, rate = network.encode(image)
    torch.testing.assert_close(first, network.normalizer.normalize(concentration / rate))


def test_draws_follow_from_the_generator(network: GammaAutoencoder) -> None:
    image = torch.rand(2, 1, 32, 32)
    first, again, other = (
        network(image, generator=torch.Generator().manual_seed(seed))["latent"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    mean = network(image, sample=False)
    assert torch.equal(mean["latent"], mean["concentration"] / mean["rate"])
    assert torch.equal(mean["reconstruction"], network.reconstruct(image))


def test_background_is_exactly_the_floor_after_decoding(network: GammaAutoencoder, sector: torch.Tensor) -> None:
    decoded = network.decode_stage_2_outputs(torch.randn(2, 1, 16, 16), sector)
    assert (decoded[sector == 0] == 0).all()
    assert decoded[sector > 0].std() > 0
    assert decoded.min() >= 0 and decoded.max() <= 1


def test_background_latent_is_constant(network: GammaAutoencoder, sector: torch.Tensor) -> None:
    outside = network.latent_sector(sector) == 0
    latent = network.encode_stage_2_inputs(torch.rand(2, 1, 32, 32) * sector, sector)
    assert outside.any()
    assert (latent[outside] == network.data_range()[0]).all()
    drawn = network(torch.rand(2, 1, 32, 32) * sector, sector=sector)["latent"]
    assert (drawn[outside] == 0).all()
    assert network.normalizer.denormalize(network.data_range()[0]).abs() < 1e-6
    assert network.data_range()[1] == torch.inf


def test_contract_of_monai(network: GammaAutoencoder) -> None:
    names = (
        "encode",
        "sampling",
        "decode",
        "reconstruct",
        "forward",
        "encode_stage_2_inputs",
        "decode_stage_2_outputs",
    )
    assert all(callable(getattr(AutoencoderKL, name)) and callable(getattr(network, name)) for name in names)
    assert hasattr(network, "post_quant_conv") and hasattr(network, "encoder") and hasattr(network, "decoder")


def test_serves_monai_s_latent_diffusion_inferer(network: GammaAutoencoder) -> None:
    inferer = LatentDiffusionInferer(DDPMScheduler(num_train_timesteps=10), scale_factor=1.0)
    with torch.inference_mode():
        prediction = inferer(
            inputs=torch.rand(2, 1, 32, 32),
            autoencoder_model=network,
            diffusion_model=tiny_unet(),
            noise=torch.randn(2, 1, 16, 16),
            timesteps=torch.tensor([1, 5]),
            seg=tiny_seg(2),
        )
    assert prediction.shape == (2, 1, 16, 16)


def test_gamma_arithmetic_stays_in_float32_under_bfloat16(network: GammaAutoencoder) -> None:
    hidden: list[torch.Tensor] = []
    handle = network.encoder.register_forward_hook(lambda _module, _inputs, output: hidden.append(output))
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = network(torch.rand(1, 1, 32, 32), generator=torch.Generator().manual_seed(0))
    finally:
        handle.remove()
    assert hidden[0].dtype is torch.bfloat16
    assert outputs["reconstruction"].dtype is torch.bfloat16
    assert all(outputs[name].dtype is torch.float32 for name in ("concentration", "rate", "latent"))
    wide = hidden[0].float()
    for name, head, low in (
        ("concentration", network.quant_conv_concentration, network.concentration_min),
        ("rate", network.quant_conv_rate, network.rate_min),
    ):
        assert torch.equal(outputs[name], low + F.softplus(head(wide)))


def test_gradients_reach_both_heads() -> None:
    network = GammaAutoencoder((8, 16), 1, (False, False), norm_num_groups=4)
    network(torch.rand(1, 1, 32, 32))["reconstruction"].sum().backward()
    for head in (network.quant_conv_concentration, network.quant_conv_rate):
        assert head.conv.weight.grad is not None
        assert head.conv.weight.grad.abs().sum() > 0


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_trace_of_the_reconstruction_is_exact(network: GammaAutoencoder) -> None:
    with torch.no_grad(), torch.jit.optimized_execution(False):
        inputs = {"reconstruct": (torch.rand(1, 1, 32, 32),)}
        traced = torch.jit.trace_module(network, inputs, check_trace=False)
        image = torch.rand(1, 1, 32, 32)
        torch.testing.assert_close(traced.reconstruct(image), network.reconstruct(image), rtol=0, atol=1e-6)
