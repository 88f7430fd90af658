"""Makes an ``AdversarialTrainer`` of MONAI look like its other trainers to handlers: a total loss, and a state that can be saved.

In float32 the trainer does not report the sum of the generator's losses, and its state dict holds networks and optimizers as
objects, which no checkpoint without code can take; they are checkpointed by their own state dicts instead.
"""

from __future__ import annotations

from ignite.engine import Engine, Events
from monai.utils.enums import AdversarialKeys, CommonKeys

__all__ = ["AdversarialRecord"]


class AdversarialRecord:
    """Adds ``loss`` to the output of every iteration; attach it before the handlers that read it."""

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self._forget_objects)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def _forget_objects(self, engine: Engine) -> None:
        """The trainer names them after its handlers were attached."""
        engine.state_dict_user_keys.clear()

    def __call__(self, engine: Engine) -> None:
        """Add the sum of the generator's losses."""
        output = engine.state.output
        total = output[AdversarialKeys.GENERATOR_LOSS] + output[AdversarialKeys.RECONSTRUCTION_LOSS]
        output[CommonKeys.LOSS] = total.detach()
