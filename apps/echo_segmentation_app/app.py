"""MONAI Deploy application: ultrasound DICOM in; DICOM SEG, overlay and measurements out.

reader -> segmenter -> segmentation writer, overlay writer, measurement writer
"""

from __future__ import annotations

import os
from pathlib import Path

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application
from operators import FrameSegmenter, MeasurementWriter, OverlayWriter, SegmentationWriter, UltrasoundReader

from monai_echosynth.integrations.app_settings import SegmentationSettings
from monai_echosynth.integrations.segmentation_app import SegmentationTask

__all__ = ["EchoSegmentationApp"]

APP_YAML = Path(os.environ.get("HOLOSCAN_CONFIG_PATH", Path(__file__).with_name("app.yaml")))


class EchoSegmentationApp(Application):
    """Segments the ultrasound images of the input folder with the bundle in the model folder."""

    name = "echo_segmentation_app"
    description = "Segmentation of the left ventricle and the left atrium in apical echocardiograms. Research only."
    version = "0.1.0"

    def compose(self) -> None:
        """Connects the operators."""
        context = Application.init_app_context(self.argv)
        settings = SegmentationSettings.from_file(APP_YAML)
        task = SegmentationTask(Path(context.model_path), Path(context.output_path), settings)
        reader = UltrasoundReader(
            self, CountCondition(self, 1), task=task, path=Path(context.input_path), name="reader"
        )
        segmenter = FrameSegmenter(self, task=task, name="segmenter")
        self.add_flow(reader, segmenter, {("cines", "cines")})
        for writer in (SegmentationWriter, OverlayWriter, MeasurementWriter):
            self.add_flow(segmenter, writer(self, task=task, name=writer.__name__), {("segmented", "segmented")})
