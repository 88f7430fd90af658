"""What the synthesis application does, step by step, without MONAI Deploy: its operators call these methods."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth import __version__
from monai_echosynth.integrations.app_settings import SynthesisSettings
from monai_echosynth.integrations.dicom.write_ultrasound import write_ultrasound
from monai_echosynth.integrations.label_maps import LabelCine, read_label_maps
from monai_echosynth.integrations.segment_frames import bundle_version
from monai_echosynth.integrations.synthesize_frames import synthesize_frames

__all__ = ["SynthesisTask", "SynthesizedCine"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class SynthesizedCine:
    """Frames (F, X, Y) drawn from label maps."""

    maps: LabelCine
    frames: NDArray[np.uint8]


class SynthesisTask:
    """Reads, draws and writes.

    Args:
        bundle: trained ``echo_generative_diffusion`` bundle.
        out: folder to write to.
        settings: of the application.
    """

    def __init__(self, bundle: Path, out: Path, settings: SynthesisSettings) -> None:
        self.bundle, self.out, self.settings = bundle, out, settings

    def read(self, path: Path) -> list[LabelCine]:
        """The label maps of a file or a folder.

        Raises:
            EchoSynthError: there is none, or one that cannot be used.
        """
        cines = read_label_maps(path, self.settings.spacing)
        _LOGGER.info("%d recordings, %d label maps", len(cines), sum(len(cine.labels) for cine in cines))
        return cines

    def synthesize(self, maps: LabelCine) -> SynthesizedCine:
        """Frames of label maps."""
        _LOGGER.info("drawing %d frames of %s", len(maps.labels), maps.name)
        frames = synthesize_frames(self.bundle, maps, self.settings.seed, self.settings.nfe, self.settings.bundle)
        return SynthesizedCine(maps, frames)

    def write(self, item: SynthesizedCine) -> Path:
        """``<name>_synthetic.dcm``."""
        settings = self.settings
        derivation = (
            f"Drawn from a label map by latent diffusion: monai-echosynth {__version__}, bundle echo_generative_diffusion"
            f" {bundle_version(self.bundle)}, seed {settings.seed}, {settings.nfe} network evaluations. Not acquired from a"
            " patient. Research only, not for diagnosis."
        )
        path = self.out / f"{item.maps.name}_synthetic.dcm"
        frame_ms = item.maps.frame_ms or settings.frame_ms
        return write_ultrasound(path, item.frames, item.maps.spacing, derivation, frame_ms=frame_ms)
