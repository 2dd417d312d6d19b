"""Drawn videos: everyone goes a steady way and keeps a number; cuts change everything."""

import json

import cv2
import numpy as np
import pytest

from choi_d2.inference import HOIResult
from choi_d2.synthetic.__main__ import main
from choi_d2.synthetic.moving import ClipStyle, draw_clip

SIZE = (160, 120)


def test_numbers_stay_and_boxes_move_little():
    style = ClipStyle(shots=(12, 5, 4), empty=(1,))
    moments = list(draw_clip(3, SIZE, style))
    assert [m.shot for m in moments] == [0] * 12 + [1] * 5 + [2] * 4
    assert moments[4].time == pytest.approx(4 / 25)
    assert all(len(m.numbers) == len(m.scene.boxes) for m in moments)
    assert not any(len(m.numbers) for m in moments[12:17])
    before, behind = set(moments[0].numbers), set(moments[17].numbers)
    assert before and behind and not before & behind
    seen = [dict(zip(m.numbers, m.scene.boxes)) for m in moments[:12]]
    steps = [abs(b[k] - a[k]).max() for a, b in zip(seen, seen[1:]) for k in a.keys() & b.keys()]
    assert len(steps) > 20 and 0 < max(steps) < 15
    kinds = [dict(zip(m.numbers, m.scene.classes)) for m in moments[:12]]
    assert all(kinds[0].get(k, c) == c for kind in kinds for k, c in kind.items())


def test_the_same_seed_gives_the_same_video():
    first, second, other = (
        [m.scene.image for m in draw_clip(seed, SIZE, ClipStyle(shots=(3,)))] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second) and not np.array_equal(first, other)


def test_a_camera_that_turns_shows_everything_moving():
    still, turning = (
        list(draw_clip(5, SIZE, ClipStyle(shots=(9,), pan=pan, empty=(0,)))) for pan in (0.0, 1.0)
    )
    assert np.array_equal(still[0].scene.image, still[8].scene.image)
    flow = turning[0].scene.image[:, 60:], turning[8].scene.image[:, 60 - 51 : -51]
    assert abs(flow[0].astype(int) - flow[1]).mean() < 12
    assert abs(turning[0].scene.image.astype(int) - turning[8].scene.image).mean() > 12


def test_the_command_writes_a_video_and_what_is_in_it(tmp_path, capsys, monkeypatch):
    from choi_d2.synthetic import making

    monkeypatch.setattr(making, "CLIP", ClipStyle(shots=(4, 3)))
    video = tmp_path / "clip.mp4"
    assert main(["--video", str(video), "--size", "160x120"]) == 0
    assert "7 frames, 2 shots" in capsys.readouterr().out
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) == 7
    results = [HOIResult.from_dict(json.loads(x)) for x in open(tmp_path / "clip.jsonl")]
    assert [x.frame for x in results] == list(range(7))
    assert all((x.track_ids > 0).all() and x.vocabulary.verbs[5] == "ride" for x in results)


@pytest.mark.parametrize(
    "words, message",
    [(("--video", "clip.avi"), "ends in .mp4"), (("--video", "c.mp4", "--size", "9x9"), "size")],
)
def test_what_is_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(list(words)) == 1
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())
