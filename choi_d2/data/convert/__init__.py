"""What people have -> the JSON of a data set of your own (:mod:`choi_d2.data.datasets.hoi_json`).

A file for each form; :mod:`.forms` is the list of them. ``choi init-data`` is the command.
"""

from .conversion import Conversion, convert
from .forms import FORMS, Form
from .source import Options

__all__ = ["FORMS", "Conversion", "Form", "Options", "convert"]
