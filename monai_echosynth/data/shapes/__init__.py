"""Statistical shape model of label maps: new hearts for the generator, without new annotations.

``outlines`` says which curves describe a table, ``contours`` traces them, ``arcs`` cuts them at anatomical points, ``layout``
and ``landmarks`` turn them into arrays of points, ``correspondence`` does so for a data set. ``procrustes`` and ``shape_model``
find mean, modes and poses; ``rasterize`` draws shapes back; ``anatomy_rules`` and ``anatomy_check`` say what is a heart;
``map_sampler`` draws valid maps; ``quality_curves`` judges the model; ``fit`` and ``shape_file`` are the way in and out.
"""

from __future__ import annotations

from monai_echosynth.data.shapes.anatomy_check import check_anatomy
from monai_echosynth.data.shapes.anatomy_rules import AnatomyRules, basic_rules, learn_rules
from monai_echosynth.data.shapes.correspondence import Correspondence, ShapeMap, correspond
from monai_echosynth.data.shapes.fit import ShapeFit, anchored, fit_shapes
from monai_echosynth.data.shapes.map_sampler import MapSampler, SampledMap, Sector
from monai_echosynth.data.shapes.procrustes import Alignment
from monai_echosynth.data.shapes.rasterize import draw_shape
from monai_echosynth.data.shapes.shape_file import FittedShapes, load_shapes, save_shapes
from monai_echosynth.data.shapes.shape_model import SampledShape, ShapeModel

__all__ = [
    "Alignment",
    "AnatomyRules",
    "Correspondence",
    "FittedShapes",
    "MapSampler",
    "SampledMap",
    "SampledShape",
    "Sector",
    "ShapeFit",
    "ShapeMap",
    "ShapeModel",
    "anchored",
    "basic_rules",
    "check_anatomy",
    "correspond",
    "draw_shape",
    "fit_shapes",
    "learn_rules",
    "load_shapes",
    "save_shapes",
]
