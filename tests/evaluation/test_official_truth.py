"""What the loaders leave out counts: an evaluator scores what the command line scores."""

import json

import numpy as np
import pytest
import torch
import vcoco_tiny
from hoi_scenes import HEIGHT, WIDTH, model_output, registered
from PIL import Image

from choi_d2.categories.pic import V2_RELATIONS
from choi_d2.categories.vcoco import VERBS
from choi_d2.data.datasets.hoiw import hoiw_metadata, load_hoiw_json
from choi_d2.data.datasets.pic import load_pic, pic_files, pic_metadata
from choi_d2.data.datasets.vcoco import load_vcoco, vcoco_metadata
from choi_d2.evaluation import HOIWEvaluator, PICEvaluator, VCOCOEvaluator, VerbsByClass
from choi_d2.evaluation.png import write_label_map


def save_photo(path, height=HEIGHT, width=WIDTH):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height)).save(path)


def scored(evaluator_class, records, output_of_image, output_dir, metadata, **options):
    """The metrics that an evaluator writes."""
    with registered("official", records, **metadata):
        evaluator = evaluator_class("official", output_dir=output_dir, **options)
        evaluator.reset()
        for record in records:
            evaluator.process([record], [output_of_image[record["image_id"]]])
        evaluator.evaluate()
    return json.loads((output_dir / "official_metrics.json").read_text())


def output(boxes, classes, pairs, num_verbs, masks=None):
    """A model's output; ``pairs``: (human, object) -> verb -> score."""
    verb_scores = torch.zeros(len(pairs), num_verbs)
    for row, scores in enumerate(pairs.values()):
        for verb, score in scores.items():
            verb_scores[row, verb] = score
    boxes = torch.tensor(boxes, dtype=torch.float32)
    found = torch.tensor(classes), torch.ones(len(boxes)), list(pairs), verb_scores
    return model_output(boxes, *found, masks=masks)


@pytest.fixture
def hoiw(tmp_path):
    """HOIW's files with all that the loader mends, their records, and a model's outputs."""
    person, drink, bike = [10, 10, 50, 100], [40, 20, 60, 40], [70, 50, 280, 110]
    rider = [100, 10, 140, 60]

    def triplet(subject, target, verb):
        return {"subject_id": subject, "object_id": target, "category_id": verb}

    def entry(name, triplets):
        boxes = zip([person, drink, bike, rider], "1461", strict=True)
        annotations = [{"bbox": box, "category_id": category} for box, category in boxes]
        return {"file_name": name, "annotations": annotations, "hoi_annotation": triplets}

    entries = [
        # The photo is lost.
        entry("lost.png", [triplet(0, 1, 7)]),
        entry(
            "sub/a.png",
            [
                triplet(0, 1, 7),
                triplet(0, 1, 7),  # again
                triplet(0, 9, 7),  # the index of no box
                triplet(1, 0, 7),  # the subject is a drink
                triplet(3, 2, 6),  # more than half of the bike is outside the photo
            ],
        ),
    ]
    save_photo(tmp_path / "images" / "sub" / "a.png")
    (tmp_path / "gt.json").write_text(json.dumps(entries))
    visible = [person, drink, [*bike[:2], WIDTH, bike[3]], rider]
    pairs = {(0, 1): {6: 0.9}, (3, 2): {5: 0.8}, (3, 1): {6: 0.5}}
    outputs = {"sub/a.png": output(visible, [0, 3, 5, 0], pairs, 10)}
    files = {"json_file": str(tmp_path / "gt.json"), "image_root": str(tmp_path / "images")}
    return load_hoiw_json(*files.values()), outputs, hoiw_metadata() | files


def test_hoiw(hoiw, tmp_path, evaluate, caplog):
    metrics = scored(HOIWEvaluator, *hoiw[:2], tmp_path / "out", hoiw[2])
    # Five triplets of hold, two of them found by one prediction; the bike is missed.
    assert metrics["per_verb"]["7"] == pytest.approx(
        {"name": "hold", "ap": 0.2, "max_recall": 0.2, "num_gt": 5, "num_pred": 2, "num_tp": 1}
    )
    assert metrics["per_verb"]["6"]["num_gt"] == 1 and metrics["per_verb"]["6"]["num_tp"] == 0
    assert metrics["mAP_rel"] == pytest.approx(0.02)
    assert "ground-truth triplet listed again, each counts: 1" in caplog.text
    written = tmp_path / "out" / "official_predictions.json"
    official = evaluate("hoiw", "--gt", tmp_path / "gt.json", "--pred", written)
    assert official.metrics == metrics


def test_hoiw_by_the_prior(hoiw, tmp_path, evaluate):
    prior = torch.rand(11, 10, generator=torch.Generator().manual_seed(0))
    records, outputs, metadata = hoiw

    def by_class(*arguments, **options):
        return VerbsByClass(HOIWEvaluator(*arguments, **options), prior)

    metrics = scored(by_class, records, outputs, tmp_path / "out", metadata)
    assert metrics["per_verb"]["7"]["num_gt"] == 5
    written = tmp_path / "out" / "official_predictions.json"
    official = evaluate("hoiw", "--gt", tmp_path / "gt.json", "--pred", written)
    assert official.metrics == metrics


@pytest.mark.parametrize(
    "changes", [{"json_file": None}, {"json_file": "/no/such.json"}, {"evaluator_type": "hoi"}]
)
def test_without_official_files_the_records_count(hoiw, tmp_path, changes):
    records, outputs, metadata = hoiw
    metrics = scored(HOIWEvaluator, records, outputs, tmp_path / "out", metadata | changes)
    assert metrics["per_verb"]["7"]["num_gt"] == 1
    assert metrics["mAP_rel"] == pytest.approx(0.2)


def test_pic(tmp_path, evaluate):
    files = pic_files(tmp_path, "val", "v2")
    boxes = [[5, 5, 45, 100], [50, 60, 80, 90], [100, 10, 140, 110]]
    semantic, instance = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for place, ((x1, y1, x2, y2), category) in enumerate(zip(boxes, (1, 18, 1), strict=True)):
        semantic[y1:y2, x1:x2], instance[y1:y2, x1:x2] = category, place + 1
    relations = {
        # Two of kick, which are the same; of the geometric: a subject that is a ball, an id that
        # no pixel has, and one that is sound.
        "a": [(1, 2, 26), (1, 2, 26), (2, 1, 1), (1, 9, 4), (1, 3, 4)],
        "lost": [(1, 3, 4)],
    }
    entries = []
    for name, triplets in relations.items():
        rows = [dict(zip(("subject", "object", "relation"), t, strict=True)) for t in triplets]
        entries.append({"name": f"{name}.jpg", "relations": rows})
        write_label_map(files.semantic / f"{name}.png", semantic)
        write_label_map(files.instance / f"{name}.png", instance)
    files.relations.write_text(json.dumps(entries))
    save_photo(files.images / "a.jpg")
    metadata = pic_metadata("v2") | {
        "json_file": str(files.relations),
        "image_root": str(files.images),
        "semantic_root": str(files.semantic),
        "instance_root": str(files.instance),
    }
    masks = torch.stack([torch.tensor(instance == place) for place in (1, 2, 3)])
    pairs = {(0, 1): {25: 0.9}, (0, 2): {3: 0.8}}
    outputs = {"a.jpg": output(boxes, [0, 17, 0], pairs, len(V2_RELATIONS), masks)}

    records = load_pic(files, "v2")
    metrics = scored(PICEvaluator, records, outputs, tmp_path / "out", metadata)
    assert metrics["images"] == 2
    # The mean over images of a third and nothing.
    assert metrics["per_iou"]["R@20"]["0.5"]["geometric"] == 0.1667
    assert metrics["per_iou"]["R@20"]["0.5"]["non_geometric"] == 1
    root = tmp_path / "gt"
    root.mkdir()
    (root / "relations.json").symlink_to(files.relations)
    (root / "semantic").symlink_to(files.semantic)
    (root / "instance").symlink_to(files.instance)
    written = tmp_path / "out" / "official_predictions"
    assert evaluate("pic", "--gt", root, "--pred", written).metrics == metrics

    metadata["instance_root"] = None
    by_records = scored(PICEvaluator, records, outputs, tmp_path / "out", metadata)
    assert by_records["images"] == 1 and by_records["R@20"] == 1


def test_vcoco(tmp_path, evaluate):
    vsrl, coco = vcoco_tiny.vsrl(), vcoco_tiny.coco()
    # Person 11 holds an object that is nowhere: the action counts, its object is taken for missing.
    held_ids = vsrl[vcoco_tiny.action("hold")]["role_object_id"]
    held_ids[held_ids.index(13)] = 999
    for image in coco["images"]:
        image["file_name"] = f"{image['id']}.png"
        save_photo(tmp_path / "images" / image["file_name"], 100, 100)
    (tmp_path / "vsrl.json").write_text(json.dumps(vsrl))
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    (tmp_path / "ids.txt").write_text("5\n9\n")
    files = {
        "json_file": str(tmp_path / "vsrl.json"),
        "coco_json_file": str(tmp_path / "coco.json"),
        "image_root": str(tmp_path / "images"),
        "ids_file": str(tmp_path / "ids.txt"),
    }
    verb = VERBS.index
    person, held, hit = [10, 10, 50, 90], [30, 30, 50, 50], [60, 30, 80, 50]
    pairs = {(0, 1): {verb("hold_obj"): 0.9}, (0, 0): {verb("walk"): 0.8}}
    outputs = {
        5: output([person, held], [0, 39], pairs, len(VERBS)),
        9: output([person, hit], [0, 39], {(0, 1): {verb("hit_obj"): 0.9}}, len(VERBS)),
    }
    records = load_vcoco(*files.values())
    metrics = scored(VCOCOEvaluator, records, outputs, tmp_path / "out", vcoco_metadata() | files)
    # hit's object is found, its instrument is not; hold's object is right in scenario 2 only.
    assert metrics["per_action_role"]["hold_obj"] == {
        "AP_role_S1": 0,
        "AP_role_S2": 1,
        "positives": 1,
    }
    assert metrics["AP_role_S1"] == pytest.approx(1 / 3)
    assert metrics["AP_role_S2"] == pytest.approx(2 / 3)
    assert metrics["AP_agent"] == 1
    official = evaluate(
        *("vcoco", "--vsrl", files["json_file"], "--coco", files["coco_json_file"]),
        *("--ids", files["ids_file"]),
        *("--pred", tmp_path / "out" / "official_predictions.pkl"),
    )
    assert official.metrics == metrics

    files["ids_file"] = str(tmp_path / "gone.txt")
    metadata = vcoco_metadata() | files
    by_records = scored(VCOCOEvaluator, records, outputs, tmp_path / "out", metadata)
    assert by_records["per_action_role"]["hold_obj"]["positives"] == 0
