"""Run lengths, transformed together: what Detectron2 makes of each on its own."""

import numpy as np
import pycocotools.mask as mask_util
import pytest
from detectron2.data import transforms as T
from fvcore.transforms.transform import CropTransform, HFlipTransform

from choi_d2.data import transformed_masks
from choi_d2.data.transformed_masks import transform_run_lengths

HEIGHT, WIDTH = 40, 60


def encode(bitmap):
    return mask_util.encode(np.asfortranarray(bitmap, np.uint8))


def some_masks(count):
    """Overlapping ones, one of a single pixel."""
    generator = np.random.default_rng(0)
    bitmaps = generator.random((count, HEIGHT, WIDTH)) > 0.6
    bitmaps[0] = False
    bitmaps[0, 3, 4] = True
    return [encode(x) for x in bitmaps]


def one_by_one(masks, transforms):
    return [transforms.apply_segmentation(mask_util.decode(mask)).astype(bool) for mask in masks]


@pytest.mark.parametrize("count", [1, 8, 19])
@pytest.mark.parametrize(
    "transforms, size",
    [
        ([T.ResizeTransform(HEIGHT, WIDTH, 67, 101)], (67, 101)),
        ([T.ResizeTransform(HEIGHT, WIDTH, 20, 30), HFlipTransform(30)], (20, 30)),
        ([CropTransform(10, 5, 30, 20), T.ResizeTransform(20, 30, 50, 75)], (50, 75)),
        ([], (HEIGHT, WIDTH)),
    ],
)
def test_the_same_as_one_by_one(count, transforms, size):
    transforms, masks = T.TransformList(transforms), some_masks(count)
    found = transform_run_lengths(masks, transforms, size)
    assert all(mask.shape == size and mask.dtype == bool for mask in found)
    np.testing.assert_array_equal(found, one_by_one(masks, transforms))


def test_what_is_cropped_away_is_not_decoded(monkeypatch):
    bitmaps = np.zeros((3, HEIGHT, WIDTH), bool)
    bitmaps[0, :5, :5] = bitmaps[1, 8:12, 8:12] = bitmaps[2, 30:, 50:] = True
    masks = [encode(x) for x in bitmaps]
    transforms = T.TransformList([CropTransform(10, 10, 20, 20), HFlipTransform(20)])
    expected = one_by_one(masks, transforms)
    decoded = []
    decode = mask_util.decode
    monkeypatch.setattr(
        transformed_masks.mask_util, "decode", lambda mask: decoded.append(mask) or decode(mask)
    )
    np.testing.assert_array_equal(transform_run_lengths(masks, transforms, (20, 20)), expected)
    assert decoded == [masks[1]] and expected[1].any()


def test_none_and_other_sizes():
    transforms = T.TransformList([])
    assert transform_run_lengths([], transforms, (HEIGHT, WIDTH)) == []
    masks = [*some_masks(1), encode(np.ones((5, 5), bool))]
    with pytest.raises(ValueError, match="different sizes"):
        transform_run_lengths(masks, transforms, (HEIGHT, WIDTH))
    with pytest.raises(ValueError, match="40, 60"):
        transform_run_lengths(masks[:1], transforms, (10, 10))
