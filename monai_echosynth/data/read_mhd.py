"""MetaImage frames (``.mhd`` with ``.raw``) through ITK, the only file that needs that optional package.

The first CAMUS release stores 0.308 mm x 0.154 mm pixels: the spacing is anisotropic and is kept.
"""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np

from monai_echosynth.data.frame import Pixels
from monai_echosynth.errors import EchoSynthError

__all__ = ["read_mhd"]

_LOADING = threading.Lock()
"""ITK loads its modules on first use, in one thread; as an error, a deprecation warning of theirs ends the interpreter."""


def read_mhd(path: Path) -> Pixels:
    """Reads one MetaImage header with its raw file; a third axis of length one is dropped.

    Raises:
        EchoSynthError: ITK is not installed, or the file is damaged, cut short or not two-dimensional.
    """
    from monai.data import ITKReader
    from monai.utils import OptionalImportError

    try:
        with _LOADING, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            reader = ITKReader(affine_lps_to_ras=False)
            array, meta = reader.get_data(reader.read(str(path)))
    except (OptionalImportError, ImportError) as error:
        raise EchoSynthError(f"reading {path} needs ITK, which is not installed: pip install itk-io") from error
    except RuntimeError as error:
        raise EchoSynthError(f"a whole MetaImage is needed, got {path} (ITK cannot read it): copy it again") from error
    array = np.asarray(array)
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise EchoSynthError(
            f"frames must have two dimensions, got shape {array.shape} in {path}: extract single frames"
        )
    spacing = np.linalg.norm(np.asarray(meta["affine"], dtype=float)[:3, :2], axis=0)
    return Pixels(array, (float(spacing[0]), float(spacing[1])))
