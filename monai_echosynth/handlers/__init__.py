"""Ignite handlers (layer 3)."""
