"""choi_d2: Cascaded Human-Object Interaction Recognition (CVPR 2020) on Detectron2."""

__version__ = "0.1.0"
