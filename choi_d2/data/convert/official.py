"""V-COCO's and HICO-DET's own files, through the loaders that train on them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from choi_d2.data.datasets.hicodet import hicodet_metadata, load_hicodet
from choi_d2.data.datasets.vcoco import load_vcoco, vcoco_metadata

from . import hoia
from .content import ContentBuilder
from .source import Options, Source


def is_vcoco(source: Source) -> bool:
    """A list of actions with their roles."""
    return {"action_name", "role_name", "label"} <= set(source.first)


def read_vcoco(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read the actions over COCO's instances; those whose object nobody marked are left out."""
    coco = options.need("coco", "V-COCO's actions are over COCO's instances (instances_*.json)")
    images = options.need("images", "the folder of the images, or of train2014 and val2014")
    records = load_vcoco(source.path, coco, images, options.ids, problems=builder.problems)
    add_records(records, vcoco_metadata(), images, builder)


def is_hicodet(source: Source) -> bool:
    """A Matlab file, or HOI-A's form with HICO-DET's classes."""
    return source.content is None or (hoia.has_pairs(source) and hoia.has_classes(source))


def read_hicodet(source: Source, options: Options, builder: ContentBuilder) -> None:
    """Read a split of HICO-DET; its boxes are merged to instances, as for training."""
    images = options.need("images", "the folder of the images")
    split = "train"
    if source.content is None:
        split = options.need("split", "anno_bbox.mat holds train and test")
    records = load_hicodet(source.path, images, split, problems=builder.problems)
    metadata = hicodet_metadata()
    add_records(records, metadata, images, builder)
    for verb, category in metadata["allowed_interactions"]:
        builder.allow(verb, category)


def add_records(
    records: Sequence[Mapping],
    metadata: Mapping,
    images: str | os.PathLike,
    builder: ContentBuilder,
) -> None:
    """Hand dataset records to a builder.

    Args:
        records: of a loader.
        metadata: what the data set's numbers mean.
        images: the folder that file names are relative to.
        builder: takes them.
    """
    classes, verbs = metadata["thing_classes"], metadata["verb_classes"]
    builder.declare(classes, verbs)
    for record in records:
        name = os.path.relpath(record["file_name"], images)
        image = builder.add_image(name, record["width"], record["height"])
        ids = [
            builder.add_instance(
                image,
                classes[each["category_id"]],
                each["bbox"],
                iscrowd=each["iscrowd"],
                segmentation=each.get("segmentation"),
                certainty=each.get("certainty"),
                judged=None if each.get("judged", True) else False,
            )
            for each in record["annotations"]
        ]
        for pair in record["interactions"]:
            for verb in pair["verbs"]:
                alone = pair["human"] == pair["object"]
                field = f"instances {pair['human']}, {pair['object']}"
                if alone and verb not in metadata["objectless_verbs"]:
                    message = f"the object of {verbs[verb]!r} is not annotated"
                    builder.problems.add("verb and object do not fit", message, image=name)
                    continue
                target = None if alone else ids[pair["object"]]
                builder.add_triplet(
                    ids[pair["human"]], target, verbs[verb], image=name, field=field
                )
