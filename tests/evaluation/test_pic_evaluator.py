import json

import numpy as np
import pytest
import torch
from detectron2.structures import BoxMode
from hoi_scenes import HEIGHT, WIDTH, empty_output, model_output, registered
from pycocotools import mask as mask_util

from choi_d2.categories.pic import V2_CATEGORIES, V2_GEOMETRIC_IDS, V2_RELATIONS
from choi_d2.evaluation import PICEvaluator
from choi_d2.evaluation.png import read_label_map, write_label_map
from choi_d2.utils import InputError

METADATA = {
    "thing_classes": list(V2_CATEGORIES),
    "verb_classes": list(V2_RELATIONS),
    "thing_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(V2_CATEGORIES))},
    "verb_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(V2_RELATIONS))},
    "geometric_verbs": tuple(i - 1 for i in V2_GEOMETRIC_IDS),
    "pic_version": "v2",
    "evaluator_type": "pic",
}
# Few classes and relations, so that chance hits happen.
RELATIONS = (0, 4)


def boxes_of(random):
    """Five boxes that do not touch."""
    columns, rows = np.meshgrid([2, 55, 108], [5, 65])
    corners = np.stack([columns.ravel(), rows.ravel()], axis=1)[:5]
    return np.concatenate([corners, corners + random.integers(30, 48, (5, 2))], axis=1)


def filled(box):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    x1, y1, x2, y2 = np.clip(box, 0, [WIDTH, HEIGHT] * 2)
    mask[y1:y2, x1:x2] = 1
    return mask


def record_of(random, name):
    boxes = boxes_of(random)
    pairs = [(0, 1), (0, 2), (1, 3), (0, 4)]
    return {
        "file_name": f"/photos/{name}",
        "image_id": name,
        "height": HEIGHT,
        "width": WIDTH,
        "annotations": [
            {
                "bbox": box.tolist(),
                "bbox_mode": BoxMode.XYXY_ABS,
                "category_id": category,
                "iscrowd": 0,
                "segmentation": mask_util.encode(np.asfortranarray(filled(box))),
            }
            for box, category in zip(boxes, [0, 0, 6, 6, 9], strict=True)
        ],
        "interactions": [
            {"human": h, "object": o, "verbs": [int(random.choice(RELATIONS))]} for h, o in pairs
        ],
    }


def output_of(random, record):
    """The annotated instances, shifted, and false ones on top of and below them."""
    truth = np.array([a["bbox"] for a in record["annotations"]])
    boxes = np.concatenate([truth + random.integers(-6, 7, truth.shape), truth[:3] + 15])
    classes = [a["category_id"] for a in record["annotations"]] + [0, 9, 6]
    pairs = [(h, o) for h in range(8) for o in range(8) if h != o and classes[h] == 0]
    verb_scores = torch.zeros(len(pairs), len(V2_RELATIONS))
    verb_scores[:, RELATIONS] = torch.tensor(random.uniform(0, 1, (len(pairs), 2))).float()
    return model_output(
        torch.tensor(boxes).float(),
        torch.tensor(classes),
        torch.tensor(random.uniform(0.3, 1, 8)).float(),
        pairs,
        verb_scores,
        masks=torch.tensor(np.stack([filled(box) for box in boxes])).bool(),
    )


def write_truth(root, records):
    """Records as PIC's folders; instance id = place + 1."""
    entries = []
    for record in records:
        semantic, instance = np.zeros((2, HEIGHT, WIDTH), np.uint8)
        for place, annotation in enumerate(record["annotations"]):
            mask = mask_util.decode(annotation["segmentation"]).astype(bool)
            instance[mask], semantic[mask] = place + 1, annotation["category_id"] + 1
        name = record["image_id"].removesuffix(".jpg")
        write_label_map(root / "semantic" / f"{name}.png", semantic)
        write_label_map(root / "instance" / f"{name}.png", instance)
        relations = [
            {"subject": p["human"] + 1, "object": p["object"] + 1, "relation": v + 1}
            for p in record["interactions"]
            for v in p["verbs"]
        ]
        entries.append({"name": record["image_id"], "relations": relations})
    (root / "relations.json").write_text(json.dumps(entries))


def evaluated(records, outputs, output_dir=None, **metadata):
    with registered("pic_like", records, **METADATA | metadata):
        evaluator = PICEvaluator("pic_like", output_dir=output_dir)
        evaluator.reset()
        for record, output in zip(records, outputs, strict=True):
            evaluator.process([record], [output])
        return evaluator.evaluate()


@pytest.fixture
def scenes():
    """One image of the official exclusion list, one in which nothing is found."""
    random = np.random.default_rng(5)
    records = [record_of(random, f"{name}.jpg") for name in ("a", "b", "20136", "c", "d")]
    outputs = [output_of(random, record) for record in records]
    outputs[3] = empty_output(len(V2_RELATIONS))
    return records, outputs


@pytest.mark.parametrize("with_png", [False, True])
def test_equals_the_command_line_on_its_own_files(scenes, tmp_path, evaluate, with_png):
    records, outputs = scenes
    write_truth(tmp_path / "gt", records)
    if with_png:
        # A pixel of a higher category under the first human: it decides the class.
        path = tmp_path / "gt" / "semantic" / "a.png"
        semantic = read_label_map(path, "a")
        semantic[8, 5] = 143
        write_label_map(path, semantic)
        for record in records:
            path = tmp_path / "gt" / "semantic" / record["image_id"].replace(".jpg", ".png")
            record["semantic_file_name"] = str(path)
    result = evaluated(records, outputs, tmp_path / "out")
    own = json.loads((tmp_path / "out" / "pic_like_metrics.json").read_text())
    predictions = tmp_path / "out" / "pic_like_predictions"
    official = evaluate("pic", "--gt", tmp_path / "gt", "--pred", predictions)
    assert official.metrics == own
    assert own["images"] == 4 and 0.1 < own["R@100"] < 1
    assert result["hoi"]["R@100"] == 100 * own["R@100"]
    assert result["hoi"]["R@20-geometric-0.5"] >= result["hoi"]["R@20-geometric-0.75"]


def test_a_pixel_belongs_to_the_best_instance(scenes, tmp_path):
    records, _ = scenes
    boxes = torch.tensor([[0.0, 0, 40, 40], [20, 0, 60, 40], [25, 5, 35, 35]])
    masks = torch.stack([torch.tensor(filled(box)).bool() for box in boxes.int().numpy()])
    pairs, verb_scores = [(0, 1), (0, 2), (1, 0)], torch.zeros(3, 30)
    verb_scores[:, 4] = torch.tensor([0.5, 0.9, 0.4])
    scores = torch.tensor([0.6, 0.9, 0.3])
    classes = torch.tensor([0, 0, 9])
    output = model_output(boxes, classes, scores, pairs, verb_scores, masks)
    evaluated(records[:1], [output], tmp_path)
    folder = tmp_path / "pic_like_predictions"
    instance = read_label_map(folder / "instance" / "a.png", "a")
    # Ids are ranks by score: 1 covers what it overlaps, 3 is hidden.
    assert instance[10, 10] == 2 and instance[10, 30] == 1
    assert set(np.unique(instance)) == {0, 1, 2}
    assert set(np.unique(read_label_map(folder / "semantic" / "a.png", "a"))) == {0, 1}
    (entry,) = json.loads((folder / "relations.json").read_text())
    ends = [(r["subject"], r["object"], r["relation"]) for r in entry["relations"]]
    assert ends == [(2, 1, 5), (1, 2, 5)]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_at_most_255_instances_and_100_relations(scenes, tmp_path):
    records, _ = scenes
    boxes = torch.rand(300, 2).mul(100).repeat(1, 2) + torch.tensor([0, 0, 12.0, 12])
    pairs = [(0, i) for i in range(1, 300)]
    scores = torch.linspace(1, 0.3, 300)
    output = model_output(boxes, torch.zeros(300).long(), scores, pairs, torch.rand(299, 30))
    evaluated(records[:1], [output], tmp_path)
    folder = tmp_path / "pic_like_predictions"
    assert read_label_map(folder / "instance" / "a.png", "a").max() <= 255
    (entry,) = json.loads((folder / "relations.json").read_text())
    found = [relation["score"] for relation in entry["relations"]]
    assert len(found) == 100 and found == sorted(found, reverse=True)


def test_without_masks_the_boxes_are_filled(scenes):
    records, outputs = scenes
    with_masks = evaluated(records, outputs)
    for output in outputs:
        if output["instances"].has("pred_masks"):
            output["instances"].remove("pred_masks")
    for record in records:
        for annotation in record["annotations"]:
            del annotation["segmentation"]
    assert evaluated(records, outputs) == with_masks


def test_a_map_of_another_size_than_the_photo(scenes, tmp_path):
    records, outputs = scenes
    path = tmp_path / "a.png"
    write_label_map(path, np.zeros((HEIGHT, WIDTH - 1), np.uint8))
    records[0]["semantic_file_name"] = str(path)
    with pytest.raises(InputError, match="expected 160 x 120 as the photo"):
        evaluated(records, outputs)


def test_no_name_leads_out_of_the_output_folder(scenes, tmp_path):
    records, outputs = scenes
    names = ["../../../out.jpg", f"{tmp_path}/abs.jpg", "C:\\drive.jpg", "a\0b.jpg", "x" * 900]
    for record, name in zip(records, names, strict=True):
        record["image_id"] = name
    folder = tmp_path / "deep" / "deeper" / "out"
    evaluated(records, outputs, folder)
    written = {x for x in tmp_path.rglob("*") if x.is_file()}
    assert written and all(x.is_relative_to(folder) for x in written)
    entries = json.loads((folder / "pic_like_predictions" / "relations.json").read_text())
    assert len({entry["name"] for entry in entries}) == 5
    for entry in entries:
        for kind in ("semantic", "instance"):
            name = entry["name"].removesuffix(".jpg")
            assert folder / "pic_like_predictions" / kind / f"{name}.png" in written


def test_images_whose_names_differ_in_the_suffix_have_maps_of_their_own(scenes, tmp_path):
    records, outputs = scenes
    records[1]["image_id"] = "a.png"
    evaluated(records, outputs, tmp_path)
    entries = json.loads((tmp_path / "pic_like_predictions" / "relations.json").read_text())
    assert [entry["name"] for entry in entries][:2] == ["a.jpg", "a_2.jpg"]
