"""Numbers from a segmented recording: areas of the structures, and volumes and ejection fraction of the left ventricle.

End-diastole is the frame with the largest cavity, end-systole that with the smallest, or the frames that the user names. With
volumes :math:`V` by the method of disks,

    EF = (V_ED - V_ES) / V_ED.

References:
    Lang et al., Recommendations for Cardiac Chamber Quantification by Echocardiography in Adults, J Am Soc Echocardiogr 2015.
    https://doi.org/10.1016/j.echo.2014.10.003
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.method_of_disks import DISKS, area_cm2, disk_volume

__all__ = ["CAVITIES", "measure"]

CAVITIES = ("lv_endo", "lv")
"""Names of the left ventricular cavity in label tables."""
_DIGITS = 6  # a pixel may be 0.001 cm2
_METHOD = f"single-plane Simpson, method of disks: V = pi/4 * sum(d_i^2) * L/{DISKS}, i = 1..{DISKS}; EF = (V_ED - V_ES) / V_ED"
_SOURCE = "Lang et al., J Am Soc Echocardiogr 2015, https://doi.org/10.1016/j.echo.2014.10.003"


def measure(
    labels: NDArray[np.uint8],
    table: LabelTable,
    spacing: tuple[float, float],
    ed_frame: int | None = None,
    es_frame: int | None = None,
) -> dict[str, Any]:
    """Areas of every frame, and volumes where there is a left ventricle.

    Args:
        labels: (F, X, Y) ids.
        table: what the ids mean.
        spacing: pixel size in mm along x and y.
        ed_frame: number of the end-diastolic frame, from 1; that with the largest cavity when None.
        es_frame: number of the end-systolic frame, from 1; that with the smallest cavity when None.

    Returns:
        ``areas_cm2`` by structure, a list over frames; ``left_ventricle`` with ``end_diastole``, ``end_systole`` (frame, area,
        long axis, volume), ``ejection_fraction_percent``, method and source; the values are None, and ``note`` says why, where
        the frames do not give them.

    Raises:
        EchoSynthError: a frame number is out of range.
    """
    _check_frame("end-diastolic", ed_frame, len(labels))
    _check_frame("end-systolic", es_frame, len(labels))
    areas = {row.name: [area_cm2(label == row.id, spacing) for label in labels] for row in structures(table)}
    ventricle: dict[str, Any] = {"method": _METHOD, "source": _SOURCE, "end_diastole": None, "end_systole": None}
    ventricle |= {"ejection_fraction_percent": None, "note": ""}
    cavity = next((name for name in CAVITIES if name in areas), None)
    sizes = np.asarray(areas[cavity]) if cavity else np.zeros(len(labels))
    if not sizes.any():
        ventricle["note"] = "no left ventricular cavity was found"
    else:
        shown = np.flatnonzero(sizes)
        ed = int(shown[sizes[shown].argmax()]) + 1 if ed_frame is None else ed_frame
        es = int(shown[sizes[shown].argmin()]) + 1 if es_frame is None else es_frame
        ventricle |= _phases(labels, table, spacing, str(cavity), ed, es)
    rounded = {name: [round(value, _DIGITS) for value in values] for name, values in areas.items()}
    return {"areas_cm2": rounded, "left_ventricle": ventricle}


def _phases(
    labels: NDArray[np.uint8], table: LabelTable, spacing: tuple[float, float], cavity: str, ed: int, es: int
) -> dict[str, Any]:
    """Both phases and the ejection fraction; one phase where they are the same frame."""
    diastole, systole = (_phase(labels[number - 1], table, spacing, cavity, number) for number in (ed, es))
    if ed == es:
        return {"end_diastole": diastole, "note": "one frame with a cavity gives a volume and no ejection fraction"}
    empty = [str(phase["frame"]) for phase in (diastole, systole) if not phase["volume_ml"]]
    if empty:
        return {"note": f"frame {' and '.join(empty)} shows no cavity, so there is no ejection fraction"}
    fraction = 100 * (diastole["volume_ml"] - systole["volume_ml"]) / diastole["volume_ml"]
    return {"end_diastole": diastole, "end_systole": systole, "ejection_fraction_percent": round(fraction, 2)}


def _phase(
    label: NDArray[np.uint8], table: LabelTable, spacing: tuple[float, float], cavity: str, number: int
) -> dict[str, Any]:
    mask = label == table.id_of(cavity)
    if not mask.any():
        return {"frame": number, "area_cm2": 0.0, "long_axis_cm": 0.0, "volume_ml": 0.0, "axis": None}
    atrium = label == table.id_of("la") if "la" in table.names.values() else None
    found = disk_volume(mask, spacing, atrium)
    return {
        "frame": number,
        "area_cm2": round(area_cm2(mask, spacing), _DIGITS),
        "long_axis_cm": round(found.length_cm, _DIGITS),
        "volume_ml": round(found.volume_ml, _DIGITS),
        "axis": str(found.axis),
    }


def _check_frame(phase: str, number: int | None, count: int) -> None:
    if number is not None and not 1 <= number <= count:
        raise EchoSynthError(f"the {phase} frame must be one of 1 to {count}, got {number}: correct the number")
