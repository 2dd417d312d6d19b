"""Another detector's boxes of a data set's images, to evaluate and to train on."""

from .beside_annotated import add_beside_annotated
from .given import given_detections, true_boxes
from .results_file import read_coco_results

__all__ = ["add_beside_annotated", "given_detections", "read_coco_results", "true_boxes"]
