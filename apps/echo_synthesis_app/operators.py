"""Operators of the synthesis application: each hands what it receives to one method of the task and sends the result on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.deploy.core import Fragment, Operator, OperatorSpec

from monai_echosynth.integrations.synthesis_app import SynthesisTask

__all__ = ["FrameSynthesizer", "LabelReader", "UltrasoundWriter"]


class _TaskOperator(Operator):
    """An operator that knows the task."""

    def __init__(self, fragment: Fragment, *args: Any, task: SynthesisTask, **kwargs: Any) -> None:
        self.task = task
        super().__init__(fragment, *args, **kwargs)


class LabelReader(_TaskOperator):
    """Output ``maps``: the label maps of a file or a folder."""

    def __init__(self, fragment: Fragment, *args: Any, task: SynthesisTask, path: Path, **kwargs: Any) -> None:
        self.path = path
        super().__init__(fragment, *args, task=task, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declares the port."""
        spec.output("maps")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Reads."""
        op_output.emit(self.task.read(self.path), "maps")


class FrameSynthesizer(_TaskOperator):
    """Input ``maps``; output ``drawn``: the same with frames."""

    def setup(self, spec: OperatorSpec) -> None:
        """Declares the ports."""
        spec.input("maps")
        spec.output("drawn")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Synthesizes."""
        op_output.emit([self.task.synthesize(cine) for cine in op_input.receive("maps")], "drawn")


class UltrasoundWriter(_TaskOperator):
    """Input ``drawn``; writes one ultrasound instance a recording."""

    def setup(self, spec: OperatorSpec) -> None:
        """Declares the port."""
        spec.input("drawn")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        """Writes."""
        for item in op_input.receive("drawn"):
            self.task.write(item)
