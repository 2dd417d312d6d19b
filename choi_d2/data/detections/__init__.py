"""Another detector's boxes of a data set's images: from COCO results, or the annotated ones."""

from .given import given_detections, true_boxes
from .results_file import read_coco_results

__all__ = ["given_detections", "read_coco_results", "true_boxes"]
