"""Cuts are told from people who move, cameras that turn, and another light."""

import cv2
import numpy as np
import pytest

from choi_d2.inference.scene_cuts import Look
from choi_d2.synthetic.moving import ClipStyle, draw_clip


def looks(seed, **style):
    return [Look.of(m.scene.image) for m in draw_clip(seed, (160, 120), ClipStyle(**style))]


@pytest.mark.parametrize("seed", range(6))
def test_every_cut_and_nothing_else(seed):
    found = looks(seed, shots=(26, 2, 2), pan=0.15)
    cuts = [b.is_cut_from(a) for a, b in zip(found, found[1:])]
    assert [i + 1 for i, cut in enumerate(cuts) if cut] == [26, 28]
    # Also where only every tenth frame is looked at.
    assert not found[10].is_cut_from(found[0]) and not found[20].is_cut_from(found[10])


def test_another_light_somebody_close_and_another_size():
    image = next(draw_clip(0, (160, 120), ClipStyle(shots=(1,)))).scene.image
    look = Look.of(image)
    assert look.difference(look) == pytest.approx(0, abs=1e-3)
    assert not Look.of(cv2.convertScaleAbs(image, alpha=1.1, beta=6)).is_cut_from(look)
    close = image.copy()
    close[:, :50] = (30, 60, 200)
    assert not Look.of(close).is_cut_from(look)
    assert Look.of(np.full_like(image, 255)).is_cut_from(look), "a flash"
    assert Look.of(image[:-2]).is_cut_from(look), "of another size"
    tiny = Look.of(image[:1, :1])
    assert tiny.difference(tiny) == pytest.approx(0, abs=1e-3)
