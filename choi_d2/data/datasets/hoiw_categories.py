"""HOIW's lists, see :mod:`choi_d2.categories.hoiw`."""

from choi_d2.categories.hoiw import OBJECTS, VERBS

__all__ = ["OBJECTS", "VERBS"]
