"""PIC: relation segmentation, two releases with the same file formats and different label ids.

A JSON list, ids are the values in the image's instance map::

    [{"name": "a.jpg", "image_id": 0,
      "relations": [{"subject": 4, "object": 8, "relation": 20}, ...]}, ...]

and for each image two PNGs, a category id and an instance id per pixel (:mod:`.pic_maps`).
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from choi_d2.categories import pic as lists
from choi_d2.data.image_sizes import MissingFileError, cache_path
from choi_d2.data.validation import Problems, short
from choi_d2.pictures import turn_between
from choi_d2.utils import InputError, read_json

from .common import RecordBuilder, existing_images, finish_loading
from .pic_maps import MapSizeError, read_instances

logger = logging.getLogger(__name__)

HUMAN_CLASS = 0
# Relations from which the version of a file is guessed, and how lopsided they have to be.
_ENOUGH_RELATIONS, _LOPSIDED = 20, 4


@dataclass(frozen=True)
class PICLists:
    """Categories and relations of one release; id = position, from 1."""

    categories: tuple[str, ...]
    relations: tuple[str, ...]
    geometric_ids: tuple[int, ...]


PIC_LISTS = {
    "v1": PICLists(lists.V1_CATEGORIES, lists.V1_RELATIONS, lists.V1_GEOMETRIC_IDS),
    "v2": PICLists(lists.V2_CATEGORIES, lists.V2_RELATIONS, lists.V2_GEOMETRIC_IDS),
}


@dataclass(frozen=True)
class PICFiles:
    """Where a split's files are.

    Attributes:
        relations: the JSON; None for a split without annotations.
        images, semantic, instance: folders.
    """

    relations: Path | None
    images: Path
    semantic: Path
    instance: Path


def pic_files(root: str | os.PathLike, split: str, version: str) -> PICFiles:
    """Where a release has the files of a split.

    Args:
        root: the folder that holds ``image/``.
        split: "train", "val" or "test".
        version: "v1" or "v2".
    """
    root = Path(root)
    images = root / "image" / split
    if version == "v1":
        relations, maps = (
            root / "relation" / f"relations_{split}.json",
            root / "segmentation" / split,
        )
        return PICFiles(relations, images, maps / "semantic", maps / "instance")
    relations = root / f"relations_{split}.json"
    return PICFiles(relations, images, root / "semantic" / split, root / "instance" / split)


def load_pic_split(
    root: str | os.PathLike, split: str, version: str, *, problems: Problems | None = None
) -> list[dict]:
    """Load a split from a release's folder; a test split may lack relations and maps.

    Raises:
        InputError: the folder has the other release's layout; and as :func:`load_pic`.
    """
    found = "v1" if (Path(root) / "segmentation").is_dir() else "v2"
    if found != version and Path(root).exists():
        names = (
            "pic_v1_*, from the folder pic_v1" if found == "v1" else "pic_*, from the folder pic"
        )
        raise InputError(
            f"this folder has the layout of PIC {found}, whose label ids mean other things than "
            f"those of {version}",
            path=root,
            hint=f"Its data sets are {names}.",
        )
    files = pic_files(root, split, version)
    if split == "test" and not files.relations.exists():
        files = replace(files, relations=None)
    return load_pic(files, version, problems=problems)


def pic_metadata(version: str) -> dict:
    """What ``MetadataCatalog`` says about a release of PIC, apart from its files."""
    pic = PIC_LISTS[version]
    return {
        "thing_classes": list(pic.categories),
        "verb_classes": list(pic.relations),
        "human_class": HUMAN_CLASS,
        "humans_as_objects": True,
        "objectless_verbs": (),
        "thing_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(pic.categories))},
        "verb_dataset_id_to_contiguous_id": {i + 1: i for i in range(len(pic.relations))},
        "geometric_verbs": tuple(i - 1 for i in pic.geometric_ids),
        "pic_version": version,
        "evaluator_type": "pic",
    }


def load_pic(files: PICFiles, version: str, *, problems: Problems | None = None) -> list[dict]:
    """Load a split of PIC, or anything in its format.

    Args:
        files: where it is.
        version: "v1" or "v2": whose label ids the files use.
        problems: collects what is wrong (the validator); by default it is counted and logged.

    Returns:
        Records in the order of the JSON (without one: of the file names). ``image_id`` is the
        image's name. ``annotations`` have RLE masks, boxes around them, and the highest category
        under the mask as class, which is the official rule. The keys ``semantic_file_name`` and
        ``instance_file_name`` say where the maps are.

    Raises:
        InputError: a file is broken, or its ids are those of the other release.
    """
    log = problems is None
    if problems is None:
        problems = Problems(files.images if files.relations is None else files.relations)
    relations = _read_relations(files, version, problems)
    # Sizes and masks are kept beside the JSON, or the image folder.
    source = files.images if files.relations is None else files.relations
    sizes = existing_images(files.images, list(relations), problems, source)
    annotated = files.relations is not None
    maps = {}
    if annotated:
        cache_file = cache_path(source, ".instances.json")
        maps = read_instances(list(relations), files.semantic, files.instance, cache_file)
    records = []
    for name, entry in relations.items():
        record = {"file_name": str(files.images / name), "image_id": name}
        if name in sizes:
            record["height"], record["width"] = sizes[name]
        if annotated:
            stem = Path(name).with_suffix(".png")
            record["semantic_file_name"] = str(files.semantic / stem)
            record["instance_file_name"] = str(files.instance / stem)
            if not _check_maps(maps[name], record, problems):
                continue
            record.update(_read_annotations(entry, maps[name], name, version, problems))
        if name in sizes:
            records.append(record)
    finish_loading(records, problems, logger if log else None)
    return records


def _read_relations(files: PICFiles, version: str, problems: Problems) -> dict[str, list]:
    """image name -> its relations."""
    if files.relations is None:
        suffixes = {".jpg", ".jpeg", ".png"}
        names = sorted(p.name for p in files.images.glob("*") if p.suffix.lower() in suffixes)
        if not names:
            problems.add("empty data set", f"there is no image in {files.images}")
        return {name: [] for name in names}
    try:
        entries = read_json(files.relations, list, unique_keys=True)
    except InputError as error:
        problems.add_error(error)
        return {}
    if not entries:
        problems.add("empty data set", "expected a list of images, found an empty one")
    relations: dict[str, list] = {}
    for position, entry in enumerate(entries):
        name = problems.file_name(entry, "name", where=f"[{position}]")
        if name is None:
            continue
        if name in relations:
            message = f"entry {position} repeats this image"
            problems.add("duplicate image", message, image=name, field="name")
            continue
        relations[name] = problems.value(entry, "relations", list, image=name) or []
    _check_version(relations, version, problems)
    return relations


def _check_version(relations: dict[str, list], version: str, problems: Problems) -> None:
    """Geometric relations are by far the most frequent: their ids betray the release."""
    other = "v1" if version == "v2" else "v2"
    own = set(PIC_LISTS[version].geometric_ids) - set(PIC_LISTS[other].geometric_ids)
    others = set(PIC_LISTS[other].geometric_ids) - set(PIC_LISTS[version].geometric_ids)
    ids = [
        relation["relation"]
        for entries in relations.values()
        for relation in entries
        if isinstance(relation, dict) and type(relation.get("relation")) is int
    ]
    own_count, other_count = (sum(i in which for i in ids) for which in (own, others))
    if other_count >= _ENOUGH_RELATIONS and other_count > _LOPSIDED * own_count:
        message = (
            f"{other_count} relations carry ids that are geometric in PIC {other}, {own_count} "
            f"such of {version}: this file is of {other}, and was to be read with {version}'s lists"
        )
        problems.add("wrong label ids", message, field="relation")


def _check_maps(maps: dict | InputError, record: dict, problems: Problems) -> bool:
    """Can the image's maps be used?"""
    name = record["image_id"]
    if isinstance(maps, InputError):
        kind = "bad map"
        if isinstance(maps, MissingFileError):
            kind = "missing map"
        elif isinstance(maps, MapSizeError):
            kind = "size mismatch"
        problems.add(kind, maps.problem, image=name, file=maps.path)
        return False
    size = (maps["height"], maps["width"])
    if "height" in record and (record["height"], record["width"]) != size:
        turn, hint = turn_between((record["height"], record["width"]), size)
        problem = (
            f"the maps are {size[1]} x {size[0]} (width x height), the image is "
            f"{record['width']} x {record['height']}{turn}"
        )
        path = record["semantic_file_name"]
        error = InputError(problem, path=path, image=name, hint=hint)
        problems.add_error(error, kind="size mismatch")
        return False
    return True


def _read_annotations(
    entry: list, maps: dict, name: str, version: str, problems: Problems
) -> dict[str, list[dict]]:
    pic = PIC_LISTS[version]
    builder = RecordBuilder(name, maps["height"], maps["width"], problems)
    for instance in maps["instances"]:
        where, category = f"instance {instance['id']}", instance["category"]
        builder.leave_out(instance["id"])
        if category > len(pic.categories):
            message = (
                f"category {category} is under this instance, PIC {version} has 1 to "
                f"{len(pic.categories)}: is this the other release?"
            )
            problems.add("wrong label ids", message, image=name, field=where)
            continue
        if category == 0:
            message = "the semantic map has only background under this instance"
            problems.add("unknown category", message, image=name, field=where)
            continue
        if instance["majority"] != category:
            message = (
                f"the highest category under the mask is {category} "
                f"({pic.categories[category - 1]}), the most frequent {instance['majority']}"
            )
            problems.add("unclear class", message, image=name, field=where)
        builder.add_instance(
            instance["id"],
            instance["bbox"],
            category - 1,
            field=where,
            segmentation=instance["segmentation"],
        )
    if not maps["instances"]:
        problems.add("no annotation", "the instance map is empty", image=name)
    for position, relation in enumerate(entry):
        _read_relation(relation, f"relations[{position}]", name, pic, builder, problems)
    return {"annotations": builder.annotations, "interactions": builder.interactions()}


def _read_relation(
    relation: dict,
    where: str,
    name: str,
    pic: PICLists,
    builder: RecordBuilder,
    problems: Problems,
) -> None:
    if not problems.is_object(relation, image=name, field=where):
        return
    subject, target, verb = (
        problems.integer(relation, key, image=name, where=where)
        for key in ("subject", "object", "relation")
    )
    if subject is None or target is None or verb is None:
        return
    if subject == target:
        message = f"instance {subject} is related to itself: {short(relation)}"
        problems.add("self relation", message, image=name, field=where)
        return
    if not 1 <= verb <= len(pic.relations):
        message = f"expected a relation from 1 to {len(pic.relations)}, found {verb}"
        problems.add("unknown verb", message, image=name, field=f"{where}.relation")
        return
    pair = builder.find_pair(subject, target, fields=(f"{where}.subject", f"{where}.object"))
    if pair is None:
        return
    human, object = pair
    category = builder.annotations[human]["category_id"]
    if category != HUMAN_CLASS:
        message = f"the subject {subject} is no human but a {pic.categories[category]}"
        problems.add("subject is no human", message, image=name, field=f"{where}.subject")
        return
    builder.add_triplet(human, object, verb - 1, field=where)
