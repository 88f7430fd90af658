"""DICOM in and out: ultrasound frames with their spacing, segmentations, overlays, synthetic ultrasound.

Only :mod:`~monai_echosynth.integrations.dicom.library` imports pydicom and highdicom (extra ``dicom``); the other modules ask
it for them when they run.
"""
