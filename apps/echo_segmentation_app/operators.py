"""Operators of the segmentation application: each hands what it receives to one method of the task and sends the result on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.deploy.core import Fragment, Operator, OperatorSpec

from monai_echosynth.integrations.segmentation_app import SegmentationTask

__all__ = ["FrameSegmenter", "MeasurementWriter", "OverlayWriter", "SegmentationWriter", "UltrasoundReader"]


class _TaskOperator(Operator):
    """An operator that knows the task."""

    def __init__(self, fragment: Fragment, *args: Any, task: SegmentationTask, **kwargs: Any) -> None:
        self.task = task
        super().__init__(fragment, *args, **kwargs)


class UltrasoundReader(_TaskOperator):
    """Output ``cines``: the ultrasound images of a file or a folder."""

    def __init__(self, fragment: Fragment, *args: Any, task: SegmentationTask, path: Path, **kwargs: Any) -> None:
        self.path = path
        super().__init__(fragment, *args, task=task, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declares the port."""
        spec.output("cines")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Reads."""
        op_output.emit(self.task.read(self.path), "cines")


class FrameSegmenter(_TaskOperator):
    """Input ``cines``; output ``segmented``: the same with label maps."""

    def setup(self, spec: OperatorSpec) -> None:
        """Declares the ports."""
        spec.input("cines")
        spec.output("segmented")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Segments."""
        op_output.emit([self.task.segment(cine) for cine in op_input.receive("cines")], "segmented")


class _Writer(_TaskOperator):
    """Input ``segmented``; writes one file a recording."""

    def setup(self, spec: OperatorSpec) -> None:
        """Declares the port."""
        spec.input("segmented")


class SegmentationWriter(_Writer):
    """Writes DICOM SEG."""

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Writes."""
        for item in op_input.receive("segmented"):
            self.task.write_segmentation(item)


class OverlayWriter(_Writer):
    """Writes Secondary Captures with outlines."""

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Writes."""
        for item in op_input.receive("segmented"):
            self.task.write_overlay(item)


class MeasurementWriter(_Writer):
    """Writes areas, volumes and ejection fraction as JSON."""

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Writes."""
        for item in op_input.receive("segmented"):
            self.task.write_measurements(item)
