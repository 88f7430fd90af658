"""MONAI Deploy application: label maps or DICOM SEG in, synthetic ultrasound DICOM out.

reader -> synthesizer -> writer
"""

from __future__ import annotations

import os
from pathlib import Path

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application
from operators import FrameSynthesizer, LabelReader, UltrasoundWriter

from monai_echosynth.integrations.app_settings import SynthesisSettings
from monai_echosynth.integrations.synthesis_app import SynthesisTask

__all__ = ["EchoSynthesisApp"]

APP_YAML = Path(os.environ.get("HOLOSCAN_CONFIG_PATH", Path(__file__).with_name("app.yaml")))


class EchoSynthesisApp(Application):
    """Draws ultrasound for the label maps of the input folder with the generator in the model folder."""

    name = "echo_synthesis_app"
    description = "Synthetic echocardiograms from label maps, marked as synthetic. Research only."
    version = "0.1.0"

    def compose(self) -> None:
        """Connects the operators."""
        context = Application.init_app_context(self.argv)
        settings = SynthesisSettings.from_file(APP_YAML)
        task = SynthesisTask(Path(context.model_path), Path(context.output_path), settings)
        reader = LabelReader(self, CountCondition(self, 1), task=task, path=Path(context.input_path), name="reader")
        synthesizer = FrameSynthesizer(self, task=task, name="synthesizer")
        self.add_flow(reader, synthesizer, {("maps", "maps")})
        self.add_flow(synthesizer, UltrasoundWriter(self, task=task, name="writer"), {("drawn", "drawn")})
