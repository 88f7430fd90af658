"""Runs every config of a bundle once: simulated frames of 32 x 32, the smallest networks, a step or two.

The configs of a bundle are run in the order in which they make each other's weights. A bundle that starts from another one
(an adapter from a generator, an aligner from a segmenter) gets it from the shipped bundle of that kind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.mask_r2_proposal import propose_remapping
from monai_echosynth.data.phantom import write_phantom
from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.alignment_settings import AlignmentSettings
from monai_echosynth.workflows.bundle_config import read_config
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.check_list import Check, run_check
from monai_echosynth.workflows.generative_bundle import family_overlay
from monai_echosynth.workflows.prepare import prepare
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.segmentation import SegmentationSettings, train_segmenter

__all__ = ["SmallRuns"]

_SIZE = 32
_EPOCH = {"epochs": 1, "samples_per_epoch": 4, "batch_size": 2}
_NETWORKS = {"size": "quick", "autoencoder_size": "quick"}
_GENERATION = {**_NETWORKS, "spatial_size": _SIZE, "count": 2, "nfe": 3}
_ALIGNER = AlignmentSettings(**_EPOCH, ids={"channels": [8, 8, 16, 16], "bank_size": 4, "stored_bank": 3})


_TRAINING = "train_diffusion.json"
_DISTILLATIONS: dict[str, dict[str, Any]] = {
    "student.json": {},
    "student_trajectory.json": {"trajectories": 4, "teacher_nfe": 12},
}
"""Overlays of few-step students and the ids that make them small."""


@dataclass(frozen=True)
class _Run:
    """Config files, later over earlier, and the ids that make them small."""

    configs: tuple[str, ...]
    ids: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str | None:
        """Type of the workflow; None where it is neither a training nor an inference."""
        first = self.configs[0]
        return "train" if first.startswith("train") else "inference" if first.startswith("inference") else None


class SmallRuns:
    """Runs of the bundles' configs.

    Args:
        folder: where frames, copies of the bundles and results are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._generators: list[Path] = []

    def checks(self, kind: str, bundle: Path) -> list[Check]:
        """One check a config of ``bundle``: it runs, and the properties of its workflow are complete."""
        if kind == "echo_tee_adaptation" and find_spec("peft") is None:
            return [Check("config runs", None, "adapters need the extra lora: pip install 'monai-echosynth[lora]'")]
        copy, runs = self._plan(kind, bundle)
        return [run_check(f"run {' + '.join(run.configs)}", partial(self._run, copy, run)) for run in runs]

    @cached_property
    def frames(self) -> Path:
        """Prepared frames of six simulated patients."""
        raw = write_phantom(
            self.folder / "phantom", patients=6, views=("2CH", "4CH"), width=64, workers=1, progress=False
        )
        return prepare(raw, self.folder / "prepared", size=_SIZE, workers=1, progress=False)

    @cached_property
    def _segmenter(self) -> Path:
        settings = SegmentationSettings(_SIZE, base_features=4, iterations=1, batch_size=2, epoch_iterations=1)
        train_segmenter(self.folder / "segmenter", self.frames, settings, progress=False)
        return self.folder / "segmenter"

    @cached_property
    def _generator(self) -> Path:
        """A bundle with the weights of a generator; that which was run before where there is one."""
        if not self._generators:
            failed = [check for check in self.checks(_GENERATOR, bundle_source(_GENERATOR)) if check.passed is False]
            if failed:
                raise EchoSynthError(f"{_GENERATOR} must run first, got {failed[0].name}: {failed[0].detail}")
        return self._generators[0]

    def _plan(self, kind: str, bundle: Path) -> tuple[Path, Sequence[_Run]]:
        copy = self.folder / f"{kind}_{len(list(self.folder.glob(f'{kind}_*')))}"
        for name in ("configs", "docs"):
            shutil.copytree(bundle / name, copy / name)
        (copy / "models").mkdir()
        return copy, _PLANS[kind](self, copy)

    def _run(self, copy: Path, run: _Run) -> str:
        ids = {"dataset_dir": str(self.frames), **run.ids}
        if run.kind is None:
            run_bundle(copy, run.configs, "train", **ids)
            return "ran"
        ids = {"progress": False, "output_dir": str(copy / "eval" / "_".join(run.configs)), **ids}
        workflow = run_bundle(copy, run.configs, run.kind, **ids)
        wrong = workflow.check_properties()
        if wrong:
            raise EchoSynthError(f"properties missing or wrong: {', '.join(wrong)}")
        return f"ran, {len(workflow.properties or {})} properties complete"

    def segmentation(self, copy: Path) -> Sequence[_Run]:
        """Of the segmenter, as :meth:`_judged`."""
        return self._judged({"spatial_size": _SIZE, "base_features": 4})

    def classification(self, copy: Path) -> Sequence[_Run]:
        """Of the view classifier, as :meth:`_judged`."""
        return self._judged({"spatial_size": _SIZE, "size": "quick"})

    def _judged(self, sizes: dict[str, Any]) -> Sequence[_Run]:
        """Training, inference of a folder, evaluation."""
        budget = {"iterations": 2, "epoch_iterations": 1, "batch_size": 2, "val_interval": 1}
        images = {"dataset_dir": str(self.frames / "original" / "images")}
        return (
            _Run(("train.json",), {**sizes, **budget}),
            _Run(("inference.json",), {**sizes, **images}),
            _Run(("inference.json", "evaluate.json"), sizes),
        )

    def generation(self, copy: Path) -> Sequence[_Run]:
        """Both trainings, the texture between them, generation; then each family that has an overlay there."""
        if read_config(copy)["family"] in PIXEL_FAMILIES:  # a trained bundle of frames
            return _frames(copy)
        if not (copy / "configs" / "train_autoencoder.json").is_file():
            return self._student(copy)
        self._generators.append(copy)
        shipped = [name for family in Family for name in family_overlay(family) if (copy / "configs" / name).is_file()]
        return (
            _Run(("train_autoencoder.json",), {**_EPOCH, "size": "quick"}),
            _Run(("fit_texture.json",), {"autoencoder_size": "quick"}),
            _Run(("train_diffusion.json",), {**_EPOCH, **_NETWORKS, "variants": 2}),
            _Run(("inference.json",), _GENERATION),
            *(
                run
                for name in shipped
                for run in (_coarse(copy, name) if name == "edm_l64.json" else _frames(copy, name))
            ),
            *(_students(copy) if (copy / "configs" / "student.json").is_file() else ()),
        )

    def _student(self, copy: Path) -> Sequence[_Run]:
        """Of a trained student: its training from another teacher, generation."""
        names = {"autoencoder": "autoencoder", "texture": "texture", "diffusion": "teacher"}
        for own, name in names.items():
            shutil.copyfile(self._generator / "models" / f"{own}.safetensors", copy / "models" / f"{name}.safetensors")
        ids = _DISTILLATIONS["student_trajectory.json" if "solve" in read_config(copy, _TRAINING) else "student.json"]
        return (
            _Run((_TRAINING,), {**_EPOCH, **_NETWORKS, **ids, "variants": 2}),
            _Run(("inference.json",), {**_GENERATION, "nfe": 2}),
        )

    def adversaries(self, copy: Path) -> Sequence[_Run]:
        """Training of a SPADE-GAN, generation."""
        sizes = {"size": "quick", "spatial_size": _SIZE}
        return (
            _Run(("train.json",), {**_EPOCH, **sizes, "scales": 1}),
            _Run(("inference.json",), {**sizes, "count": 2}),
        )

    def adaptation(self, copy: Path) -> Sequence[_Run]:
        """Decoder, texture, adapter and generation; then a whole network in the adapter's place."""
        for name in ("autoencoder.safetensors", "diffusion.safetensors"):
            shutil.copyfile(self._generator / "models" / name, copy / "models" / name)
        write_json(copy / "rules.json", propose_remapping(SEMANTIC_LABELS, SEMANTIC_LABELS).to_dict())
        decoder = {"decoder_epochs": 1, "samples_per_epoch": 4, "batch_size": 2, "autoencoder_size": "quick"}
        training = {**_EPOCH, **_NETWORKS, "variants": 2, "lora_rank": 2}
        return (
            _Run(("train_decoder.json",), decoder),
            _Run(("fit_texture.json",), {"autoencoder_size": "quick"}),
            _Run(("train.json",), training),
            _Run(("inference.json",), _GENERATION),
            _Run(("train.json", "finetune.json"), {**training, "ckpt_dir": str(copy / "models" / "finetuning")}),
            _Run(("inference.json", "finetuned_inference.json"), _GENERATION),
        )

    def alignment(self, copy: Path) -> Sequence[_Run]:
        """Training without pairs, alignment of a set; prepared frames stand for the synthetic ones."""
        ids = {**_ALIGNER.config(), "structures": SEMANTIC_LABELS.num_channels}
        sources = {"synthetic_dir": str(self.frames), "segmenter_dir": str(self._segmenter)}
        inference = {"channels": ids["channels"], "spatial_size": _SIZE}
        return (_Run(("train.json",), {**ids, **sources}), _Run(("inference.json",), inference))

    def guidance(self, copy: Path) -> Sequence[_Run]:
        """Both trainings, generation of the classes; the views of the frames are their classes."""
        sizes = {**_NETWORKS, "spatial_size": _SIZE}
        drawn = {"class_names": ["2CH", "4CH"], "label_table": SEMANTIC_LABELS.to_dict(), "count": 2, "nfe": 4}
        return (
            _Run(("train_autoencoder.json",), {**_EPOCH, "size": "quick"}),
            _Run(("train_diffusion.json",), {**_EPOCH, **sizes}),
            _Run(("inference.json",), {**sizes, **drawn}),
        )


def _frames(copy: Path, *overlay: str) -> Sequence[_Run]:
    """Of a family of frames: their scale, training, generation; the weights beside those of the bundle."""
    ids = _beside(copy, overlay) | {"size": "quick_pixel", "autoencoder_size": "quick"}
    scale = {"autoencoder_path": ids["autoencoder_path"]}
    return (_Run(("fit_pixel_space.json",), scale), *_denoising(ids, overlay))


def _coarse(copy: Path, *overlay: str) -> Sequence[_Run]:
    """Of the family of coarser latents: both trainings, generation without texture."""
    ids = _beside(copy, overlay) | {"size": "quick_l64", "autoencoder_size": "quick_l64"}
    first = {
        **_EPOCH,
        "size": "quick_l64",
        "weights_path": ids["autoencoder_path"],
        "ckpt_dir": f"{ids['ckpt_dir']}_vae",
    }
    return (_Run(("train_autoencoder.json",), first), *_denoising(ids | {"texture_path": None}, overlay))


def _students(copy: Path) -> Sequence[_Run]:
    """Both distillations of the bundle's own network, generation by the student; its weights beside those of the teacher."""
    runs: list[_Run] = []
    for overlay, ids in _DISTILLATIONS.items():
        folder = copy / "models" / overlay
        files = {
            "weights_path": str(folder / "diffusion.safetensors"),
            "grids_path": str(folder / "sigma_grids.json"),
        }
        teacher = {
            "teacher_path": str(copy / "models" / "diffusion.safetensors"),
            "ckpt_dir": str(folder / "checkpoints"),
        }
        training = {**_EPOCH, **_NETWORKS, **files, **teacher, **ids, "variants": 2}
        runs.append(_Run(("train_diffusion.json", overlay), training))
        drawn = {**_GENERATION, **files, "nfe": 2, "output_dir": str(folder / "set")}
        runs.append(_Run(("inference.json", "student_inference.json"), drawn))
    return runs


def _denoising(ids: dict[str, Any], overlay: tuple[str, ...]) -> Sequence[_Run]:
    inference = {name: value for name, value in ids.items() if name != "ckpt_dir"}
    training = {name: value for name, value in ids.items() if name != "texture_path"}
    return (
        _Run(("train_diffusion.json", *overlay), {**_EPOCH, **training, "variants": 2}),
        _Run(("inference.json", *overlay), {**_GENERATION, **inference}),
    )


def _beside(copy: Path, overlay: tuple[str, ...]) -> dict[str, Any]:
    folder = copy / "models" / "_".join(overlay)
    names = {"autoencoder_path": "autoencoder", "weights_path": "diffusion"}
    return {"ckpt_dir": str(folder / "checkpoints")} | {
        key: str(folder / f"{name}.safetensors") for key, name in names.items()
    }


_GENERATOR = "echo_generative_diffusion"

_PLANS: dict[str, Callable[[SmallRuns, Path], Sequence[_Run]]] = {
    "echo_segmentation": SmallRuns.segmentation,
    "echo_view_classification": SmallRuns.classification,
    _GENERATOR: SmallRuns.generation,
    "echo_spade_gan": SmallRuns.adversaries,
    "echo_tee_adaptation": SmallRuns.adaptation,
    "echo_domain_alignment": SmallRuns.alignment,
    "ultrasound_guided_diffusion": SmallRuns.guidance,
}
