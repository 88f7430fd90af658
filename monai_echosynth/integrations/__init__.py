"""Doors to other programs and optional packages: each part translates between one of them and the workflows."""
