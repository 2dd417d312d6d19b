"""Data sets whose ids differ are trained on together by name, or not at all."""

import copy
import itertools
import json

import cv2
import numpy as np
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.config import add_choi_config
from choi_d2.data import build_hoi_train_loader, count_semantic_prior, register_hoi_instances
from choi_d2.data.vocabularies import training_records, training_vocabulary
from choi_d2.structures import dataset_vocabulary
from choi_d2.structures.joining import repeated
from choi_d2.utils import InputError

CLASSES = {1: "person", 2: "cup", 3: "bike"}
VERBS = {1: "hold", 2: "ride", 3: "walk"}
WALK = "walk"


def content(classes=CLASSES, verbs=VERBS):
    """Two images; ids by name, so that the same content has other ids for other numberings."""
    class_id, verb_id = ({name: k for k, name in names.items()} for names in (classes, verbs))
    boxes = [("person", 1, [2, 2, 10, 20]), ("cup", 1, [9, 5, 4, 4]), ("bike", 2, [3, 9, 20, 9])]
    annotations = [
        {"id": k, "image_id": image, "category_id": class_id[name], "bbox": box}
        for k, (name, image, box) in enumerate([*boxes, ("person", 2, [4, 1, 9, 15])], start=1)
    ]
    triplets = [(1, 2, "hold"), (1, None, WALK), (4, 3, "ride"), (4, 3, "hold")]
    return {
        "categories": [{"id": k, "name": name} for k, name in classes.items()],
        "verbs": [
            {"id": k, "name": name, "takes_object": name != WALK} for k, name in verbs.items()
        ],
        "images": [{"id": k, "file_name": f"{k}.png", "height": 24, "width": 30} for k in (1, 2)],
        "annotations": annotations,
        "interactions": [
            {"human_id": human, "object_id": target, "verb_id": verb_id[verb]}
            for human, target, verb in triplets
        ],
    }


@pytest.fixture
def register(tmp_path):
    """Register a JSON's content under a name."""
    names = []
    for k in (1, 2):
        cv2.imwrite(str(tmp_path / f"{k}.png"), np.full((24, 30, 3), 60 * k, np.uint8))

    def register(name, content, **metadata):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        register_hoi_instances(name, metadata, tmp_path / f"{name}.json", tmp_path)
        names.append(name)
        return name

    yield register
    for name in names:
        DatasetCatalog.remove(name)
        MetadataCatalog.remove(name)


def config(*names, rule="same"):
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.DATASETS.TRAIN, cfg.DATASETS.VOCABULARY = names, rule
    cfg.DATALOADER.NUM_WORKERS, cfg.SOLVER.IMS_PER_BATCH, cfg.SEED = 0, 2, 7
    cfg.INPUT.MIN_SIZE_TRAIN = (24,)
    cfg.MODEL.ROI_INTERACTION_HEAD.NUM_VERBS = 3
    return cfg


SWAPPED = {
    "verbs": {"verbs": {1: "walk", 2: "hold", 3: "ride"}},
    "classes": {"classes": {1: "bike", 5: "cup", 7: "person"}},
    "both": {
        "classes": {9: "cup", 1: "bike", 2: "person"},
        "verbs": {3: "hold", 2: "walk", 1: "ride"},
    },
}


@pytest.mark.parametrize("swap", SWAPPED)
def test_another_numbering_trains_the_same(register, swap):
    plain = register("plain", content())
    swapped = register("swapped", content(**SWAPPED[swap]))
    mixed, twice = (training_records(config(plain, other)) for other in (swapped, plain))
    assert mixed == twice and len(mixed) == 4
    assert training_vocabulary((plain, swapped)).verbs == ("hold", "ride", "walk")
    table = count_semantic_prior(mixed, 3, 3, objectless_verbs=(2,))
    assert torch.equal(table, count_semantic_prior(twice, 3, 3, objectless_verbs=(2,)))

    loaders = (build_hoi_train_loader(config(plain, other)) for other in (swapped, plain))
    for ours, theirs in itertools.islice(zip(*loaders, strict=False), 4):
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one["instances"].gt_classes, other["instances"].gt_classes)
            assert torch.equal(one["interactions"].verbs, other["interactions"].verbs)


def test_the_models_words_are_the_first_sets(register):
    names = register("first", content(**SWAPPED["both"])), register("second", content())
    records = training_records(config(*names))
    vocabulary = training_vocabulary(names)
    assert vocabulary.classes == ("bike", "person", "cup") and vocabulary.human == "person"
    assert vocabulary.verbs == ("ride", "walk", "hold")
    assert vocabulary.verbs_without_object == ("walk",)
    assert [a["category_id"] for a in records[2]["annotations"]] == [1, 2]


def test_records_of_the_catalog_are_not_changed(register):
    names = register("plain", content()), register("swapped", content(**SWAPPED["both"]))
    training_records(config(*names))
    kept = DatasetCatalog.get("swapped")
    DatasetCatalog.remove("swapped")
    DatasetCatalog.register("swapped", lambda: kept)
    before = copy.deepcopy(kept)
    training_records(config(*names))
    assert kept == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verbs": {1: "hold", 2: "ride", 3: "walk", 4: "Ride"}}, "only of 'other': 'Ride'"),
        ({"classes": {1: "person", 2: "cup", 3: "bike", 4: "dog"}}, "only of 'other': 'dog'"),
    ],
)
def test_other_names_are_refused_with_both_lists(register, change, said):
    names = register("plain", content()), register("other", content(**change))
    with pytest.raises(InputError, match="DATASETS.TRAIN") as error:
        build_hoi_train_loader(config(*names))
    text = str(error.value)
    assert said in text and "'union'" in text
    for ours in ("classes of 'plain': person, cup, bike", "verbs of 'plain': hold, ride, walk"):
        assert (ours in text) == (ours.split()[0] in change)


def test_other_rules_are_refused(register):
    names = register("plain", content()), register("apart", content(), humans_as_objects=False)
    with pytest.raises(InputError, match="humans can be objects of 'plain'"):
        training_records(config(*names))


def test_a_union_where_it_is_asked_for(register):
    more = {"classes": {1: "dog", 2: "person", 3: "cup", 4: "bike"}}
    more["verbs"] = {1: "sit", 2: "walk", 3: "ride", 4: "hold"}
    names = register("plain", content()), register("more", content(**more))
    records = training_records(config(*names, rule="union"))
    vocabulary = training_vocabulary(names, "union")
    assert vocabulary.classes == ("person", "cup", "bike", "dog")
    assert vocabulary.verbs == ("hold", "ride", "walk", "sit")
    assert [(r["annotations"], r["interactions"]) for r in records[:2]] == [
        (r["annotations"], r["interactions"]) for r in records[2:]
    ]


def test_an_unknown_rule_is_named(register):
    with pytest.raises(InputError, match="DATASETS.VOCABULARY.*'mix'"):
        training_records(config(register("plain", content()), rule="mix"))


def test_every_built_in_data_set_knows_its_classes_and_verbs_by_name():
    known = [
        name for name in DatasetCatalog.list() if MetadataCatalog.get(name).get("verb_classes")
    ]
    assert len(known) > 20
    for name in known:
        assert not repeated(dataset_vocabulary(name)), name


def test_a_name_twice_is_refused():
    DatasetCatalog.register("twice", list)
    try:
        MetadataCatalog.get("twice").set(thing_classes=["person", "cup", "cup"])
        with pytest.raises(InputError, match="'twice' has two classes or verbs of the name cup"):
            training_vocabulary(["twice"])
    finally:
        DatasetCatalog.remove("twice")
        MetadataCatalog.remove("twice")
