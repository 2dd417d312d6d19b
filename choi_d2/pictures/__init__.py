"""Reading pictures: the one place that turns a file into pixels, for every room of the house.

Training, evaluation, face detection, prediction and drawing all read through :func:`read_picture`,
so that one file is the same array everywhere. :mod:`.formats` (what ``INPUT.FORMAT`` asks for) is
to be imported by its name: it needs Detectron2, and what imports this does not.
"""

from .errors import size_error, turn_between
from .pixels import as_bgr
from .reading import read_picture, read_picture_size

__all__ = ["as_bgr", "read_picture", "read_picture_size", "size_error", "turn_between"]
