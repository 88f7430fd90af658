"""Semantic diffusion for echocardiography on MONAI: label maps in, labeled synthetic frames out.

The layers, each importing only those before it::

    L0  distributions, diffusion               torch only
    L1  networks, losses, metrics, transforms, data    + monai
    L2  inferers
    L3  engines, handlers                      + ignite
    L4  workflows, integrations, cli

Importing the package itself loads none of them, so that ``echosynth --help`` answers at once.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
