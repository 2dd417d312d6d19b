"""A HICO-DET of two images, with a person and an airplane in each, and ways to break it."""

import copy

import numpy as np

LARGE = [50, 50, 99, 99]


def truth_entry(name, *hoi_ids):
    """A person and an airplane (COCO's 5); HOI class 1 is board airplane, 2 direct airplane."""
    verbs = {1: 5, 2: 18}
    return {
        "file_name": name,
        "annotations": [
            {"bbox": [0, 0, 9, 19], "category_id": 1},
            {"bbox": [5, 5, 29, 29], "category_id": 5},
        ],
        "hoi_annotation": [
            {
                "subject_id": 0,
                "object_id": 1,
                "category_id": verbs[hoi_id],
                "hoi_category_id": hoi_id,
            }
            for hoi_id in hoi_ids
        ],
    }


TRUTH = [truth_entry("a.jpg", 1), truth_entry("b.jpg", 1, 2)]
DETECTION = {
    "human_box": [0, 0, 9, 19],
    "object_box": [5, 5, 29, 29],
    "object_category_id": 5,
    "verb_id": 5,
    "hoi_id": 1,
    "score": 0.9,
}
FALSE = DETECTION | {"human_box": LARGE, "score": 0.5}
DETECTIONS = [
    {"file_name": "a.jpg", "detections": [dict(DETECTION), FALSE]},
    {"file_name": "b.jpg", "detections": [dict(DETECTION)]},
]
PAIRS = [
    {
        "file_name": "a.jpg",
        "predictions": [
            {"bbox": [0, 0, 9, 19], "category_id": 1},
            {"bbox": [5, 5, 29, 29], "category_id": 5},
        ],
        "hoi_prediction": [
            {
                "subject_id": 0,
                "object_id": 1,
                "category_id": 5,
                "hoi_category_id": 1,
                "score": 0.9,
            }
        ],
    },
    {"file_name": "b.jpg", "predictions": [], "hoi_prediction": []},
]
ARRAYS = {
    entry["file_name"]: {
        "human_boxes": np.array([d["human_box"] for d in entry["detections"]], np.float32),
        "object_boxes": np.array([d["object_box"] for d in entry["detections"]], np.float32),
        "hoi_ids": np.array([d["hoi_id"] for d in entry["detections"]]),
        "scores": np.array([d["score"] for d in entry["detections"]], np.float32),
    }
    for entry in DETECTIONS
}


def cells():
    """Matlab's ``all_boxes`` of the same detections."""
    table = np.empty((600, 2), object)
    table.fill(np.zeros((0, 0)))
    for image, entry in enumerate(DETECTIONS):
        rows = [[*d["human_box"], *d["object_box"], d["score"]] for d in entry["detections"]]
        table[0, image] = np.array(rows)
    return table


def instances(**changes):
    """TRUTH as ``instances_*.json``: counted from 1, with the images' sizes."""
    box = {"boxes_h": [[1, 1, 10, 20]], "boxes_o": [[6, 6, 30, 30]], "object": [0]}
    one = box | {"hoi": [0], "verb": [4]}
    two = {key: value * 2 for key, value in box.items()} | {"hoi": [0, 1], "verb": [4, 17]}
    content = {"annotation": [one, two], "filenames": ["a.jpg", "b.jpg"], "size": [[30, 30]] * 2}
    return content | changes


DELETE = object()


def changed(content, path, value):
    """A copy with one value replaced; ``DELETE`` takes it out."""
    content = copy.deepcopy(content)
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content
