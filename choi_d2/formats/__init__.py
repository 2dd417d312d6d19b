"""Annotation files that loaders and official metrics both read -> arrays.

A room of its own, as :mod:`choi_d2.categories` is: it needs neither torch nor Detectron2.
"""
