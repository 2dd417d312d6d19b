"""Labels in any script: each letter is drawn with a font that has it, or written otherwise."""

import logging
import shutil
import unicodedata
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw

from choi_d2.visualization import fonts, palette
from choi_d2.visualization.canvas import render_label

TEXTS = {
    "Han": "人 骑 自行车",
    "Kana": "ひと 乗る 自転車",
    "Hangul": "사람 타다 자전거",
    "Cyrillic": "человек едет",
    "Greek": "άνθρωπος",
    "Arabic": "شخص يركب دراجة",
    "Persian": "می\u200cخواهم",
    "Hebrew": "אדם רוכב",
    "Devanagari": "व्यक्ति साइकिल",
    "Tamil": "மனிதன்",
    "Thai": "คน ขี่ จักรยาน",
    "emoji": "😀 🚲 👩🏽\u200d🚀 ❤\ufe0f",
    "decomposed": "e\u0301 ẹ̀kọ́",
    "mixed": "mixed 人bike-车 2",
    "control": "a\nb\x00c\u2028d",
    "private": "\ue000 \U000f0000",
    "unassigned": "\u0378 \U000e1234",
    "cuneiform": "𐎠𐎼",
    "plain": "ride_bike (2) é",
}
STIX = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")


@pytest.fixture
def installed(monkeypatch):
    """What is installed; what was found out before is forgotten, before and after."""

    def install(paths):
        monkeypatch.setattr(fonts.font_manager, "findSystemFonts", lambda: [str(x) for x in paths])
        forget()

    def forget():
        for cached in (fonts._choose, fonts._installed, fonts._letters):
            cached.cache_clear()

    yield install
    forget()


def assert_drawn(text):
    """Every letter of every run is in its font."""
    for letters, font in fonts.runs_of(text, 20):
        there = FT2Font(font.path).get_charmap()
        for letter in letters:
            assert there.get(ord(letter)) or letter in "\u200c\u200d", (letter, font.path)
            assert unicodedata.category(letter) not in ("Cc", "Cn")


@pytest.mark.parametrize("script", TEXTS)
@pytest.mark.parametrize("nothing", [True, False])
def test_no_letter_is_a_box(script, nothing, installed):
    if nothing:
        installed([])
    assert_drawn(TEXTS[script])
    label = render_label([[(TEXTS[script], palette.TEXT)]], 20)
    assert (label[..., :3] == palette.TEXT).all(-1).any()


def test_what_no_font_has_is_transliterated_with_one_warning(installed, caplog):
    installed([])
    for _ in range(2):
        for end in ("", " "):
            runs = fonts.runs_of(f"{TEXTS['Han']}{end}", 20)
            assert "".join(letters for letters, _ in runs).strip() == "Ren Qi ZiXingChe"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert TEXTS["Han"] in record.getMessage() and "Install a font" in record.getMessage()


def test_an_installed_font_is_used_for_what_dejavu_lacks(installed, tmp_path, caplog):
    letter = chr(min(fonts._letters(str(STIX)) - fonts._letters(fonts.DEJAVU)))
    (tmp_path / "Broken.ttf").write_bytes(b"no font")
    shutil.copy(STIX, tmp_path / "FallbackSTIX.ttf")
    installed([tmp_path / "Broken.ttf", tmp_path / "FallbackSTIX.ttf"])
    assert fonts.runs_of(letter, 20)[0][1].path == fonts.DEJAVU, "such fonts draw boxes"
    caplog.clear()
    installed([tmp_path / "Broken.ttf", STIX])
    runs = fonts.runs_of(f" ride {letter} bike ", 20)
    assert "".join(letters for letters, _ in runs) == f" ride {letter} bike "
    paths = {letters.strip(): font.path for letters, font in runs}
    assert paths[letter] == str(STIX) and paths["ride"] == paths["bike"] == fonts.DEJAVU
    assert not [x for x in caplog.records if x.levelno >= logging.WARNING]


def test_letters_that_pillow_cannot_join_are_transliterated(installed, monkeypatch, caplog):
    installed([])
    monkeypatch.setattr(fonts.features, "check", lambda feature: False)
    for script in ("Arabic", "Persian", "Hebrew", "Devanagari"):
        assert "".join(x for x, _ in fonts.runs_of(TEXTS[script], 20)).isascii()
    assert "".join(x for x, _ in fonts.runs_of(TEXTS["Greek"], 20)) == TEXTS["Greek"]


def test_spaces_stay_where_they_are_beside_words_from_the_right(installed):
    runs = fonts.runs_of(f"  {TEXTS['Arabic']} ", 20)
    assert [letters for letters, _ in runs] == ["  ", TEXTS["Arabic"], " "]


def test_plain_words_look_as_drawn_by_dejavu_alone():
    font = fonts.font_of(fonts.DEJAVU, 20)
    label = render_label([[("ride", (255, 255, 255))]], 20)
    canvas = Image.new("RGB", label.shape[1::-1], palette.CHIP)
    ImageDraw.Draw(canvas).text((round(0.42 * 20), round(0.2 * 20)), "ride", "white", font)
    np.testing.assert_allclose(label[..., :3], np.array(canvas), atol=1)
