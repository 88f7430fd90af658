"""Doors to other programs: each part translates between one of them and the workflows."""
