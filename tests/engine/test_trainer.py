import copy
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.solver import build_optimizer

from choi_d2.config import add_choi_config
from choi_d2.data import register_hoi_instances
from choi_d2.engine import HOITrainer, load_config, set_allowed_verbs
from choi_d2.utils import InputError


@pytest.fixture
def own_dataset(tmp_path):
    """A data set with 2 classes and 1 verb, which only its JSON says."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    annotations = [{"id": k, "image_id": 1, "category_id": k, "bbox": [k, k, 9, 9]} for k in (1, 2)]
    content = {
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "ball"}],
        "verbs": [{"id": 1, "name": "kick"}],
        "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 30}],
        "annotations": annotations,
        "interactions": [{"human_id": 1, "object_id": 2, "verb_id": 1}],
        "faces": [],
    }
    (tmp_path / "own.json").write_text(json.dumps(content))
    register_hoi_instances("own_dataset", {}, tmp_path / "own.json", tmp_path)
    yield "own_dataset"
    DatasetCatalog.remove("own_dataset")
    MetadataCatalog.remove("own_dataset")


@pytest.mark.parametrize(
    "key,value",
    (
        ("MODEL.ROI_HEADS.NUM_CLASSES", 3),
        ("MODEL.ROI_INTERACTION_HEAD.NUM_VERBS", 2),
        ("MODEL.ROI_INTERACTION_HEAD.HUMANS_AS_OBJECTS", False),
        ("MODEL.ROI_INTERACTION_HEAD.OBJECTLESS_VERBS", (0,)),
    ),
)
def test_a_config_that_contradicts_a_json_is_named_once_the_json_is_read(own_dataset, key, value):
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.DATASETS.TRAIN, cfg.DATALOADER.NUM_WORKERS = (own_dataset,), 0
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = 2
    cfg.MODEL.ROI_INTERACTION_HEAD.NUM_VERBS = 1
    cfg.MODEL.ROI_INTERACTION_HEAD.HUMANS_AS_OBJECTS = True
    HOITrainer.build_train_loader(cfg)
    cfg.merge_from_list([key, value])
    with pytest.raises(InputError, match=f"{key}.*own_dataset"):
        HOITrainer.build_train_loader(cfg)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_clipping_sees_the_gradients_without_the_scale_of_mixed_precision(
    optimizer, mixed_precision
):
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.SOLVER.OPTIMIZER, cfg.SOLVER.AMP.ENABLED = optimizer, mixed_precision
    clip = {"ENABLED": True, "CLIP_TYPE": "norm", "CLIP_VALUE": 5.0}
    cfg.SOLVER.CLIP_GRADIENTS.update(clip)
    model = torch.nn.Linear(2, 1)
    built = HOITrainer.build_optimizer(cfg, model)
    # On a GPU it is AMPTrainer that has such a scaler.
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=mixed_precision)
    for feature, norm in (([3.0, 0.0], 3.0), ([30.0, 40.0], 5.0)):
        built.zero_grad()
        scaler.scale(model(torch.tensor([feature])).sum()).backward()
        scaler.step(built)
        scaler.update()
        assert model.weight.grad.norm().item() == pytest.approx(norm, rel=1e-4)


def test_sgd_steps_as_detectron2s():
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.SOLVER.NESTEROV, cfg.SOLVER.WEIGHT_DECAY, cfg.SOLVER.BASE_LR = True, 0.1, 0.3
    ours = torch.nn.Conv2d(3, 4, 3)
    theirs = copy.deepcopy(ours)
    for model, build in ((ours, HOITrainer.build_optimizer), (theirs, build_optimizer)):
        optimizer = build(cfg, model)
        for step in range(3):
            optimizer.zero_grad()
            model(torch.linspace(-1, step, 75).view(1, 3, 5, 5)).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(list(ours.parameters()), list(theirs.parameters()))


@pytest.mark.parametrize("given", [None, [("kick", "ball")]])
def test_the_allowed_verbs_are_those_of_the_training_sets_metadata(own_dataset, given):
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.DATASETS.TRAIN = (own_dataset,)
    metadata = MetadataCatalog.get(own_dataset)
    metadata.set(thing_classes=["person", "ball"], verb_classes=["kick", "hit"])
    if given is not None:
        metadata.set(allowed_interactions=given)
    model = torch.nn.Module()
    model.roi_heads = torch.nn.Module()
    model.roi_heads.register_buffer("allowed_verbs", torch.zeros(2, 2, dtype=torch.bool))
    set_allowed_verbs(cfg, model)
    expected = [[True, True]] * 2 if given is None else [[False, False], [True, False]]
    assert model.roi_heads.allowed_verbs.tolist() == expected


def test_attentions_have_a_learning_rate_of_their_own(repository):
    cfg = load_config(repository / "configs/synthetic/choi_R_18_FPN.yaml")
    cfg.MODEL.DEVICE, cfg.SOLVER.ATTENTION_LR_FACTOR = "cpu", 0.05
    model = HOITrainer.build_model(cfg)
    optimizer = HOITrainer.build_optimizer(cfg, model)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    slow = {name for name, p in model.named_parameters() if rates[id(p)] != cfg.SOLVER.BASE_LR}
    weights = ("region.weight", "region.bias", "object.weight", "score.weight", "score.bias")
    names = [f"face_{x}.{weight}" for x in ("aware", "agnostic") for weight in weights]
    heads = [f"roi_heads.interaction_heads.{t}.visual" for t in range(3)]
    assert slow == {f"{head}.{name}" for head in heads for name in names}
    assert {rates[id(p)] for name, p in model.named_parameters() if name in slow} == {0.0001}
    assert len(rates) == len(list(model.parameters()))


def test_the_pretrained_network_has_a_learning_rate_of_its_own(repository):
    cfg = load_config(repository / "configs/photos/choi_MNV2_FPN_phase1.yaml")
    cfg.MODEL.DEVICE, cfg.SOLVER.BACKBONE_LR_FACTOR = "cpu", 0.1
    model = HOITrainer.build_model(cfg)
    optimizer = HOITrainer.build_optimizer(cfg, model)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    learnt = {name: rates[id(p)] for name, p in model.named_parameters() if p.requires_grad}
    slow = {name for name, rate in learnt.items() if rate == pytest.approx(0.0001)}
    assert slow == {name for name in learnt if name.startswith("backbone.bottom_up.")} != set()
    assert {rate for name, rate in learnt.items() if name not in slow} == {0.001}


def test_the_trainer_alone_knows_the_models():
    """What train_net.py imports is enough to build a model."""
    code = (
        "import choi_d2.engine; from detectron2.modeling import META_ARCH_REGISTRY as registry; "
        "assert 'CHOIRCNN' in registry"
    )
    subprocess.run([sys.executable, "-Wignore", "-c", code], check=True)
