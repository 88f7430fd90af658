"""Silences news of MONAI that mean nothing to a user of the programs here."""

from __future__ import annotations

import logging
import warnings

__all__ = ["quiet_monai"]


def quiet_monai() -> None:
    """No word about logging settings that a workflow leaves alone, nor, beside pydicom, about a GPU codec at every reader."""
    logging.getLogger("monai.bundle.workflows").addFilter(_is_news)
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader")


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Logging file is set to False")
