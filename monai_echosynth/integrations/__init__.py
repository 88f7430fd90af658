"""Doors to other software: DICOM files, and what the MONAI Deploy applications in ``deploy/`` are made of."""
