"""What every room of the house needs: errors that name their place, and files written whole.

:mod:`.randomness`, :mod:`.hub_cache` and :mod:`.memory` are to be imported by their names: they
need torch, and what imports this does not.
"""

from .errors import InputError, clean_exit
from .files import atomic_path, read_json, read_text, write_json

__all__ = ["InputError", "atomic_path", "clean_exit", "read_json", "read_text", "write_json"]
