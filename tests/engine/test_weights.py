"""fit_weights and its report, on a few tensors."""

import logging

import pytest
import torch
from detectron2.data import MetadataCatalog

from choi_d2.engine.weight_report import weight_report
from choi_d2.engine.weights import as_tensors, fit_weights

COCO = MetadataCatalog.get("coco_2017_train").thing_classes
MASK = "roi_heads.mask_head"


def mask_state(prefixes, classes, seed):
    """Mask heads as Detectron2's; from the second stage on with a layer that it has not."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"mask_fcn1.weight": (4, 4, 3, 3), "deconv.weight": (4, 4, 2, 2)}
    shapes |= {"predictor.weight": (classes, 4, 1, 1), "predictor.bias": (classes,)}
    state = {}
    for stage, prefix in enumerate(prefixes):
        extra = {"flow.weight": (4, 4, 1, 1)} if stage else {}
        for name, shape in {**shapes, **extra}.items():
            state[f"{prefix}.{name}"] = torch.randn(shape, generator=generator)
    scores = "roi_heads.box_predictor.0.cls_score.bias"
    state[scores] = torch.randn(classes + 1, generator=generator)
    return state


def by_name(fits):
    return {fit.name: fit for fit in fits}


def test_the_zoos_mask_head_serves_every_stage():
    model = mask_state([f"{MASK}.{t}" for t in range(3)], 2, seed=0)
    zoo = mask_state([MASK], 80, seed=1)
    fits = by_name(
        fit_weights(zoo, model, file_classes=None, model_classes=["laptop", "umbrella stand"])
    )
    for stage in range(3):
        for layer in ("mask_fcn1.weight", "deconv.weight"):
            fit = fits[f"{MASK}.{stage}.{layer}"]
            assert fit.value is zoo[f"{MASK}.{layer}"]
            assert fit.status == ("loaded" if stage == 0 else "copied")
        for tensor in ("predictor.weight", "predictor.bias"):
            name = f"{MASK}.{stage}.{tensor}"
            assert torch.equal(fits[name].value[0], zoo[f"{MASK}.{tensor}"][COCO.index("laptop")])
            assert torch.equal(fits[name].value[1], model[name][1])
            assert fits[name].detail == "1 of 2 classes loaded (laptop), the others initialised"
    assert fits[f"{MASK}.1.flow.weight"].status == "new"


def test_no_shared_class_initialises_the_masks():
    model = mask_state([f"{MASK}.0"], 2, seed=0)
    zoo = mask_state([MASK], 80, seed=1)
    fits = by_name(fit_weights(zoo, model, model_classes=["ice", "emblem"]))
    assert fits[f"{MASK}.0.predictor.weight"].value is None
    # Background is everybody's.
    scores = fits["roi_heads.box_predictor.0.cls_score.bias"]
    assert scores.value[2] == zoo[scores.name][80]


def test_class_agnostic_masks_are_copied_whole():
    model = mask_state([f"{MASK}.0"], 2, seed=0)
    zoo = mask_state([MASK], 80, seed=1)
    for state, prefix in ((model, f"{MASK}.0"), (zoo, MASK)):
        state[f"{prefix}.predictor.weight"] = state[f"{prefix}.predictor.weight"][:1]
    fits = by_name(fit_weights(zoo, model, model_classes=["person", "car"]))
    assert fits[f"{MASK}.0.predictor.weight"].value is zoo[f"{MASK}.predictor.weight"]


def test_fewer_stages_take_the_first():
    model = mask_state([f"{MASK}.0"], 2, seed=0)
    file_state = mask_state([f"{MASK}.{t}" for t in range(3)], 2, seed=1)
    fits = fit_weights(file_state, model)
    assert all(fit.status == "loaded" and fit.source == fit.name for fit in fits)


def test_report_joins_what_has_the_same_fate():
    model = mask_state([f"{MASK}.{t}" for t in range(3)], 2, seed=0)
    zoo = mask_state([MASK], 80, seed=1)
    fits = fit_weights(zoo, model, model_classes=["person", "car"])
    level, text = weight_report("zoo.pkl", fits, ["roi_heads.keypoint_head.conv1.weight"])
    assert level == logging.WARNING
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == f"zoo.pkl: {len(fits) - 2} of the model's {len(fits)} tensors found"
    rows = "2 of 2 classes loaded (person, car)"
    for expected in (
        f"{MASK}.0 loaded {MASK}",
        f"{MASK}.{{1,2}} copied from another head {MASK}",
        f"{MASK}.{{1,2}} initialised: not in the file",
        f"{MASK}.{{0,1,2}}.predictor {rows} {MASK}.predictor",
        "in the file, not used roi_heads.keypoint_head",
    ):
        assert expected in lines, (expected, text)


def test_as_tensors_refuses_what_is_no_tensor():
    state = as_tensors({"module.a": torch.ones(1).numpy(), "module.b": torch.zeros(2)})
    assert list(state) == ["a", "b"] and isinstance(state["a"], torch.Tensor)
    with pytest.raises(TypeError, match="'model' is no tensor but dict"):
        as_tensors({"model": {}})
