import json

import numpy as np
import pytest
import torch

from choi_d2.visualization import prediction_report
from choi_d2.visualization.masks import decode_segmentation


def test_report_says_what_was_found(instances, interactions, metadata):
    report = prediction_report(instances, interactions, metadata, score_thresh=0.5)
    assert report == json.loads(json.dumps(report, allow_nan=False))
    assert (report["height"], report["width"]) == (240, 320)
    assert [each["category"] for each in report["instances"]] == ["human", "bike", "human"]
    assert report["instances"][0]["box"] == [20, 30, 120, 230]
    assert [(t["human"], t["verb"], t["object"]) for t in report["triplets"]] == [
        (0, "ride", 1),
        (0, "hold", 1),
        (2, "walk", None),
    ]
    assert report["triplets"][0]["score"] == pytest.approx(0.9, abs=1e-6)


def test_masks_where_asked_for(instances, interactions, metadata):
    instances.pred_masks = torch.rand(3, 240, 320) > 0.5
    without = prediction_report(instances, interactions, metadata)
    assert "segmentation" not in without["instances"][0]
    report = prediction_report(instances, interactions, metadata, masks=True)
    report = json.loads(json.dumps(report))
    for each, mask in zip(report["instances"], instances.pred_masks.numpy()):
        assert np.array_equal(decode_segmentation(each["segmentation"], 240, 320), mask)


def test_nothing_found(instances, interactions, metadata):
    none = torch.zeros(3, dtype=torch.bool)
    report = prediction_report(instances[none], interactions[none], metadata, masks=True)
    assert report["instances"] == [] and report["triplets"] == []
