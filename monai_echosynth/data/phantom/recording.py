"""Virtual recordings: which patient, machine and random streams a frame gets.

Everything is a function of (seed, patient number, view, phase): frames can be made in any order, anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_echosynth.data.phantom.anatomy import Patient, Phase, View, sample_patient
from monai_echosynth.data.phantom.echogenicity import Scattering, sample_scattering
from monai_echosynth.data.phantom.scene import ApicalScene
from monai_echosynth.data.phantom.simulate import PhantomFrame, simulate_frame
from monai_echosynth.data.phantom.styles import STYLES, StyleName

__all__ = ["PatientPlan", "plan_patient", "render"]

STYLE_SHARES = {StyleName.MEDIAN: 0.5, StyleName.CRISP: 0.2, StyleName.HAZY: 0.2, StyleName.PORTABLE: 0.1}


@dataclass(frozen=True)
class PatientPlan:
    """A patient with its machine.

    Attributes:
        index: patient number, from 1.
        patient: the heart.
        style: machine of all frames.
        scattering: acoustic contrast of the tissues.
        depth: scan depth of all frames in mm.
    """

    index: int
    patient: Patient
    style: StyleName
    scattering: Scattering
    depth: float


def plan_patient(seed: int, index: int, styles: Sequence[StyleName] = tuple(STYLE_SHARES)) -> PatientPlan:
    """Draw patient ``index`` (from 1) of the population ``seed``, seen by one of the machines ``styles`` in their proportions;
    the scan depth is set to show most of the atrium.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, index]))
    patient = sample_patient(rng)
    shares = np.array([STYLE_SHARES[style] for style in styles])
    style = StyleName(str(rng.choice(list(styles), p=shares / shares.sum())))
    bottom = max(a.apex_y + a.length + a.atrium_length for a in patient.end_diastole.values())
    depth = float(np.clip(bottom + rng.normal(4.0, 7.0), 135.0, 180.0))
    return PatientPlan(index, patient, style, sample_scattering(rng), depth)


def render(seed: int, plan: PatientPlan, view: View, phase: Phase, width: int = 256) -> PhantomFrame:
    """Simulate one frame of a planned patient, ``width`` pixels wide."""
    view_number, phase_number = list(View).index(view), list(Phase).index(phase)
    window = np.random.SeedSequence([seed, plan.index, 1 + view_number])
    frame = np.random.SeedSequence([seed, plan.index, 1 + view_number, 1 + phase_number])
    scene = ApicalScene(plan.patient.anatomy(view, phase))
    return simulate_frame(scene, STYLES[plan.style], plan.scattering, plan.depth, window, frame, width)
