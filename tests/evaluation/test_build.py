import pytest
from hoi_scenes import hoiw_like_metadata, registered

from choi_d2.categories.vcoco import VERBS
from choi_d2.evaluation import (
    BoxRecallEvaluator,
    HICODETEvaluator,
    HOIWEvaluator,
    InstanceDetectionEvaluator,
    PICEvaluator,
    RankingEvaluator,
    VCOCOEvaluator,
    build_evaluator,
    evaluator_types,
)
from choi_d2.utils import InputError

EVALUATORS = {
    "hoiw": HOIWEvaluator,
    "hoi": HOIWEvaluator,
    "pic": PICEvaluator,
    "vcoco": VCOCOEvaluator,
    "hicodet": HICODETEvaluator,
    "box_recall": BoxRecallEvaluator,
    "ranking": RankingEvaluator,
}


@pytest.mark.parametrize(("kind", "expected"), EVALUATORS.items())
def test_the_metadata_chooses(kind, expected, tmp_path):
    metadata = hoiw_like_metadata(evaluator_type=kind, verb_classes=list(VERBS))
    if kind == "hicodet":
        metadata |= {"thing_classes": ["person", "cup"], "verb_classes": ["hold"]}
    with registered("chosen", [], **metadata):
        interactions, detections = build_evaluator("chosen", tmp_path)._evaluators
    assert type(interactions) is expected and interactions.output_dir == tmp_path
    assert type(detections) is InstanceDetectionEvaluator


def test_an_unknown_type_is_an_error():
    with registered("odd", [], evaluator_type="coco"), pytest.raises(InputError, match="'coco'"):
        build_evaluator("odd")


def test_several_metrics_of_one_data_set(tmp_path):
    with registered("both", [], **hoiw_like_metadata(evaluator_type=("hoiw", "box_recall"))):
        precision, recall, detections = build_evaluator("both", tmp_path)._evaluators
    assert type(precision) is HOIWEvaluator and type(recall) is BoxRecallEvaluator
    assert type(detections) is InstanceDetectionEvaluator
    assert precision.output_dir == recall.output_dir == tmp_path


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (("hoiw", "coco"), "'coco'"),
        (("hoiw", "hoi"), "at most one"),
        (("box_recall", "box_recall"), "at most once"),
        ((), "evaluator_type None"),
    ],
)
def test_several_types_that_do_not_go_together(types, message):
    with registered("odd", [], evaluator_type=types), pytest.raises(InputError, match=message):
        build_evaluator("odd")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"evaluator_type": "pic"}, ("pic",)),
        ({"evaluator_type": ["hoi", "box_recall"]}, ("hoi", "box_recall")),
        ({}, ()),
    ],
)
def test_types_of_a_data_set(given, expected):
    with registered("some", [], **given):
        assert evaluator_types("some") == expected
