"""pydicom and highdicom, loaded when a DICOM file is at hand and not before.

Both are optional (extra ``dicom``). Every module of this package gets them here, so that one that is missing, or too old, ends in
one sentence.
"""

from __future__ import annotations

from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["load_highdicom", "load_pydicom"]


def load_pydicom() -> Any:
    """The module pydicom with the sub-modules used here.

    Version 2, which MONAI Label holds it at, reads: it has no ``pydicom.pixels``.

    Raises:
        EchoSynthError: it is not installed.
    """
    try:
        import pydicom
        import pydicom.data
        import pydicom.errors
        import pydicom.sr.coding
        import pydicom.uid

        if int(pydicom.__version__.split(".")[0]) >= 3:
            import pydicom.pixels
        else:
            import pydicom.pixel_data_handlers.util
    except ImportError as error:
        raise _missing(error) from error
    return pydicom


def load_highdicom() -> Any:
    """The module highdicom, with the sub-modules used here.

    Raises:
        EchoSynthError: it is not installed.
    """
    try:
        import highdicom
        import highdicom.color
        import highdicom.seg
    except ImportError as error:
        raise _missing(error) from error
    return highdicom


def _missing(error: ImportError) -> EchoSynthError:
    return EchoSynthError(
        f"DICOM files need pydicom, and highdicom to be written, got an environment without ({error}): "
        "pip install 'monai-echosynth[dicom]'"
    )
