"""RoIAlign as matrix products."""

from .matrix_roi_align import MatrixROIAlign, matrix_roi_align, use_matrix_pooling

__all__ = ["MatrixROIAlign", "matrix_roi_align", "use_matrix_pooling"]
