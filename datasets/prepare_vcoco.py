"""Put V-COCO where the loaders look for it, and pick its images out of COCO's instances.

    python datasets/prepare_vcoco.py --vcoco /data/v-coco --coco /data/coco

``--vcoco`` is a clone of the official repository (``data/vcoco/*.json``, ``data/splits/*.ids``),
``--coco`` COCO 2014 (``train2014/``, ``val2014/``, ``annotations/instances_{train,val}2014.json``).
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path

from choi_d2.data.datasets.vcoco import load_vcoco, read_actions, read_ids, vcoco_metadata
from choi_d2.data.prepare import Report, link
from choi_d2.data.validation import Problems
from choi_d2.utils import InputError, atomic_path, read_json, write_json

logger = logging.getLogger(__name__)

IN_THE_PAPER = {"train": 2533, "val": 2867, "test": 4946, "trainval": 2533 + 2867}
INSTANCES_IN_THE_PAPER = 16199


def main(arguments: list[str] | None = None) -> int:
    """Prepare V-COCO.

    Returns:
        the exit status: 0, or 1 where the files are broken.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--vcoco", type=Path, required=True, help="clone of the V-COCO repository")
    parser.add_argument("--coco", type=Path, required=True, help="the folder of COCO 2014")
    parser.add_argument(
        "--root", type=Path, default=Path(os.getenv("DETECTRON2_DATASETS", "datasets"))
    )
    options = parser.parse_args(arguments)
    try:
        return prepare(
            options.vcoco.expanduser(), options.coco.expanduser(), options.root.expanduser()
        )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def prepare(vcoco: Path, coco: Path, root: Path) -> int:
    """Copy the lists, pick the instances, link the images, write the report."""
    folder, images = root / "vcoco", root / "coco"
    link(coco, images)
    ids: set[int] = set()
    for split in ("train", "val", "test"):
        source = vcoco / "data" / "splits" / f"vcoco_{split}.ids"
        ids.update(read_ids(source))
        _copy(source, folder / "splits" / source.name)
        actions = vcoco / "data" / "vcoco" / f"vcoco_{split}.json"
        read_actions(read_json(actions, list), Problems(actions))
        _copy(actions, folder / "annotations" / actions.name)
    _join_trainval(folder)
    instances = folder / "annotations" / "instances_vcoco_all_2014.json"
    if not instances.exists():
        pick_instances(coco / "annotations", ids, instances)

    report = Report("V-COCO")
    people = 0
    for split, expected in IN_THE_PAPER.items():
        actions = folder / "annotations" / f"vcoco_{split}.json"
        problems = Problems(actions, collect=True)
        ids_file = folder / "splits" / f"vcoco_{split}.ids"
        records = load_vcoco(actions, instances, images, ids_file, problems=problems)
        report.count(f"{split} images", len(records), expected)
        if split != "trainval":
            people += sum(a["vcoco_person"] for r in records for a in r["annotations"])
        report.records(split, records, vcoco_metadata(), problems)
    report.count("people with actions", people, INSTANCES_IN_THE_PAPER)
    report.files(sorted(folder.glob("*/*.*s*")))
    report.write(folder / "report.md")
    return 1 if report.num_fatal else 0


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise InputError("no such file", path=source, hint="Is --vcoco a clone of s-gupta/v-coco?")
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _join_trainval(folder: Path) -> None:
    """train and val as one split; the role-major lists are joined role by role."""
    train, val = (
        read_json(folder / "annotations" / f"vcoco_{split}.json", list)
        for split in ("train", "val")
    )
    write_json(folder / "annotations" / "vcoco_trainval.json", join_actions(train, val))
    ids = [read_ids(folder / "splits" / f"vcoco_{split}.ids") for split in ("train", "val")]
    with atomic_path(folder / "splits" / "vcoco_trainval.ids") as temporary:
        temporary.write_text("".join(f"{image_id}\n" for image_id in sorted(sum(ids, []))))


def join_actions(first: list[dict], second: list[dict]) -> list[dict]:
    """The people of two action files as those of one."""
    joined = []
    for one, two in zip(first, second, strict=True):
        entry = dict(one)
        for key in ("image_id", "ann_id", "label"):
            entry[key] = one[key] + two[key]
        number_one, number_two = len(one["ann_id"]), len(two["ann_id"])
        entry["role_object_id"] = []
        for role in range(len(one["role_name"])):
            entry["role_object_id"] += one["role_object_id"][role * number_one :][:number_one]
            entry["role_object_id"] += two["role_object_id"][role * number_two :][:number_two]
        joined.append(entry)
    return joined


def pick_instances(annotations: Path, image_ids: set[int], target: Path) -> None:
    """Write the part of COCO's instances that is about some images.

    Args:
        annotations: the folder with ``instances_{train,val}2014.json``.
        image_ids: the images.
        target: the JSON to write.
    """
    picked: dict[str, list] = {"images": [], "annotations": []}
    for split in ("train", "val"):
        path = annotations / f"instances_{split}2014.json"
        logger.info("Reading %s", path)
        content = read_json(path, dict)
        for key in ("images", "annotations", "categories"):
            if not isinstance(content.get(key), list):
                raise InputError("expected a list", path=path, field=key)
        picked["images"] += [i for i in content["images"] if i["id"] in image_ids]
        picked["annotations"] += [a for a in content["annotations"] if a["image_id"] in image_ids]
        picked["categories"] = content["categories"]
    write_json(target, picked)
    logger.info("Wrote %s: %d images", target, len(picked["images"]))


if __name__ == "__main__":
    sys.exit(main())
