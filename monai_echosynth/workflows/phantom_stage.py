"""The stage that stands in for a user's data: a phantom, simulated and prepared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_echosynth.workflows.stages import StageContext

__all__ = ["phantom_data", "prepared"]


def phantom_data(context: StageContext, views: Sequence[str], progress: bool = True, **options: Any) -> dict[str, int]:
    """Simulates the views in ``phantom/`` of the stage's folder and prepares them in ``prepared/``.

    Args:
        context: its settings have ``patients``, ``size``, ``n_test`` and ``seed``.
        views: views of the phantom.
        progress: show progress bars.
        **options: further arguments of :func:`~monai_echosynth.data.phantom.write_phantom`.

    Returns:
        Frames by section.
    """
    from monai_echosynth.data.datalist import read_dataset_json
    from monai_echosynth.data.phantom import write_phantom
    from monai_echosynth.workflows.prepare import prepare

    settings, source = context.settings, context.folder / "phantom"
    write_phantom(source, settings["patients"], settings["seed"], views=views, progress=progress, **options)
    chosen = {"size": settings["size"], "n_test": settings["n_test"], "seed": settings["seed"], "split": "random"}
    chosen |= {"max_train": settings["patients"], "progress": progress}
    content = read_dataset_json(prepare(source, context.folder / "prepared", **chosen))
    return {section: len(content[section]) for section in ("training", "validation", "test")}


def prepared(folder: Path) -> Path:
    """The prepared folder that is ``folder``, or lies in that of a phantom."""
    return folder if (folder / "dataset.json").is_file() else folder / "prepared"
