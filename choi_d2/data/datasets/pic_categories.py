"""PIC's lists, see :mod:`choi_d2.categories.pic`."""

from choi_d2.categories.pic import (
    V1_CATEGORIES,
    V1_GEOMETRIC_IDS,
    V1_RELATIONS,
    V2_CATEGORIES,
    V2_GEOMETRIC_IDS,
    V2_RELATIONS,
)

__all__ = [
    "V1_CATEGORIES",
    "V1_GEOMETRIC_IDS",
    "V1_RELATIONS",
    "V2_CATEGORIES",
    "V2_GEOMETRIC_IDS",
    "V2_RELATIONS",
]
