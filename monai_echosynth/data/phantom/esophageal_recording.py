"""Virtual transesophageal recordings: which patient, machine and random streams a frame gets.

As in ``recording``, everything is a function of (seed, patient number, phase); the streams are others than those of apical views,
so patient 1 of a transesophageal population is not patient 1 of the apical one with the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from monai_echosynth.data.phantom.anatomy import Phase
from monai_echosynth.data.phantom.echogenicity import Scattering, sample_scattering
from monai_echosynth.data.phantom.esophageal_anatomy import EsophagealPatient, sample_esophageal_patient
from monai_echosynth.data.phantom.esophageal_scene import EsophagealScene
from monai_echosynth.data.phantom.esophageal_styles import ESOPHAGEAL_LEVELS, ESOPHAGEAL_STYLES, EsophagealStyleName
from monai_echosynth.data.phantom.simulate import PhantomFrame, simulate_frame

__all__ = ["EsophagealPlan", "plan_esophageal", "render_esophageal"]

STREAM = 100
"""Third key of the random streams, apart from those of apical views."""

CALCIFIED = 0.35
"""Share of patients whose annuli shadow what lies behind them."""

STYLE_SHARES = {
    EsophagealStyleName.MULTIPLANE: 0.45,
    EsophagealStyleName.HARMONIC: 0.25,
    EsophagealStyleName.MATRIX: 0.15,
    EsophagealStyleName.LEGACY: 0.15,
}


@dataclass(frozen=True)
class EsophagealPlan:
    """A patient with its machine.

    Attributes:
        index: patient number, from 1.
        patient: the heart.
        style: machine of both frames.
        scattering: acoustic contrast of the tissues.
        depth: scan depth of both frames in mm.
    """

    index: int
    patient: EsophagealPatient
    style: EsophagealStyleName
    scattering: Scattering
    depth: float


def plan_esophageal(seed: int, index: int) -> EsophagealPlan:
    """Draw patient ``index`` (from 1) of the population ``seed``; the scan depth is set to show about the whole ventricle."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, index, STREAM]))
    patient = sample_esophageal_patient(rng)
    style = EsophagealStyleName(str(rng.choice(list(STYLE_SHARES), p=list(STYLE_SHARES.values()))))
    scattering = sample_scattering(rng, ESOPHAGEAL_LEVELS, groove=(2.0, 9.0), posterior=(0.0, 6.0), spread=1.5)
    if rng.random() < CALCIFIED:
        scattering = replace(scattering, calcium=float(rng.uniform(1.0, 6.0)))
    depth = float(np.clip(-patient.end_diastole.left.apex_y + rng.normal(12.0, 10.0), 110.0, 180.0))
    return EsophagealPlan(index, patient, style, scattering, depth)


def render_esophageal(seed: int, plan: EsophagealPlan, phase: Phase, width: int = 256) -> PhantomFrame:
    """Simulate one frame of a planned patient, ``width`` pixels wide; labels are those of `EsophagealScene`."""
    window = np.random.SeedSequence([seed, plan.index, STREAM + 1])
    frame = np.random.SeedSequence([seed, plan.index, STREAM + 1, 1 + list(Phase).index(phase)])
    scene = EsophagealScene(plan.patient.anatomy(phase))
    return simulate_frame(scene, ESOPHAGEAL_STYLES[plan.style], plan.scattering, plan.depth, window, frame, width)
