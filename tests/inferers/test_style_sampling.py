"""Image k of a GAN is a function of (seed, k) and its mask, and its discriminator has two roles."""

from __future__ import annotations

import torch

from monai_echosynth.inferers.judging import JudgingInferer
from monai_echosynth.inferers.style_sampling import StyleSamplingInferer
from monai_echosynth.networks.nets.style_autoencoder import StyleAutoencoder
from tests.helpers.tiny_gan import tiny_discriminator, tiny_spade_generator
from tests.helpers.tiny_generator import tiny_seg


def test_batches_leave_every_byte_and_seeds_do_not() -> None:
    network, seg = tiny_spade_generator(), tiny_seg(3)
    inferer = StyleSamplingInferer(32, seed=1)
    whole = inferer(seg, network, index=[0, 1, 2])
    single = [inferer(seg[k : k + 1], network, index=torch.tensor([k])) for k in (2, 0, 1)]
    assert torch.equal(whole, torch.cat([single[1], single[2], single[0]]))
    assert not torch.equal(whole[:1], inferer(seg[:1], network, index=[5]))
    assert not torch.equal(whole[:1], StyleSamplingInferer(32, seed=2)(seg[:1], network, index=[0]))
    batched = StyleSamplingInferer(32, seed=1, exact=False)(seg, network, index=[0, 1, 2])
    torch.testing.assert_close(batched, whole, rtol=0, atol=1e-5)
    assert inferer.nfe_per_image == 1


def test_the_generator_learns_from_features_and_the_discriminator_from_logits() -> None:
    judge, network, seg = JudgingInferer(), tiny_discriminator(), tiny_seg(2)
    drawn = StyleAutoencoder(tiny_spade_generator())(torch.rand(2, 1, 32, 32), seg, torch.zeros(2, 32))
    for_generator = judge(drawn, network, seg=seg, noise=None)
    assert len(for_generator.features) == len(for_generator.real_features) == 1
    assert for_generator.features[0][0].requires_grad and not for_generator.real_features[0][0].requires_grad
    assert torch.equal(for_generator.real_features[0][0], network(drawn.real, seg)[1][0][0])
    for frames in (drawn.detach(), drawn.real):
        judgement = judge(frames, network, seg=seg)
        assert judgement.features == [] and judgement.logits[0].requires_grad
