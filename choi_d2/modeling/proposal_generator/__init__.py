"""The proposal generator: importing this package registers it."""

from .ignoring_rpn import IgnoringRPN

__all__ = ["IgnoringRPN"]
