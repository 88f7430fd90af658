"""Runs a config of a bundle; an error of the user's input inside it comes out as such, not wrapped by the config parser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.errors import EchoSynthError

__all__ = ["root_error", "run_bundle"]


def run_bundle(bundle: str | Path, configs: str | Sequence[str], workflow_type: str, **ids: Any) -> ConfigWorkflow:
    """Initialize, run and finalize ``configs`` of ``bundle`` with ids replaced by ``ids``; returns the workflow.

    Args:
        bundle: bundle folder.
        configs: names of files in ``configs/``, later ones override.
        workflow_type: ``train`` or ``inference``.
        **ids: config ids and values; nested ids with ``::``.

    Raises:
        EchoSynthError: if a config is missing, or as raised inside.
        OSError: as raised inside: a full disk, a folder that cannot be written.
    """
    names = [configs] if isinstance(configs, str) else list(configs)
    files = [Path(bundle) / "configs" / name for name in names]
    for path in files:
        if not path.is_file():
            raise EchoSynthError(f"a bundle with configs/{path.name} was expected, got {bundle}: name a bundle folder")
    try:
        workflow = ConfigWorkflow(
            config_file=[str(path) for path in files],
            workflow_type=workflow_type,
            logging_file=False,
            bundle_root=str(bundle),
            **ids,
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
    except RuntimeError as error:
        reason, folder = root_error(error), Path(ids.get("output_dir", bundle))
        if reason is error:
            _try_writing(folder)
            raise
        raise _named(reason, folder)  # noqa: B904 - the RuntimeError stays visible as its context
    return workflow


def _try_writing(folder: Path) -> None:
    """Raises the OSError that a full or closed folder gives: ``SaveImage`` and ``torch.save`` drop the reason of a failure."""
    probe = folder / ".partial-probe"
    try:
        with atomic_path(probe) as path:
            path.write_bytes(bytes(1 << 16))
        probe.unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def _named(error: BaseException, folder: Path) -> BaseException:
    """The error itself; one of the system that names no file names ``folder``."""
    if isinstance(error, OSError) and error.errno and error.filename is None:
        return OSError(error.errno, error.strerror, str(folder))
    return error


def root_error(error: BaseException) -> BaseException:
    """The first error in the chain of causes that is meant for the user, the error itself where there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, EchoSynthError | OSError | KeyboardInterrupt):
            return cause
        cause = cause.__cause__
    return error
