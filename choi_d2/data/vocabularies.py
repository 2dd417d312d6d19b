"""Data sets that meet a model, or each other: their records are joined by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from detectron2.config import CfgNode
from detectron2.data import get_detection_dataset_dicts
from detectron2.data.build import (
    filter_images_with_only_crowd_annotations,
    print_instances_class_histogram,
)

from choi_d2.structures import Vocabulary, dataset_vocabulary
from choi_d2.structures.joining import differences, places, repeated, rule_differences, united
from choi_d2.utils import InputError
from choi_d2.utils.said import say

from .detections import add_beside_annotated, given_detections
from .named_files import named_files

logger = logging.getLogger(__name__)

UNIONS = ("same", "union")
"""Values of ``DATASETS.VOCABULARY``."""


def training_vocabulary(names: Sequence[str], rule: str = "same") -> Vocabulary | None:
    """The classes and verbs of a model that is trained on these data sets.

    Args:
        names: ``DATASETS.TRAIN``. What only a data set's file tells has to have been read.
        rule: ``DATASETS.VOCABULARY``: "same": all have the names of the first, in any order;
            "union": the names of the first and then the new ones of the others.

    Returns:
        None where the first says nothing of its classes, or there is none.

    Raises:
        InputError: the data sets cannot be trained on together; the message has both lists.
    """
    if rule not in UNIONS:
        problem = f"expected one of {', '.join(map(repr, UNIONS))}, got {rule!r}"
        raise InputError(problem, field="DATASETS.VOCABULARY")
    known = [(name, vocabulary) for name in names if (vocabulary := dataset_vocabulary(name))]
    if not known or known[0][0] != names[0]:
        return None
    for name, vocabulary in known:
        if twice := repeated(vocabulary):
            problem = f"{name!r} has two classes or verbs of the name {', '.join(twice)}"
            hint = "Classes and verbs are known by their names: give each its own."
            raise InputError(problem, field="DATASETS.TRAIN", hint=hint)
    first_name, first = known[0]
    for name, vocabulary in known[1:]:
        check = rule_differences if rule == "union" else differences
        found = check(first, f"of {first_name!r}", vocabulary, f"of {name!r}")
        if found:
            raise InputError(
                f"{first_name!r} and {name!r} cannot be trained on together: {'; '.join(found)}",
                field="DATASETS.TRAIN",
                hint="Give their classes and verbs the same names. Or set DATASETS.VOCABULARY to "
                "'union', where each data set counts as one without the others' classes and verbs."
                if rule == "same"
                else "Give what is the same the same name and meaning.",
            )
    return united([vocabulary for _, vocabulary in known]) if rule == "union" else first


def training_records(cfg: CfgNode, *, filter_empty: bool = False) -> list[dict]:
    """The records of ``DATASETS.TRAIN``, their ids those of :func:`training_vocabulary`.

    The detections of ``INPUT.DETECTIONS.FILES`` stand beside the annotated instances.

    Args:
        cfg: names the data sets, and the rule.
        filter_empty: leave out images without instances.

    Raises:
        InputError: the data sets cannot be joined, or one of them has nothing to train on; or
            detections cannot be joined.
    """
    names = cfg.DATASETS.TRAIN
    files = _detection_files(cfg)
    try:
        parts = [
            get_detection_dataset_dicts(
                # An image may have nothing but a detector's boxes.
                name,
                filter_empty=filter_empty and name not in files,
                check_consistency=False,
            )
            for name in names
        ]
    except AssertionError as error:
        # Detectron2's word for "nothing is left".
        raise InputError(str(error), field="DATASETS.TRAIN") from None
    vocabulary = training_vocabulary(names, cfg.DATASETS.VOCABULARY)
    if vocabulary is None:
        if files:
            problem = f"{names[0]!r} does not say its classes, which detections are joined to"
            raise InputError(problem, field="INPUT.DETECTIONS.FILES")
        return [record for part in parts for record in part]
    records = []
    for name, part in zip(names, parts, strict=True):
        own = dataset_vocabulary(name)
        if own is None:
            message = "%r does not say its classes: those of %r are assumed, in that order"
            say(logger, logging.WARNING, message, name, names[0])
        elif (own.classes, own.verbs) != (vocabulary.classes, vocabulary.verbs):
            message = "%r has other ids for its classes or verbs: joined by name"
            say(logger, logging.INFO, message, name)
            part = rename_records(part, own, vocabulary)
        if name in files:
            found = given_detections(name, files[name], cfg.INPUT.DETECTIONS.NAMES)
            part = add_beside_annotated(part, found, vocabulary, files[name])
            if filter_empty:
                part = filter_images_with_only_crowd_annotations(part)
        records += part
    return records


def _detection_files(cfg: CfgNode) -> dict[str, str]:
    """Training data set -> results file."""
    files = named_files(cfg.INPUT.DETECTIONS.FILES, "INPUT.DETECTIONS.FILES")
    others = [name for name in files if name not in cfg.DATASETS.TRAIN]
    if others:
        raise InputError(
            f"{others[0]!r} is not among DATASETS.TRAIN",
            field="INPUT.DETECTIONS.FILES",
            hint="The boxes of an evaluation are given by TEST.DETECTIONS.",
        )
    return files


def log_instances(records: Sequence[Mapping], classes: Sequence[str]) -> None:
    """Detectron2's table of how many instances each class has."""
    if records and "annotations" in records[0]:
        print_instances_class_histogram(records, classes)


def rename_records(records: Sequence[Mapping], own: Vocabulary, target: Vocabulary) -> list[dict]:
    """Records with the ids of another vocabulary, which has all of their names.

    Args:
        records: dataset records; they are not changed.
        own: what their ids mean.
        target: what they are to mean.
    """
    class_of, verb_of = places(own.classes, target.classes), places(own.verbs, target.verbs)
    renamed = []
    for record in records:
        record = dict(record)
        if "annotations" in record:
            record["annotations"] = [
                {**each, "category_id": class_of[each["category_id"]]}
                for each in record["annotations"]
            ]
        if "interactions" in record:
            record["interactions"] = [
                {**each, "verbs": sorted(verb_of[verb] for verb in each["verbs"])}
                for each in record["interactions"]
            ]
        renamed.append(record)
    return renamed
