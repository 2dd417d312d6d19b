"""The data sets: a loader each, and their registration (``builtin.py``)."""
