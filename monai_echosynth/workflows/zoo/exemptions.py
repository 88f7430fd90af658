"""Gates that the zoo itself does not put before bundles of a kind, each with the zoo's reason and its precedent there.

The zoo names such bundles in its continuous integration: those whose weights are in other files than ``models/model.pt``, whose
network takes more than one tensor, or whose network cannot be scripted. Here ``echosynth export`` takes the place of scripting:
it traces a whole generator, with one tensor in.

References:
    Project-MONAI/model-zoo, ``ci/bundle_custom_data.py``, https://github.com/Project-MONAI/model-zoo
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["EXEMPTIONS", "Gate"]


class Gate(StrEnum):
    """What is asked of a bundle, in the order of the zoo."""

    FILES = "files"
    WEIGHTS = "models/model.pt"
    SIZES = "file sizes"
    VERSION = "version and changelog"
    SCHEMA = "metadata schema"
    KEYS = "names of config keys"
    PACKAGES = "required packages"
    SHAPE = "network in and out"
    TORCHSCRIPT = "TorchScript export"


_GENERATOR = "brats_mri_generative_diffusion"

EXEMPTIONS: Mapping[str, Mapping[Gate, str]] = {
    "echo_segmentation": {},
    "echo_view_classification": {},
    "echo_generative_diffusion": {
        Gate.WEIGHTS: "two networks and a texture, each in a file of its own (zoo: maisi_ct_generative)",
        Gate.SHAPE: f"the network takes noise, its level and a mask, the gate feeds one tensor (zoo: {_GENERATOR})",
        Gate.TORCHSCRIPT: f"diffusion U-Nets cannot be scripted and make no image alone (zoo: {_GENERATOR})",
    },
    "echo_spade_gan": {
        Gate.TORCHSCRIPT: f"MONAI's SPADENet cannot be scripted (zoo: {_GENERATOR}, for the same reason)",
    },
    "echo_tee_adaptation": {
        Gate.WEIGHTS: "a low-rank adapter beside the networks of its base, one file each (zoo: maisi_ct_generative)",
        Gate.SHAPE: f"the network takes noise, its level and a mask, the gate feeds one tensor (zoo: {_GENERATOR})",
        Gate.TORCHSCRIPT: f"diffusion U-Nets cannot be scripted and make no image alone (zoo: {_GENERATOR})",
    },
    "echo_domain_alignment": {
        Gate.WEIGHTS: "the network and a bank of features, each in a file of its own (zoo: maisi_ct_generative)",
        Gate.SHAPE: "the network takes a frame, its mask and exemplars, the gate feeds one tensor (zoo: maisi_ct_generative)",
        Gate.TORCHSCRIPT: "the network takes exemplars as Python objects, which cannot be scripted (zoo: vista3d)",
    },
    "ultrasound_guided_diffusion": {
        Gate.WEIGHTS: "two networks, each in a file of its own (zoo: maisi_ct_generative)",
        Gate.SHAPE: f"the network takes noise, its level and a condition, the gate feeds one tensor (zoo: {_GENERATOR})",
        Gate.TORCHSCRIPT: f"diffusion U-Nets cannot be scripted and make no image alone (zoo: {_GENERATOR})",
    },
}
"""Bundle -> gate -> reason."""
