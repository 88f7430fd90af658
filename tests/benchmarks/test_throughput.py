"""Operations are counted of what is timed."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.throughput import image_flop
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet


def test_neither_the_modulation_nor_the_estimate_of_memory_counts() -> None:
    network, decoder, seg = tiny_unet(), tiny_autoencoder(), tiny_seg(1)
    flop = []
    for calls in (2, 4):
        inferer = LatentSamplingInferer(decoder, EDM(), "dpmpp_2m", calls, exact=False)
        flop.append(image_flop(inferer, network, seg))
    with torch.no_grad(), FlopCounterMode(display=False) as decoding:
        decoder.decode_stage_2_outputs(torch.zeros(1, 1, *decoder.latent_sector(seg[:, :1]).shape[2:]))
    call = (flop[1] - flop[0]) / 2
    assert call > 0
    assert flop[0] == 2 * call + decoding.get_total_flops()
