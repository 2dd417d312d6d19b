"""V-COCO's lists, see :mod:`choi_d2.categories.vcoco`."""

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS, OBJECTLESS_ACTIONS, VERBS

__all__ = ["ACTIONS", "ACTION_ROLES", "OBJECTLESS_ACTIONS", "VERBS"]
