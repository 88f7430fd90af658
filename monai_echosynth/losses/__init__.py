"""Losses (layer 1), all averaged inside the ultrasound sector."""
