"""Which font has a text's letters: DejaVu Sans, or another that is installed, or plain letters.

A text is drawn in runs, each with a font that has all of its letters. Where Pillow has libraqm, as
its wheels do, letters join and combine, and words of scripts from right to left run so; the order
in a label stays human, verb, object, from the left. Text that no installed font has, or that Pillow
could not join, is transliterated.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

import matplotlib
from anyascii import anyascii
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import ImageFont, features

logger = logging.getLogger(__name__)

# Comes with matplotlib, which Detectron2 needs: the same letters everywhere.
DEJAVU = str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf"))

Run = tuple[str, ImageFont.FreeTypeFont]
"""Letters, and a font that has them."""

_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_JOINERS = "\u200c\u200d"
# The last ones to be taken. Those of the second kind draw boxes.
_LESS_SUITABLE = re.compile(r"italic|oblique|mono|serif|condensed|light|thin|unifont", re.I)
_WITHOUT_LETTERS = re.compile(r"lastresort|fallback|adobe.?blank|color.?emoji", re.I)


def runs_of(text: str, size: int) -> list[Run]:
    """A text as it is to be drawn, from left to right.

    Args:
        text: words of one line.
        size: of the letters, in pixels.
    """
    words = text.strip()
    before = len(text) - len(text.lstrip())
    # Spaces at the ends by themselves: they would change sides with words from right to left.
    ends = [" " * before, " " * (len(text) - before - len(words))]
    parts = [(ends[0], DEJAVU), *_choose(words), (ends[1], DEJAVU)]
    return [(letters, font_of(path, size)) for letters, path in parts if letters]


@lru_cache(maxsize=64)
def font_of(path: str, size: int) -> ImageFont.FreeTypeFont:
    """A font of a file."""
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=1024)
def _choose(text: str) -> tuple[tuple[str, str], ...]:
    """(letters, font file) of each run; a warning for what had to be transliterated."""
    plain = _plain(text)
    if _draws(DEJAVU, plain):
        return ((plain, DEJAVU),)
    runs: list[tuple[str, str]] = []
    missing = ""
    for word in re.findall(r"\s+|\S+", plain):
        if word.isspace():
            before = runs[-1][1] if runs else DEJAVU
            parts = [(word, before if _draws(before, word) else DEJAVU)]
        else:
            parts = _parts_of_word(word)
        for part, path in parts:
            if path is None:
                missing += part
                part, path = anyascii(part) or "?", DEJAVU
            if runs and runs[-1][1] == path:
                part = runs.pop()[0] + part
            runs.append((part, path))
    if missing:
        logger.warning(
            "No installed font has %r of %r: drawn as %r. Install a font of that script, such as "
            "one of Noto Sans.",
            missing,
            text,
            "".join(part for part, _ in runs),
        )
    return tuple(runs)


def _plain(text: str) -> str:
    """Without letters that are not seen, and with accents on their letters."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(x) in ("Cc", "Zl", "Zp") else x for x in text)
    return _UNSEEN.sub("", text)


def _parts_of_word(word: str) -> list[tuple[str, str | None]]:
    """Letters and their font: one of the whole word if possible; None where there is none."""
    path = _font_of(word)
    if path is not None:
        return [(word, path)]
    return [("".join(letters), path) for path, letters in groupby(word, key=_font_of)]


def _font_of(text: str) -> str | None:
    if _draws(DEJAVU, text):
        return DEJAVU
    return next((path for path in _installed() if _draws(path, text)), None)


def _draws(path: str, text: str) -> bool:
    """Has a font all letters of a text, and can Pillow join them?"""
    if not all(ord(x) in _letters(path) or x in _JOINERS for x in text):
        return False
    return features.check("raqm") or not any(map(_needs_joining, text))


def _needs_joining(letter: str) -> bool:
    is_mark = unicodedata.category(letter) in ("Mn", "Mc")
    return is_mark or letter in _JOINERS or unicodedata.bidirectional(letter) in ("R", "AL", "AN")


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    """Fonts of this machine, bold and without serifs first."""
    paths = font_manager.findSystemFonts()

    def rank(path: str) -> tuple:
        name = Path(path).stem
        return (
            bool(_LESS_SUITABLE.search(name)),
            "sans" not in name.lower(),
            "Bold" not in name,
            path,
        )

    return tuple(sorted((x for x in paths if not _WITHOUT_LETTERS.search(x)), key=rank))


@cache
def _letters(path: str) -> frozenset[int]:
    """Code points that a font has outlines of."""
    try:
        face = FT2Font(path)
        if not face.scalable:
            return frozenset()  # pictures of one size, as colour emoji are
        return frozenset(code for code, glyph in face.get_charmap().items() if glyph)
    except (OSError, RuntimeError, ValueError) as error:
        logger.debug("%s cannot be read: %s", path, error)
        return frozenset()
