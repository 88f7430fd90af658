"""MONAI transforms for echo frames: sector, semantic map, one-hot conditioning, warps inside the sector."""
