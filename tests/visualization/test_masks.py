import numpy as np
import pytest
import torch
from detectron2.structures import BitMasks, Boxes, Instances, PolygonMasks, ROIMasks
from pycocotools import mask as coco_mask

from choi_d2.visualization.masks import (
    decode_segmentation,
    encode_mask,
    inner_point,
    masks_of_ground_truth,
    masks_of_predictions,
)

HEIGHT, WIDTH = 20, 30


@pytest.fixture
def rectangle():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:15, 10:22] = True
    return mask


def test_every_form_of_segmentation_gives_the_same_mask(rectangle):
    compressed = coco_mask.encode(np.asfortranarray(rectangle.astype(np.uint8)))
    columns = rectangle.flatten(order="F").astype(int)
    starts = np.flatnonzero(np.diff(columns)) + 1
    runs = np.diff([0, *starts, columns.size]).tolist()
    forms = [
        compressed,
        {**compressed, "counts": compressed["counts"].decode()},
        {"size": [HEIGHT, WIDTH], "counts": runs},
        [[10, 5, 22, 5, 22, 15, 10, 15]],
    ]
    for form in forms:
        decoded = decode_segmentation(form, HEIGHT, WIDTH)
        assert decoded.dtype == bool
        assert np.array_equal(decoded, rectangle), form
    assert np.array_equal(decode_segmentation(encode_mask(rectangle), HEIGHT, WIDTH), rectangle)


@pytest.mark.parametrize("nothing", [None, []])
def test_no_segmentation_is_no_mask(nothing):
    assert decode_segmentation(nothing, HEIGHT, WIDTH) is None


def test_masks_of_predictions_pasted_or_not(rectangle):
    instances = Instances((HEIGHT, WIDTH))
    instances.pred_boxes = Boxes(torch.tensor([[10.0, 5.0, 22.0, 15.0]]))
    assert masks_of_predictions(instances)(0) is None
    forms = [
        torch.from_numpy(rectangle)[None],
        BitMasks(torch.from_numpy(rectangle)[None]),
        torch.ones(1, 1, 28, 28),
        ROIMasks(torch.ones(1, 28, 28)),
    ]
    for form in forms:
        instances.pred_masks = form
        assert np.array_equal(masks_of_predictions(instances)(0), rectangle), type(form)


def test_masks_of_ground_truth(rectangle):
    instances = Instances((HEIGHT, WIDTH))
    assert masks_of_ground_truth(instances)(0) is None
    polygon = np.array([10, 5, 22, 5, 22, 15, 10, 15], dtype=np.float64)
    for form in (PolygonMasks([[polygon]]), BitMasks(torch.from_numpy(rectangle)[None])):
        instances.gt_masks = form
        assert np.array_equal(masks_of_ground_truth(instances)(0), rectangle), type(form)


def test_inner_point_is_inside_where_the_centre_is_not():
    ring = np.zeros((400, 600), bool)
    ring[50:350, 100:500] = True
    ring[100:300, 150:450] = False
    x, y = inner_point(ring)
    assert ring[int(y), int(x)]
    assert not ring[200, 300]


def test_inner_point_of_one_pixel():
    mask = np.zeros((3000, 4000), bool)
    mask[2999, 7] = True
    assert inner_point(mask).tolist() == [7.5, 2999.5]
