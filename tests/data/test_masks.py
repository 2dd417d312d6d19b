import logging

import numpy as np
import pycocotools.mask as mask_util
import pytest

from choi_d2.data.masks import (
    BadMaskError,
    check_masks,
    decode_lengths,
    lies_beside,
    read_segmentation,
    report_masks,
)
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError

HEIGHT, WIDTH = 30, 40


def random_mask(seed=0, height=HEIGHT, width=WIDTH, share=0.5):
    return np.random.default_rng(seed).random((height, width)) < share


def encoded(mask):
    rle = mask_util.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": rle["counts"].decode()}


def lengths_of(mask):
    """Run lengths by a plain loop down the columns."""
    counts, current = [0], False
    for value in mask.ravel(order="F"):
        if value != current:
            counts.append(0)
            current = value
        counts[-1] += 1
    return counts


def read(segmentation):
    return read_segmentation(segmentation, HEIGHT, WIDTH)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (30, 40), (300, 700)])
def test_compressed_lengths_are_the_plain_ones(size, share):
    mask = random_mask(1, *size, share)
    mask.flat[0] = True
    assert decode_lengths(encoded(mask)["counts"]).tolist() == lengths_of(mask)
    assert decode_lengths(encoded(mask)["counts"].encode()).tolist() == lengths_of(mask)


def test_whole_run_lengths_of_either_kind_are_taken():
    mask = random_mask()
    assert read(encoded(mask)) == (encoded(mask), 0)
    plain = {"size": [HEIGHT, WIDTH], "counts": lengths_of(mask)}
    assert read(plain) == (encoded(mask), 0)


def test_every_cut_of_a_string_is_refused():
    counts = encoded(random_mask())["counts"]
    for end in range(len(counts)):
        with pytest.raises(BadMaskError):
            read({"size": [HEIGHT, WIDTH], "counts": counts[:end]})


def test_damaged_strings_are_refused_or_are_masks():
    """Whatever is let through, pycocotools decodes."""
    counts, random = encoded(random_mask())["counts"], np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        damaged = list(counts)
        for place in random.integers(0, len(counts), 3):
            damaged[place] = chr(random.integers(32, 127))
        try:
            mask, _ = read({"size": [HEIGHT, WIDTH], "counts": "".join(damaged)})
        except BadMaskError:
            refused += 1
            continue
        assert mask_util.decode(mask).shape == (HEIGHT, WIDTH)
    assert refused > 400


@pytest.mark.parametrize(
    "segmentation, said",
    [
        ({"counts": "chl1"}, "expected the size"),
        ({"size": [WIDTH, HEIGHT], "counts": [HEIGHT * WIDTH]}, "expected the size"),
        ({"size": "30x40", "counts": [HEIGHT * WIDTH]}, "expected the size"),
        ({"size": [HEIGHT, WIDTH]}, "counts as a list or a string"),
        ({"size": [HEIGHT, WIDTH], "counts": ""}, "empty"),
        ({"size": [HEIGHT, WIDTH], "counts": "ä€"}, "characters"),
        ({"size": [HEIGHT, WIDTH], "counts": "PPPPPPPPPPPPPPPP0"}, "cut short, or damaged"),
        ({"size": [HEIGHT, WIDTH], "counts": []}, "of 0 pixels, the image has 1200"),
        ({"size": [HEIGHT, WIDTH], "counts": [600, 700]}, "of 1300 pixels"),
        ({"size": [HEIGHT, WIDTH], "counts": [-1, 1201]}, "whole numbers"),
        ({"size": [HEIGHT, WIDTH], "counts": [600.0, 600.0]}, "whole numbers"),
        ({"size": [HEIGHT, WIDTH], "counts": [10**30]}, "whole numbers"),
        ({"size": [HEIGHT, WIDTH], "counts": [1200]}, "no pixel"),
        ([[1, 2, 3, 4]], "three points"),
        ([[1, 2, 3, 4, 5, 6, 7]], "three points"),
        ([[1, 2, 3, 4, 5, float("nan")]], "three points"),
        ([[1, 2, 3, 4, 5, "6"]], "three points"),
        ([[1, 2], [3, 4]], "three points"),
        ([1, 2, 3, 4], "three points"),
        ([None], "three points"),
        # pycocotools would take all memory for these, or end the process.
        ([[1, 2, 3, 4, 1e9, 6]], "far outside"),
        ([[1, 2, 3, -1e300, 5, 6]], "far outside"),
        ([[1, 2, 3, 4, 5, 10**400]], "far outside"),
        ("mask.png", "list of polygons"),
        (5, "list of polygons"),
        (True, "list of polygons"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(segmentation, said):
    with pytest.raises(BadMaskError, match=said):
        read(segmentation)


def test_polygons_in_every_form_are_read():
    flat = [1, 2, 10, 2, 10, 12.5]
    points = [[1, 2], [10, 2], [10, 12.5]]
    for segmentation in ([flat], flat, points, [points]):
        assert read(segmentation) == ([flat], 0)
    assert read([flat, points, [1, 2], flat]) == ([flat, flat, flat], 1)


@pytest.mark.parametrize("nothing", [None, [], {}, "", [[]]])
def test_nothing_is_no_mask(nothing):
    assert read(nothing) == (None, 0)


def test_a_mask_beside_its_box():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:10, 20:30] = True
    for segmentation in (encoded(mask), [[20, 5, 30, 5, 30, 10, 20, 10]]):
        assert not lies_beside(segmentation, [25, 0, 40, 30])
        assert lies_beside(segmentation, [0, 0, 15, 30])
        assert lies_beside(segmentation, [20, 15, 30, 20])


def records(*segmentations, **changes):
    annotations = [{"segmentation": each} if each else {} for each in segmentations]
    return [{"annotations": [annotation | changes for annotation in annotations]}]


POLYGON, RUNS = [[0, 0, 9, 0, 9, 9]], encoded(random_mask())


@pytest.mark.parametrize(
    "segmentations, kinds",
    [
        ([POLYGON, POLYGON], []),
        ([None, None], []),
        ([POLYGON, None], ["masks of some"]),
        ([POLYGON, RUNS], ["masks of two kinds"]),
        ([POLYGON, RUNS, None], ["masks of some", "masks of two kinds"]),
    ],
)
def test_what_is_said_of_a_whole_data_set(segmentations, kinds):
    problems = Problems("a.json")
    report_masks(records(*segmentations) + records(RUNS, iscrowd=1), problems)
    assert [problem.kind for problem in problems.found] == kinds


def test_before_the_first_iteration(caplog):
    check_masks(records(POLYGON, POLYGON), "polygon")
    check_masks(records(POLYGON, RUNS), "bitmask")
    check_masks(records(), "polygon")
    assert not caplog.records
    with pytest.raises(InputError, match="MODEL.MASK_ON.*none of the 2 training instances"):
        check_masks(records(None, None), "polygon")
    with pytest.raises(InputError, match="INPUT.MASK_FORMAT.*1 of the 2.*'bitmask'"):
        check_masks(records(POLYGON, RUNS), "polygon")
    with caplog.at_level(logging.WARNING):
        check_masks(records(POLYGON, None), "polygon")
    assert "1 of the 2 training instances have no mask" in caplog.text
