"""PNG frames through Pillow: array (X, Y), that is transposed from rows and columns as MONAI's PILReader does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from monai_echosynth.data.frame import Pixels
from monai_echosynth.errors import EchoSynthError

__all__ = ["read_png"]


def read_png(path: Path) -> Pixels:
    """Reads one PNG file; colors become gray, palette indices stay as they are; the spacing is unknown and set to 1.

    Raises:
        EchoSynthError: the file is damaged or cut short.
    """
    try:
        with Image.open(path) as picture:
            array = np.asarray(picture if picture.mode in {"1", "L", "P", "I", "I;16", "F"} else picture.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        reason = " ".join(str(error).split())
        raise EchoSynthError(f"a whole PNG file is needed, got {path} ({reason}): copy or export it again") from error
    array = array.astype(np.uint8) if array.dtype == np.bool_ else array
    return Pixels(np.ascontiguousarray(array.T), (1.0, 1.0), spacing_known=False)
