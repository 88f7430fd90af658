"""Embedded phantom: a 2-D echocardiography simulator, so that everything runs without a download.

``anatomy`` (parametric heart) and ``ventricle`` (outlines) give ``tissue``; ``scene`` is what lies before the probe, on
the chest or in the esophagus (``esophageal_*``, ``right_heart``); ``echogenicity`` says how it scatters,
``speckle`` how the probe sees it, ``propagation`` what happens on the way, ``display`` how the machine shows it in the
sector of ``geometry``. ``styles`` are machines, ``simulate`` makes one frame, ``recording`` a population, ``writer``
its files. Breast pictures with lesions are apart: ``lesion_shape``, ``lesion_frame``, ``lesion_writer``.
"""

from __future__ import annotations

from monai_echosynth.data.phantom.anatomy import Anatomy, Patient, Phase, View, sample_patient
from monai_echosynth.data.phantom.esophageal_anatomy import EsophagealView
from monai_echosynth.data.phantom.esophageal_recording import EsophagealPlan, plan_esophageal, render_esophageal
from monai_echosynth.data.phantom.esophageal_styles import ESOPHAGEAL_STYLES, EsophagealStyleName
from monai_echosynth.data.phantom.lesion_frame import LesionFrame, simulate_lesion_frame
from monai_echosynth.data.phantom.lesion_shape import LesionClass
from monai_echosynth.data.phantom.lesion_writer import write_lesion_phantom
from monai_echosynth.data.phantom.recording import PatientPlan, plan_patient, render
from monai_echosynth.data.phantom.simulate import PhantomFrame, simulate_frame
from monai_echosynth.data.phantom.styles import STYLES, MachineStyle, StyleName
from monai_echosynth.data.phantom.writer import write_phantom

__all__ = [
    "ESOPHAGEAL_STYLES",
    "STYLES",
    "Anatomy",
    "EsophagealPlan",
    "EsophagealStyleName",
    "EsophagealView",
    "LesionClass",
    "LesionFrame",
    "MachineStyle",
    "Patient",
    "PatientPlan",
    "PhantomFrame",
    "Phase",
    "StyleName",
    "View",
    "plan_esophageal",
    "plan_patient",
    "render",
    "render_esophageal",
    "sample_patient",
    "simulate_frame",
    "simulate_lesion_frame",
    "write_lesion_phantom",
    "write_phantom",
]
