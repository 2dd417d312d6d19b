"""A model meets data sets whose ids are not its own."""

import copy
import logging

import numpy as np
import pytest
from hoi_scenes import evaluated, hoiw_like_metadata, random_output, random_record, registered

from choi_d2.evaluation import build_evaluator
from choi_d2.evaluation.by_name import EvaluatorByName, join_for_evaluation
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

METADATA = hoiw_like_metadata(evaluator_type=("hoi", "box_recall"))
MODEL = Vocabulary(tuple(METADATA["thing_classes"]), tuple(METADATA["verb_classes"]))


def renumbered(records, class_order, verb_order):
    """Records and metadata of the same data with other contiguous ids."""
    records = copy.deepcopy(records)
    for record in records:
        for annotation in record["annotations"]:
            annotation["category_id"] = class_order.index(annotation["category_id"])
        for pair in record["interactions"]:
            pair["verbs"] = sorted(verb_order.index(verb) for verb in pair["verbs"])
    metadata = hoiw_like_metadata(
        evaluator_type=METADATA["evaluator_type"],
        thing_classes=[MODEL.classes[k] for k in class_order],
        verb_classes=[MODEL.verbs[k] for k in verb_order],
        human_class=class_order.index(0),
        thing_dataset_id_to_contiguous_id={10 + k: k for k in range(len(class_order))},
        verb_dataset_id_to_contiguous_id={20 + k: k for k in range(len(verb_order))},
    )
    return records, metadata


def metrics(records, outputs, metadata, vocabulary=MODEL):
    with registered("named", records, **metadata):
        evaluator = EvaluatorByName(
            lambda: build_evaluator("named", distributed=False), "named", vocabulary
        )
        return evaluated(evaluator, records, outputs)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for task in one:
        assert one[task] == pytest.approx(other[task], nan_ok=True, rel=1e-9)


@pytest.mark.parametrize(
    ("class_order", "verb_order"),
    [([0, 1, 2], [3, 1, 0, 2]), ([2, 0, 1], [0, 1, 2, 3]), ([1, 2, 0], [2, 3, 1, 0])],
)
def test_the_same_data_in_another_numbering_give_the_same_numbers(scenes, class_order, verb_order):
    records, outputs = scenes
    expected = metrics(records, outputs, METADATA)
    assert expected["hoi"]["mAP_rel"] > 1
    others, metadata = renumbered(records, class_order, verb_order)
    assert_same(metrics(others, outputs, metadata), expected)


def test_by_position_they_would_not(scenes):
    records, outputs = scenes
    other, metadata = renumbered(records, [0, 1, 2], [3, 1, 0, 2])
    by_position = metrics(other, outputs, metadata, vocabulary=None)
    expected = metrics(records, outputs, METADATA)
    assert by_position["hoi"]["mAP_rel"] != pytest.approx(expected["hoi"]["mAP_rel"], rel=0.01)


def test_what_the_model_alone_knows_is_left_out(caplog):
    random = np.random.default_rng(0)
    records = [random_record(random, f"{i}.png", 3, 3) for i in range(4)]
    outputs = [random_output(random, record, num_verbs=4) for record in records]
    small = hoiw_like_metadata(
        evaluator_type="hoi",
        verb_classes=["hold", "drink", "call"],
        verb_dataset_id_to_contiguous_id={1: 0, 2: 1, 3: 2},
    )
    result = metrics(records, outputs, small)
    assert "1 verbs that the model knows and the data set has not: smoke" in caplog.text
    assert "AP-smoke" not in result["hoi"] and result["hoi"]["mAP_rel"] > 1

    wide = Vocabulary(("dog", *MODEL.classes), MODEL.verbs, 1)
    for output in outputs:
        # A dog more in every image, and a pair with it.
        output["instances"].pred_classes += 1
        output["instances"].pred_classes[-1] = 0
        for end in ("human_classes", "object_classes"):
            output["interactions"].set(end, output["interactions"].get(end) + 1)
    assert "classes that the model knows" not in caplog.text
    with_dogs = metrics(records, outputs, small, wide)
    assert "1 classes that the model knows and the data set has not: dog" in caplog.text
    assert set(with_dogs["bbox"]) == set(result["bbox"])


def test_a_name_that_is_annotated_and_unknown_is_refused_with_both_lists(scenes):
    records, _ = scenes
    model = Vocabulary(("person", "cup", "Phone"), ("hold", "drink", "call", "smoke"))
    with registered("named", records, **METADATA), pytest.raises(InputError) as error:
        join_for_evaluation(model, "named")
    text = str(error.value)
    assert "of the model: person, cup, Phone" in text and "person, cup, phone" in text
    assert "'Phone' and 'phone'" in text and "unknown to the model: phone" in text


def test_a_name_that_nobody_annotated_is_no_matter(scenes, caplog):
    records, outputs = scenes
    other, metadata = renumbered(records, [0, 1, 2], [3, 1, 0, 2])
    metadata["verb_classes"] = [*metadata["verb_classes"], "fly"]
    metadata["verb_dataset_id_to_contiguous_id"][99] = 4
    result = metrics(other, outputs, metadata)
    assert "never annotates, and the model knows not: fly" in caplog.text
    expected = metrics(records, outputs, METADATA)
    assert result["hoi"]["AP-hold"] == pytest.approx(expected["hoi"]["AP-hold"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"human_class": 1}, "human class is 'person' of the model, and 'cup'"),
        ({"objectless_verbs": (2,)}, "'call' take no object of data set"),
        ({"verb_classes": ["hold", "drink", "call", "call"]}, "have the name call"),
    ],
)
def test_other_meanings_are_refused(scenes, change, said):
    with registered("named", scenes[0], **{**METADATA, **change}):
        with pytest.raises(InputError, match=said):
            join_for_evaluation(MODEL, "named")


def test_a_data_set_without_names_is_taken_by_position(scenes, caplog):
    caplog.set_level(logging.WARNING)
    with registered("named", scenes[0], evaluator_type="hoi"):
        assert join_for_evaluation(MODEL, "named") is None
    assert "does not say its classes" in caplog.text


def test_humans_that_the_model_never_pairs_are_said(scenes, caplog):
    with registered("named", scenes[0], **{**METADATA, "humans_as_objects": True}):
        join_for_evaluation(MODEL, "named")
    assert "humans can be objects there" in caplog.text


def test_detection_alone(scenes):
    """A first phase: no verbs, no pairs."""
    records, outputs = scenes
    model = Vocabulary(("cup", "person", "phone"), ())
    with registered("named", records, **METADATA):
        join = join_for_evaluation(model, "named")
    assert join.class_of == (1, 0, 2) and join.verb_from == (-1,) * 4
