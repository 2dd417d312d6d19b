"""⟨human, verb, object⟩ triplets in words and in pictures."""

from choi_d2.structures import Vocabulary

from .pictures import save_picture, side_by_side
from .report import prediction_report
from .triplets import Triplet, annotated_triplets, group_by_pair, top_triplets
from .visualizer import TripletVisualizer

__all__ = [
    "Triplet",
    "TripletVisualizer",
    "Vocabulary",
    "annotated_triplets",
    "group_by_pair",
    "prediction_report",
    "save_picture",
    "side_by_side",
    "top_triplets",
]
