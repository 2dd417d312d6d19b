"""Prediction: sources of pictures, models to pass on, and typed results."""

from choi_d2.data.detections import read_coco_results
from choi_d2.structures import Detections

from .bundles import About, read_about, shipped_models, write_bundle
from .photos import Photo, find_photos
from .predictor import HOIPredictor
from .results import HOIResult
from .sources import Picture, open_source
from .triplets import Triplet, Triplets

__all__ = [
    "About",
    "Detections",
    "HOIPredictor",
    "HOIResult",
    "Photo",
    "Picture",
    "Triplet",
    "Triplets",
    "find_photos",
    "open_source",
    "read_about",
    "read_coco_results",
    "shipped_models",
    "write_bundle",
]
