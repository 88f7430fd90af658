"""All families are measured, on what they would make: frames of their masks."""

from __future__ import annotations

import torch

from benchmarks.families import GAN, Scale, benchmark_families, generators
from benchmarks.runner import Options
from benchmarks.subjects import segs
from monai_echosynth.diffusion.family import Family
from monai_echosynth.workflows.training_settings import Preset


def test_every_family_makes_frames_of_masks_in_every_form() -> None:
    scale, seg = Scale(Preset.QUICK, 64, 2, (1,)), segs(2, 64)
    plain, packed = generators(scale), generators(scale, "channels_last+packed")
    assert next(iter(plain)) == Family.EDM and list(plain)[-1] == GAN
    assert set(plain) == {*map(str, Family), GAN} == {*packed, GAN}
    for name, (run, parameters) in plain.items():
        image = run(seg)
        assert image.shape == (2, 1, 64, 64) and image.std() > 0.01 and parameters > 1e5
        assert not image[seg[:, :1] > 0.5].any()
        if name in packed:
            torch.testing.assert_close(packed[name][0](seg), image, rtol=0, atol=1e-3)


def test_rows_tell_cost_and_size() -> None:
    found = benchmark_families(Options(quick=True, rounds=1))
    assert len(found["rows"]) == 2 * (len(Family) + 1) and not found["checks"]
    for row in found["rows"]:
        assert row["GFLOP an image"] > 0 and row["million parameters"] > 0.1 and row["images per second"] > 0
