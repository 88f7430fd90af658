"""Batch preparation for MONAI's engines (layer 3)."""
