"""Pictures in TensorBoard: columns of images side by side, so that one sees what the numbers do not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

__all__ = ["TensorBoardMosaic", "tile"]


class TensorBoardMosaic:
    """Writes a mosaic every few epochs.

    Args:
        log_dir: TensorBoard folder.
        tag: name of the picture.
        columns: callable (engine) -> sequence of image batches (N, 1, X, Y) in [0, 1]; row i shows image i of each batch.
        interval: epochs between pictures; the last epoch is always shown.
        rows: most images per column.
    """

    def __init__(
        self,
        log_dir: str | Path,
        tag: str,
        columns: Callable[[Engine], Sequence[Tensor]],
        interval: int = 1,
        rows: int = 6,
    ) -> None:
        self.log_dir = str(log_dir)
        self.tag, self.columns, self.interval, self.rows = tag, columns, interval, rows

    def attach(self, engine: Engine) -> None:
        """Register with a trainer or an evaluator."""
        due = Events.EPOCH_COMPLETED(event_filter=lambda e, n: n % self.interval == 0 or n == e.state.max_epochs)
        engine.add_event_handler(due, self)

    def __call__(self, engine: Engine) -> None:
        """Draw and write."""
        with SummaryWriter(self.log_dir) as writer:
            writer.add_image(self.tag, tile([c[: self.rows] for c in self.columns(engine)]), engine.state.epoch)


def tile(columns: Sequence[Tensor]) -> Tensor:
    """Batches (N, 1, X, Y) as one picture (1, rows, columns); depth runs downwards."""
    pictures = [torch.cat(list(column.detach().float().cpu().clamp(0, 1)), dim=2) for column in columns]
    return torch.cat(pictures, dim=1).transpose(1, 2)
