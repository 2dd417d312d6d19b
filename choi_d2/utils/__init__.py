"""What every room of the house needs: errors that name their place, files written whole, seeds."""

from .errors import InputError, clean_exit
from .files import atomic_path, read_json, write_json
from .randomness import derive_seed, seed_randomness, seeded_randomness

__all__ = [
    "InputError",
    "atomic_path",
    "clean_exit",
    "derive_seed",
    "read_json",
    "seed_randomness",
    "seeded_randomness",
    "write_json",
]
