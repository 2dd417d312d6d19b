import json
import logging
import os
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from detectron2.data import DatasetCatalog
from detectron2.utils import comm
from detectron2.utils.events import EventStorage
from stub_model import StubTripletModel

from choi_d2.data.datasets.builtin import register_all
from choi_d2.engine import HOITrainer, load_config
from choi_d2.engine.watching import CompactPrinter, PairStatistics, TripletPictures, losses_by_part
from choi_d2.synthetic import make_dataset

LOSSES = {
    "loss_cls_stage0": 1.0,
    "loss_cls_stage1": 0.5,
    "loss_box_reg_stage0": 0.25,
    "loss_rcm_semantic_stage0": 2.0,
    "loss_rcm_visual_stage1": 4.0,
    "loss_rrm_stage0": 0.125,
    "loss_rpn_cls": 0.5,
    "loss_rpn_loc": 0.25,
}


def test_losses_are_summed_by_part():
    expected = {"cls": 1.5, "box_reg": 0.25, "rcm": 6.0, "rrm": 0.125, "rpn": 0.75}
    assert losses_by_part({**LOSSES, "total_loss": 9.0, "lr": 1.0}) == expected


def test_one_short_line(caplog):
    caplog.set_level(logging.INFO)
    with EventStorage(19) as storage:
        for name, value in {**LOSSES, "total_loss": 8.625, "time": 0.5}.items():
            storage.put_scalar(name, value)
        for name, value in {"sampled": 24, "positive": 6, "ranking_accuracy": 0.75}.items():
            storage.put_scalar(f"stage0/pairs/{name}", 0, smoothing_hint=False)
            storage.put_scalar(f"stage1/pairs/{name}", value, smoothing_hint=False)
        CompactPrinter(max_iter=40).write()
    (record,) = caplog.records
    for words in ("eta: 0:00:10", "iter: 19", "total_loss: 8.625", "cls: 1.5", "rcm: 6",
                  "pairs: 6.0/24.0", "ranking: 0.750"):  # fmt: skip
        assert words in record.message
    assert "_stage" not in record.message and len(record.message) < 250


def test_the_first_phase_has_no_pairs(caplog):
    caplog.set_level(logging.INFO)
    with EventStorage(19) as storage:
        storage.put_scalar("loss_cls_stage0", 1.0)
        CompactPrinter(max_iter=40).write()
    assert "pairs" not in caplog.text and "ranking" not in caplog.text


def accumulate(hook, values, *, start=0, max_iter=100):
    """What the storage says after iterations with these {name: value}."""
    storage = EventStorage(start)
    hook.trainer = SimpleNamespace(storage=storage, max_iter=max_iter)
    with storage:
        for iteration, scalars in enumerate(values, start=start):
            hook.trainer.iter = storage.iter = iteration
            for name, value in scalars.items():
                storage.put_scalar(name, value, smoothing_hint=False)
            hook.after_step()
    return {name: value for name, (value, _) in storage.latest().items()}


def test_statistics_of_pairs_are_means_over_iterations():
    sampled, ranking = "stage0/pairs/sampled", "stage0/pairs/ranking_accuracy"
    # In the second iteration no combination could be ranked.
    values = [{sampled: 8, ranking: 1.0}, {sampled: 2}, {sampled: 2, ranking: 0.5}]
    latest = accumulate(PairStatistics(period=3), values)
    assert latest == {sampled: 4.0, ranking: 0.75}
    # The next mean starts anew.
    latest = accumulate(
        PairStatistics(period=3), [*values, {sampled: 1}, {sampled: 1}, {sampled: 4}]
    )
    assert latest[sampled] == 2.0


def test_statistics_of_pairs_are_written_at_the_end_too():
    latest = accumulate(PairStatistics(), [{"stage0/pairs/sampled": x} for x in (1, 3)], max_iter=2)
    assert latest == {"stage0/pairs/sampled": 2.0}


def test_statistics_of_pairs_are_means_over_processes(monkeypatch):
    sampled, faces = "stage0/pairs/sampled", "stage0/pairs/face_coverage"
    # The other process had two iterations with 10 and 20 pairs, and a human in one of them.
    other = {sampled: (30.0, 2), faces: (1.0, 1)}
    monkeypatch.setattr(comm, "gather", lambda sums: [sums, other])
    latest = accumulate(PairStatistics(period=2), [{sampled: 4}, {sampled: 6}])
    assert latest == {sampled: 10.0, faces: 1.0}


def test_not_the_main_process_gets_nothing(monkeypatch):
    monkeypatch.setattr(comm, "gather", lambda sums: [])
    latest = accumulate(PairStatistics(period=2), [{"stage0/pairs/sampled": x} for x in (4, 6)])
    assert latest == {"stage0/pairs/sampled": 6.0}


def test_pictures_of_the_same_images_every_time(stub_cfg, stub_dataset, tmp_path, monkeypatch):
    records = []
    for index, interactions in enumerate([[], [{"human": 0, "object": 0, "verbs": [2]}]] * 2):
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), np.full((60, 90, 3), 60 * index, np.uint8))
        box = {"bbox": [9, 9, 50, 50], "bbox_mode": 0, "category_id": 0}
        records.append({"file_name": str(path), "image_id": index, "height": 60, "width": 90,
                        "annotations": [box], "interactions": interactions})  # fmt: skip
    DatasetCatalog.remove(stub_dataset)
    DatasetCatalog.register(stub_dataset, lambda: records)
    stub_cfg.VIS_PERIOD = 5
    model = StubTripletModel(stub_cfg).train()
    hook = TripletPictures(stub_cfg, model)
    storage = EventStorage(0)
    hook.trainer = SimpleNamespace(storage=storage)
    for hook.trainer.iter in range(10):
        hook.after_step()
    assert [name for name, _, _ in storage._vis_data] == ["triplets/0", "triplets/1"] * 2
    assert [each["image_id"] for each in model.seen] == [1, 3, 1, 3]
    assert all(x.dtype == np.uint8 and x.shape[0] == 3 for _, x, _ in storage._vis_data)
    assert model.training


@pytest.fixture
def data(tmp_path):
    make_dataset(
        tmp_path / "synthetic_hoiw",
        seed=3,
        sizes={"train": 2, "val": 1},
        workers=1,
        progress=False,
    )
    register_all(tmp_path)
    yield tmp_path
    register_all(os.getenv("DETECTRON2_DATASETS", "datasets"))


def test_a_training_writes_all_of_it_and_its_best_model(repository, data):
    cfg = load_config(repository / "configs" / "synthetic" / "choi_R_18_FPN.yaml")
    cfg.OUTPUT_DIR, cfg.MODEL.DEVICE = str(data / "out"), "cpu"
    cfg.INPUT.MIN_SIZE_TRAIN, cfg.INPUT.MIN_SIZE_TEST = (64,), 64
    cfg.SOLVER.MAX_ITER, cfg.SOLVER.IMS_PER_BATCH = 2, 2
    cfg.TEST.EVAL_PERIOD = cfg.VIS_PERIOD = 1
    (data / "out").mkdir()
    trainer = HOITrainer(cfg)
    trainer.resume_or_load(resume=False)
    trainer.train()
    lines = [json.loads(line) for line in (data / "out" / "metrics.json").open()]
    written = {name for line in lines for name in line}
    parts = ["cls", "box_reg", "rrm", "rcm_semantic", "rcm_geometric", "rcm_visual"]
    pairs = ["sampled", "positive", "face_coverage", "ranking_accuracy"]
    for stage in range(3):
        assert {f"loss_{part}_stage{stage}" for part in parts} <= written
        assert {f"stage{stage}/pairs/{name}" for name in pairs} <= written
    assert {"total_loss", "lr", "hoi/mAP_rel", "bbox/AP"} <= written
    best = torch.load(data / "out" / "model_best.pth", weights_only=True)["best"]
    assert best["metric"] == "hoi/mAP_rel" and best["iterations"] in (1, 2)
    assert (data / "out" / "last_checkpoint").read_text() == "model_final.pth"
