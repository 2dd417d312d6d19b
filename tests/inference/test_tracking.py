"""People and things keep their numbers over frames; cuts, gaps, photos and single frames."""

import importlib.util
import logging
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from choi_d2.inference import Detections
from choi_d2.inference.sources import Picture
from choi_d2.inference.tracking import track_results
from choi_d2.synthetic.clip_writer import truth
from choi_d2.synthetic.moving import ClipStyle, draw_clip
from choi_d2.utils import InputError

pytest.importorskip("trackers", reason="needs the extra track")

SIZE = (160, 120)


def clip(seed=3, file_name="clip.mp4", **style):
    """(picture, what is in it, the true numbers) of each frame."""
    for frame, moment in enumerate(draw_clip(seed, SIZE, ClipStyle(**style))):
        picture = Picture(moment.scene.image, file_name, "x", frame, moment.time)
        result = truth(moment, frame, file_name)
        yield picture, replace(result, track_ids=None), result.track_ids


def follow(frames, threshold=0.3):
    """The numbers that frames get."""
    frames = list(frames)
    results = list(track_results(((p, r) for p, r, *_ in frames), threshold))
    assert [r.frame for r in results] == [r.frame for _, r, *_ in frames]
    return [r.track_ids for r in results]


def matching(frames, given):
    """True number -> the numbers that it got."""
    found = {}
    for (_, _, true), ids in zip(frames, given):
        for one, number in zip(true.tolist(), ids.tolist()):
            found.setdefault(one, set()).add(number)
    return found


@pytest.mark.parametrize("stride, pan", [(1, 0.0), (1, 0.2), (6, 0.0)])
def test_everyone_keeps_one_number_from_the_first_frame_on(stride, pan):
    frames = list(clip(shots=(30,), pan=pan))[::stride]
    found = matching(frames, follow(frames))
    assert len(found) >= 3
    assert all(len(numbers) == 1 for numbers in found.values()), found
    numbers = set.union(*found.values())
    assert len(numbers) == len(found) and numbers == set(range(1, len(found) + 1))


def test_detections_may_come_in_any_order_and_fail_for_a_while():
    rng = np.random.default_rng(0)
    frames = []
    for picture, result, true in clip(shots=(24,)):
        order = rng.permutation(len(true))
        if 8 <= picture.frame < 14:
            order = order[true[order] != 1]  # nobody finds the first one
        row_of = {row: k for k, row in enumerate(order)}
        rows = [k for k, pair in enumerate(result.pairs) if all(x in row_of for x in pair)]
        frames.append(
            (
                picture,
                replace(
                    result,
                    boxes=result.boxes[order] + rng.normal(0, 0.7, (len(order), 4)).astype("f4"),
                    classes=result.classes[order],
                    scores=rng.uniform(0.5, 1, len(order)).astype(np.float32),
                    pairs=np.array(
                        [[row_of[x] for x in result.pairs[k]] for k in rows], np.int64
                    ).reshape(-1, 2),
                    verbs=result.verbs[rows],
                    triplet_scores=result.triplet_scores[rows],
                ),
                true[order],
            )
        )
    found = matching(frames, follow(frames))
    assert len(found[1]) == 1 and all(len(numbers) == 1 for numbers in found.values()), found


def test_low_scores_keep_a_number_and_get_none():
    frames = [
        (p, replace(r, scores=np.full(len(r.scores), 0.9 if p.frame < 5 else 0.2, np.float32)), t)
        for p, r, t in clip(shots=(10,))
    ]
    assert all((ids > 0).all() for ids in follow(frames))
    doubtful = [(p, replace(r, scores=np.full(len(r.scores), 0.2, "f4")), t) for p, r, t in frames]
    assert all((ids == -1).all() for ids in follow(doubtful))


def test_behind_a_cut_everybody_is_new_and_an_empty_shot_is_nothing():
    frames = list(clip(shots=(8, 4, 8), empty=(1,)))
    given = follow(frames)
    first, last = (set(np.concatenate(x)) for x in (given[:8], given[12:]))
    assert first and last and not first & last and -1 not in first | last
    assert [len(ids) for ids in given[8:12]] == [0] * 4


def test_a_flash_or_a_short_cut_away_changes_no_number():
    frames = list(clip(shots=(12,)))
    before = follow(frames)
    picture, result, true = frames[5]
    frames[5] = replace(picture, image=np.full_like(picture.image, 255)), result, true
    given = follow(frames)
    for number in (*range(5), *range(6, 12)):
        np.testing.assert_array_equal(given[number], before[number])


def test_videos_are_counted_apart_and_photos_not_at_all(caplog, monkeypatch):
    monkeypatch.setattr("detectron2.utils.logger._LOG_COUNTER", Counter())
    one, two = list(clip(shots=(4,))), list(clip(seed=5, file_name="other.mp4", shots=(4,)))
    picture, result, _ = one[0]
    photo = replace(picture, file_name="a.jpg", frame=None, time=None)
    frames = [*one, (photo, replace(result, frame=None)), *two, *one]
    with caplog.at_level(logging.WARNING):
        given = follow(frames)
    assert given[4] is None and "photos are no frames" in caplog.text
    assert all(min(ids) == 1 for ids in (given[0], given[5], given[9]))
    for a, b in zip(given[:4], given[9:]):
        np.testing.assert_array_equal(a, b)


def test_one_frame_and_none():
    (ids,) = follow(list(clip(shots=(1,))))
    assert (ids > 0).all()
    assert follow([]) == []


def test_frames_of_other_sizes_in_between():
    frames = [
        (
            replace(p, image=p.image[: 100 if p.frame % 2 else 120], frame=None),
            replace(r, frame=None),
        )
        for p, r, _ in clip(file_name=None, shots=(4,))
    ]
    assert all((ids > 0).all() for ids in follow(frames))


def test_a_predictor_on_arrays_with_given_boxes(predictor):
    """Arrays are frames of one video; batches and streams give the same."""
    moments = list(draw_clip(3, SIZE, ClipStyle(shots=(6,))))
    images = [m.scene.image for m in moments]
    detections = [
        Detections(m.scene.boxes, ["dog" if k else "person" for k in m.scene.classes],
                   np.full(len(m.numbers), 0.9))
        for m in moments
    ]  # fmt: skip
    options = {"detections": detections, "track": True, "score_thresh": 0.0}
    results = predictor(images, **options)
    assert all((x.track_ids > 0).all() for x in results)
    found = {}
    for moment, result in zip(moments, results):
        for true, number in zip(moment.numbers, result.track_ids.tolist()):
            found.setdefault(true, set()).add(number)
    assert all(len(numbers) == 1 for numbers in found.values())
    streamed = list(predictor(images, stream=True, batch_size=4, keep_image=False, **options))
    for a, b in zip(results, streamed, strict=True):
        np.testing.assert_array_equal(a.track_ids, b.track_ids)
    assert all(x.track_ids is None for x in predictor(images[:2], detections=detections))


def test_a_stream_that_is_given_up_closes_its_source(predictor):
    closed = []

    def frames():
        try:
            for _ in range(5):
                yield np.zeros((40, 50, 3), np.uint8)
        finally:
            closed.append(True)

    for track in (False, True):
        stream = predictor(frames(), stream=True, track=track)
        next(stream)
        stream.close()
    assert len(closed) == 2


def test_without_the_package_the_message_says_how_to_get_it(predictor, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'choi_d2\[track\]'"):
        predictor(np.zeros((4, 4, 3), np.uint8), track=True)
