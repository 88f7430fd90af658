"""The families as overlays of ``echo_generative_diffusion``: small, complete, one epoch each, solvers that fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.transforms import LoadImage
from safetensors.torch import load_file

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family, fitting_solvers
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.diffusion.vp import VP
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import gamma_autoencoder, spade_unet
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.generative_bundle import family_overlay
from monai_echosynth.workflows.pixel_space import fit_pixel_space
from monai_echosynth.workflows.run_bundle import run_bundle
from tests.helpers.tiny_generator import scramble
from tests.helpers.tiny_prepared import write_tiny_prepared

PROCESS: dict[Family, type[Preconditioning]] = {
    Family.EDM_L64: EDM,
    Family.EDM: EDM,
    Family.VE: VE,
    Family.VP: VP,
    Family.SDM: IDDPM,
}
TINY: dict[str, Any] = {"epochs": 1, "samples_per_epoch": 4, "batch_size": 2, "variants": 2, "progress": False}

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def shipped(repository: Path) -> Path:
    return repository / "bundles" / "echo_generative_diffusion"


def _sizes(family: Family) -> dict[str, str]:
    if family in PIXEL_FAMILIES:
        return {"size": "quick_pixel"}
    return {"size": "quick_l64", "autoencoder_size": "quick_l64"}


def _bundle(shipped: Path, prepared: Path, root: Path, family: Family) -> Path:
    """The shipped configs with what stands in the autoencoder's place."""
    shutil.copytree(shipped, root)
    weights = root / "models" / "autoencoder.safetensors"
    weights.parent.mkdir(exist_ok=True)
    if family in PIXEL_FAMILIES:
        run_bundle(root, "fit_pixel_space.json", "train", dataset_dir=str(prepared))
        return root
    torch.manual_seed(0)
    save_weights(scramble(gamma_autoencoder("quick_l64"), scale=0.05), weights)
    save_weights(torch.nn.Identity(), root / "models" / "texture.safetensors")
    return root


def _workflow(bundle: Path, name: str, kind: str, family: Family, **ids: Any) -> ConfigWorkflow:
    files = [str(bundle / "configs" / file) for file in (f"{name}.json", *family_overlay(family))]
    return ConfigWorkflow(
        files, logging_file=False, workflow_type=kind, bundle_root=str(bundle), **{**_sizes(family), **ids}
    )


def test_overlays_are_small_and_copy_nothing(shipped: Path) -> None:
    base = json.loads((shipped / "configs" / "train_diffusion.json").read_text())
    base |= json.loads((shipped / "configs" / "inference.json").read_text())
    for family in PROCESS:
        (name,) = family_overlay(family)
        overlay = json.loads((shipped / "configs" / name).read_text())
        assert overlay["family"] == family
        assert set(overlay) <= set(base) and len(overlay) <= 6
        assert all(value != base[key] for key, value in overlay.items())
    assert base["family"] == Family.EDM_L128 and family_overlay(Family.EDM_L128) == []


@pytest.mark.parametrize("family", PROCESS)
def test_one_epoch_runs_and_fitting_solvers_draw(shipped: Path, prepared: Path, tmp_path: Path, family: Family) -> None:
    bundle = _bundle(shipped, prepared, tmp_path / "bundle", family)
    training = _workflow(bundle, "train_diffusion", "train", family, dataset_dir=str(prepared), **TINY)
    training.initialize()
    assert training.check_properties() == []
    training.run()
    parser = training.parser
    assert type(parser.get_parsed_content("preconditioning")) is PROCESS[family]
    latent = next(iter(parser.get_parsed_content("train::dataloader")))["latent"]
    assert latent.shape[2:] == ((32, 32) if family in PIXEL_FAMILIES else (8, 8))
    weights = bundle / "models" / "diffusion.safetensors"
    assert all(value.isfinite().all() for value in load_file(weights).values())
    save_weights(scramble(spade_unet(_sizes(family)["size"]), scale=0.05), weights)
    drawn = []
    solvers = fitting_solvers(family)
    for solver in solvers if family in (Family.VE, Family.SDM) else solvers[1:4:2]:  # a family of each kind with all
        out = tmp_path / solver
        ids = {"dataset_dir": str(prepared), "output_dir": str(out), "count": 1, "nfe": 3, "progress": False}
        inference = _workflow(bundle, "inference", "inference", family, **ids, solver=solver, texture_path=None)
        inference.initialize()
        assert inference.check_properties() == []
        inference.run()
        inference.finalize()
        manifest = json.loads((out / "manifest.json").read_text())
        assert (manifest["family"], manifest["solver"], manifest["texture_sha256"]) == (family, solver, None)
        read = LoadImage(image_only=True)
        image, label = (np.asarray(read(out / manifest["images"][0][key])) for key in ("image", "label"))
        assert (image[label == 0] == 0).all() and image[label > 0].std() > 0
        drawn.append(manifest["images"][0]["image_sha256"])
    assert len(set(drawn)) > 1


def test_pixel_families_have_no_texture_and_measure_their_scale(shipped: Path, prepared: Path, tmp_path: Path) -> None:
    for family in PIXEL_FAMILIES:
        overlay = json.loads((shipped / "configs" / family_overlay(family)[0]).read_text())
        assert overlay["texture_path"] is None
    found = fit_pixel_space(prepared, tmp_path / "scale.safetensors")
    assert 0.2 < found["mean"] < 0.5 and 0.05 < found["std"] < 0.5
    assert float(load_file(tmp_path / "scale.safetensors")["normalizer.std"]) == pytest.approx(found["std"])


def test_a_solver_that_does_not_fit_leaves_no_folder(shipped: Path, prepared: Path, tmp_path: Path) -> None:
    bundle = _bundle(shipped, prepared, tmp_path / "bundle", Family.SDM)
    save_weights(spade_unet("quick_pixel"), bundle / "models" / "diffusion.safetensors")
    for ids, words in (({"solver": "heun"}, "one of ddim, ancestral, got 'heun'"), ({"nfe": 1001}, "nfe = 1001")):
        with pytest.raises(EchoSynthError, match=words):
            run_bundle(
                bundle,
                ["inference.json", "sdm.json"],
                "inference",
                dataset_dir=str(prepared),
                output_dir=str(tmp_path / "out"),
                size="quick_pixel",
                **ids,
            )
    assert not (tmp_path / "out").exists()
