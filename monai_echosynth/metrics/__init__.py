"""Measures of frames, label maps and segmentations; nothing here knows a network."""
