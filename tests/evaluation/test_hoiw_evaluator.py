import json
import logging

import numpy as np
import pytest
import torch
from detectron2.utils import comm
from hoi_scenes import (
    empty_output,
    evaluated,
    hoiw_like_metadata,
    random_output,
    random_record,
    registered,
)

from choi_d2.categories.hoiw import OBJECTS, VERBS
from choi_d2.evaluation import HOIWEvaluator


def hoiw_json(records, category_id, verb_id):
    """Records as the released ground truth."""
    return [
        {
            "file_name": record["image_id"],
            "annotations": [
                {"bbox": a["bbox"], "category_id": str(category_id[a["category_id"]])}
                for a in record["annotations"]
            ],
            "hoi_annotation": [
                {"subject_id": p["human"], "object_id": p["object"], "category_id": verb_id[v]}
                for p in record["interactions"]
                for v in p["verbs"]
            ],
        }
        for record in records
    ]


def test_equals_the_command_line_on_its_own_files(scenes, tmp_path, evaluate):
    records, outputs = scenes
    metadata = hoiw_like_metadata(
        thing_classes=list(OBJECTS),
        verb_classes=list(VERBS),
        thing_dataset_id_to_contiguous_id={i + 1: i for i in range(11)},
        verb_dataset_id_to_contiguous_id={i + 1: i for i in range(10)},
    )
    with registered("hoiw_like", records, **metadata):
        result = evaluated(HOIWEvaluator("hoiw_like", output_dir=tmp_path), records, outputs)
    own = json.loads((tmp_path / "hoiw_like_metrics.json").read_text())
    truth = hoiw_json(records, {i: i + 1 for i in range(11)}, {i: i + 1 for i in range(10)})
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    official = evaluate(
        "hoiw", "--gt", tmp_path / "gt.json", "--pred", tmp_path / "hoiw_like_predictions.json"
    )
    assert official.metrics == own
    assert own["mAP_rel"] > 0.02
    assert result["hoi"]["mAP_rel"] == 100 * own["mAP_rel"]
    assert result["hoi"]["AP-smoke"] == 100 * own["per_verb"]["1"]["ap"]


def test_any_number_of_verbs_and_ids(scenes, tmp_path, caplog):
    records, outputs = scenes
    with (
        registered("own_data", records, **hoiw_like_metadata(evaluator_type="hoi")),
        caplog.at_level(logging.INFO),
    ):
        result = evaluated(HOIWEvaluator("own_data", output_dir=tmp_path), records, outputs)["hoi"]
    assert result["mAP_rel"] == pytest.approx(
        np.mean([result[f"AP-{verb}"] for verb in ("hold", "drink", "call", "smoke")])
    )
    assert "| smoke" in caplog.text
    entries = json.loads((tmp_path / "own_data_predictions.json").read_text())
    assert [entry["file_name"] for entry in entries] == [
        "0.png",
        "1.png",
        "2.png",
        "4.png",
        "5.png",
    ]
    assert {h["category_id"] for e in entries for h in e["hoi_prediction"]} == {7, 5, 2, 1}
    assert {b["category_id"] for e in entries for b in e["predictions"]} == {1, 4, 2}


def test_perfect_predictions_score_100():
    random = np.random.default_rng(0)
    records = [random_record(random, f"{i}.png") for i in range(4)]
    with registered("perfect", records, **hoiw_like_metadata()):
        evaluator = HOIWEvaluator("perfect")
        evaluator.reset()
        for record in records:
            output = random_output(random, record)
            instances, pairs = output["instances"], output["interactions"]
            instances.pred_boxes.tensor[:5] = torch.tensor(
                [a["bbox"] for a in record["annotations"]]
            )
            scores = torch.zeros_like(pairs.triplet_scores)
            for annotated in record["interactions"]:
                ends = torch.tensor([annotated["human"], annotated["object"]])
                row = (pairs.pair_indices == ends).all(dim=1).nonzero()[0, 0]
                scores[row, annotated["verbs"]] = 1 - row / 1000
            pairs.triplet_scores = scores
            evaluator.process([{"image_id": record["image_id"]}], [output])
        assert evaluator.evaluate()["hoi"]["mAP_rel"] == 100


def test_images_of_several_processes_count_once(scenes, monkeypatch):
    records, outputs = scenes
    with registered("gathered", records, **hoiw_like_metadata()):
        alone = evaluated(HOIWEvaluator("gathered"), records, outputs)
        other = HOIWEvaluator("gathered")
        evaluated(other, records[:4], outputs[:4])
        monkeypatch.setattr(comm, "get_world_size", lambda: 2)
        monkeypatch.setattr(comm, "gather", lambda mine, dst: [mine, other._predictions])
        # The second process was handed image 2 as well, to fill its last batch.
        together = evaluated(HOIWEvaluator("gathered"), records[2:], outputs[2:])
        monkeypatch.setattr(comm, "is_main_process", lambda: False)
        assert evaluated(HOIWEvaluator("gathered"), records[2:], outputs[2:]) is None
    assert together == alone


def test_a_split_without_annotations_is_written_not_scored(scenes, tmp_path, caplog):
    records, outputs = scenes
    bare = [{k: r[k] for k in ("file_name", "image_id", "height", "width")} for r in records]
    with registered("bare_test", bare, **hoiw_like_metadata()):
        assert evaluated(HOIWEvaluator("bare_test", output_dir=tmp_path), bare, outputs) == {}
    assert "no annotated interactions" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["bare_test_predictions.json"]


def test_nothing_found_anywhere(scenes):
    records, _ = scenes
    with registered("nothing", records, **hoiw_like_metadata()):
        result = evaluated(HOIWEvaluator("nothing"), records, [empty_output() for _ in records])
    assert result["hoi"]["mAP_rel"] == 0


def test_a_data_sets_name_does_not_lead_out_of_the_output_folder(tmp_path):
    folder = tmp_path / "deep" / "out"
    with registered("../../evil/set", []):
        path = HOIWEvaluator("../../evil/set", output_dir=folder).output_path("_metrics.json")
    assert path == folder / "evil" / "set_metrics.json"
