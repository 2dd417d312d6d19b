"""Photos with V-COCO's pairs, and another detector's boxes, as data sets for the photo model.

    python datasets/prepare_vcoco_photos.py --source ../shared/vcoco_photos

The source has squashed photos (``photos/``), V-COCO's pairs of some of them
(``annotations/{train,val,test}.json``, in the format of ``choi_d2.data.datasets.hoi_json``), COCO's
instances of some (``official/instances_*.json``), and a detector's boxes of all
(``boxes_*.json``: per photo ``width``, ``height``, ``boxes`` relative to the photo, ``classes``,
``scores``). Written are photos with their aspect put back, and in the same format

- ``boxes.json``: every photo that is not in the test list, to train localization on;
- ``train.json``, ``val.json``, ``trainval.json``: the photos with pairs, with the detector's boxes
  beside V-COCO's, to train on;
- ``val_official.json``, ``test.json``: V-COCO's boxes alone, to evaluate on;
- ``test_boxes.json``: those of test with the detector's beside, to evaluate detections on;
- ``val_roles.json``: V-COCO's own val, with V-COCO's 29 verbs, and ``official/``, its files in the
  frames of the written photos, to evaluate on by V-COCO's rules;
- ``detections.json``: the detector's boxes of the photos with pairs as COCO results, for
  ``TEST.DETECTIONS``.

A detector's box has its score as ``certainty``, a human's has none, which is 1. A detector's box
that shows an instance which humans have drawn is left out.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
from torchvision.ops import box_iou
from tqdm import tqdm

from choi_d2.categories.vcoco import OBJECTLESS_ACTIONS, VERBS
from choi_d2.pictures import read_picture
from choi_d2.utils import InputError, atomic_path, clean_exit, read_json, read_text, write_json

logger = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")
SAME_INSTANCE_IOU = 0.5


def main() -> None:
    """Prepare the photos."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--source", type=Path, required=True, help="the folder described above")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(os.getenv("DETECTRON2_DATASETS", "datasets"), "vcoco_photos"),
        help="default: $DETECTRON2_DATASETS/vcoco_photos",
    )
    parser.add_argument("--side", type=int, default=256, help="shorter side of the photos, pixels")
    args = parser.parse_args()
    prepare(args.source, args.output, args.side)


def prepare(source: Path, output: Path, side: int) -> None:
    """Write photos and JSONs; photos that are there already stay.

    Args:
        source: the folder described at the top.
        output: the folder to make.
        side: of the shorter side of a photo, in pixels.

    Raises:
        InputError: a file is missing or broken.
    """
    detected = read_json(_only(source, "boxes_*.json"), dict)
    annotated = {
        split: read_json(source / "annotations" / f"{split}.json", dict) for split in SPLITS
    }
    categories = annotated["train"]["categories"]
    sizes = write_photos(source / "photos", output / "photos", detected, annotated, side)
    test = {image["file_name"] for image in annotated["test"]["images"]}

    drawn = read_json(_only(source / "official", "instances_*.json"), dict)
    human_made = {split: _by_name(annotated[split], categories) for split in SPLITS}
    other = _by_name(drawn, categories)
    everything = {}
    for name in sorted(set(sizes) - test):
        pairs = human_made["train"].get(name) or human_made["val"].get(name) or []
        everything[name] = _union(pairs, other.get(name, []))
    machine_made = {name: _machine_boxes(detected[name], sizes[name], categories) for name in sizes}

    trainval = _joined(annotated["train"], annotated["val"])
    for name, content, with_machine in (
        ("train", annotated["train"], True),
        ("val", annotated["val"], True),
        ("trainval", trainval, True),
        ("val_official", annotated["val"], False),
        ("test", annotated["test"], False),
        ("test_boxes", annotated["test"], True),
    ):
        _write(output / f"{name}.json", content, sizes, machine_made if with_machine else {})
    official = write_official(source / "official", output, drawn, annotated["val"], sizes)
    listed = [image for content in (*annotated.values(), official) for image in content["images"]]
    write_detections(output / "detections.json", listed, sizes, machine_made)
    boxes = {
        "categories": categories,
        "verbs": annotated["train"]["verbs"],
        "images": [{"id": i, "file_name": name} for i, name in enumerate(everything, 1)],
        "annotations": [
            {**instance, "image_id": i}
            for i, instances in enumerate(everything.values(), 1)
            for instance in instances
        ],
        "interactions": [],
    }
    for i, annotation in enumerate(boxes["annotations"], 1):
        annotation["id"] = i
    _write(output / "boxes.json", boxes, sizes, machine_made)


def write_photos(
    source: Path, target: Path, detected: dict, annotated: dict, side: int
) -> dict[str, tuple[int, int]]:
    """Put the aspect back.

    Returns:
        width and height of every written photo, by file name.
    """
    true_sizes = {name: (entry["width"], entry["height"]) for name, entry in detected.items()}
    for content in annotated.values():
        for image in content["images"]:
            true_sizes[image["file_name"]] = (image["width"], image["height"])
    sizes = {}
    target.mkdir(parents=True, exist_ok=True)
    for name, (width, height) in tqdm(sorted(true_sizes.items()), unit="photo"):
        scale = side / min(width, height)
        sizes[name] = round(width * scale), round(height * scale)
        if (target / name).exists():
            continue
        image = read_picture(source / name)
        image = cv2.resize(image, sizes[name], interpolation=cv2.INTER_CUBIC)
        with atomic_path(target / name) as temporary:
            cv2.imwrite(str(temporary), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return sizes


def write_official(
    source: Path, output: Path, instances: dict, annotated: dict, sizes: dict
) -> dict:
    """Write V-COCO's val as V-COCO's evaluation takes it, and as a data set with its 29 verbs.

    Args:
        source: V-COCO's files of the photos at hand.
        output: the folder to make.
        instances: COCO's, at COCO's sizes.
        annotated: the pairs of val.
        sizes: width and height of every written photo, by file name.

    Returns:
        the data set with 29 verbs.
    """
    folder = output / "official"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "vcoco_val.json", read_json(source / "vcoco_val.json", list))
    ids = {int(line) for line in read_text(source / "val.ids").split()}
    with atomic_path(folder / "val.ids") as temporary:
        temporary.write_text("".join(f"{i}\n" for i in sorted(ids)))
    images, scale_of = [], {}
    for image in instances["images"]:
        if image["id"] in ids:
            width, height = sizes[image["file_name"]]
            scale_of[image["id"]] = np.array([width / image["width"], height / image["height"]] * 2)
            images.append({**image, "width": width, "height": height})
    annotations = [
        {
            **x,
            "bbox": (np.array(x["bbox"]) * scale_of[x["image_id"]]).tolist(),
            "area": x["area"] * float(scale_of[x["image_id"]][:2].prod()),
        }
        for x in instances["annotations"]
        if x["image_id"] in ids
    ]
    written = {"images": images, "annotations": annotations}
    write_json(folder / "instances_val.json", {**instances, **written})

    verb_id = {verb: i for i, verb in enumerate(VERBS, 1)}
    new_id = {verb["id"]: verb_id[verb["name"]] for verb in annotated["verbs"]}
    listed = {image["id"] for image in annotated["images"]}
    content = {
        "categories": annotated["categories"],
        "verbs": [
            {"id": i, "name": verb, "takes_object": verb not in OBJECTLESS_ACTIONS}
            for verb, i in verb_id.items()
        ],
        "images": annotated["images"] + [x for x in images if x["id"] not in listed],
        "annotations": annotated["annotations"],
        "interactions": [{**x, "verb_id": new_id[x["verb_id"]]} for x in annotated["interactions"]],
    }
    _write(output / "val_roles.json", content, sizes, {})
    return content


def write_detections(path: Path, images: list[dict], sizes: dict, machine_made: dict) -> None:
    """Write the detector's boxes of photos as COCO results.

    Ids of images and categories are those of the annotations.
    """
    results = []
    for image_id, name in sorted({image["id"]: image["file_name"] for image in images}.items()):
        size = np.array(sizes[name] * 2)
        results += [
            {
                "image_id": image_id,
                "category_id": instance["category_id"],
                "bbox": (np.array(instance["relative"]) * size).round(2).tolist(),
                "score": instance["certainty"],
            }
            for instance in machine_made[name]
        ]
    write_json(path, results)
    logger.info("%s: %d detections", path, len(results))


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise InputError(f"expected one file {pattern}, found {len(found)}", path=folder)
    return found[0]


def _by_name(content: dict, categories: list[dict]) -> dict[str, list[dict]]:
    """File name -> instances with ``category_id`` of ``categories`` and ``relative`` box."""
    images = {image["id"]: image for image in content["images"]}
    id_of_name = {category["name"]: category["id"] for category in categories}
    new_id = {category["id"]: id_of_name[category["name"]] for category in content["categories"]}
    instances = defaultdict(list)
    for annotation in content["annotations"]:
        image = images[annotation["image_id"]]
        size = np.array([image["width"], image["height"]] * 2)
        box = (np.array(annotation["bbox"]) / size).tolist()
        instances[image["file_name"]].append(
            {"category_id": new_id[annotation["category_id"]], "relative": box}
        )
    return instances


def _machine_boxes(entry: dict, size: tuple[int, int], categories: list[dict]) -> list[dict]:
    """A detector's boxes as instances."""
    instances = []
    for (x1, y1, x2, y2), label, score in zip(entry["boxes"], entry["classes"], entry["scores"]):
        instances.append(
            {
                "category_id": categories[label]["id"],
                "relative": [x1, y1, x2 - x1, y2 - y1],
                "certainty": score,
            }
        )
    return instances


def _union(instances: list[dict], others: list[dict]) -> list[dict]:
    """All of ``instances``, and those of ``others`` that show none of them."""
    kept = list(instances)
    for other in others:
        same = [x for x in kept if x["category_id"] == other["category_id"]]
        if not same or _ious(other, same).max() < SAME_INSTANCE_IOU:
            kept.append(other)
    return kept


def _ious(instance: dict, others: list[dict]) -> torch.Tensor:
    boxes = torch.tensor([x["relative"] for x in (instance, *others)])
    boxes[:, 2:] += boxes[:, :2]
    return box_iou(boxes[:1], boxes[1:])[0]


def _joined(first: dict, second: dict) -> dict:
    """Two files of one vocabulary; ids of annotations are numbered on."""
    offset = 1 + max(annotation["id"] for annotation in first["annotations"])

    def moved(entry: dict, *keys: str) -> dict:
        return {**entry, **{key: entry[key] + offset for key in keys}}

    return {
        "categories": first["categories"],
        "verbs": first["verbs"],
        "images": first["images"] + second["images"],
        "annotations": first["annotations"] + [moved(x, "id") for x in second["annotations"]],
        "interactions": first["interactions"]
        + [moved(x, "human_id", "object_id") for x in second["interactions"]],
    }


def _write(path: Path, content: dict, sizes: dict, machine_made: dict) -> None:
    """Write a file in the frames of the written photos, the detector's boxes joined to it."""
    by_image = defaultdict(list)
    images = []
    for image in content["images"]:
        width, height = sizes[image["file_name"]]
        by_image[image["id"]] = []
        images.append({**image, "width": width, "height": height})
    old = {image["id"]: image for image in content["images"]}
    for annotation in content["annotations"]:
        image = old[annotation["image_id"]]
        if "relative" in annotation:
            relative = annotation["relative"]
        else:
            size = np.array([image["width"], image["height"]] * 2)
            relative = (np.array(annotation["bbox"]) / size).tolist()
        entry = {"id": annotation["id"], "category_id": annotation["category_id"]}
        by_image[image["id"]].append({**entry, "relative": relative})
    number = 1 + max((x["id"] for x in content["annotations"]), default=0)
    annotations = []
    for image in images:
        size = np.array([image["width"], image["height"]] * 2)
        for instance in _union(by_image[image["id"]], machine_made.get(image["file_name"], [])):
            if "id" not in instance:
                instance = {**instance, "id": number}
                number += 1
            box = (np.array(instance["relative"]) * size).round(2).tolist()
            entry = {key: value for key, value in instance.items() if key != "relative"}
            annotations.append({**entry, "image_id": image["id"], "bbox": box})
    write_json(path, {**content, "images": images, "annotations": annotations})
    pairs = len({(x["human_id"], x["object_id"]) for x in content["interactions"]})
    logger.info(
        "%s: %d photos, %d boxes, %d of them by humans, %d pairs",
        path,
        len(images),
        len(annotations),
        sum("certainty" not in x for x in annotations),
        pairs,
    )


if __name__ == "__main__":
    with clean_exit():
        main()
