import pytest
from hoi_scenes import hoiw_like_metadata, registered

from choi_d2.categories.vcoco import VERBS
from choi_d2.evaluation import (
    HOIWEvaluator,
    InstanceDetectionEvaluator,
    PICEvaluator,
    VCOCOEvaluator,
    build_evaluator,
)
from choi_d2.utils import InputError

EVALUATORS = {
    "hoiw": HOIWEvaluator,
    "hoi": HOIWEvaluator,
    "pic": PICEvaluator,
    "vcoco": VCOCOEvaluator,
}


@pytest.mark.parametrize(("kind", "expected"), EVALUATORS.items())
def test_the_metadata_chooses(kind, expected, tmp_path):
    metadata = hoiw_like_metadata(evaluator_type=kind, verb_classes=list(VERBS))
    with registered("chosen", [], **metadata):
        interactions, detections = build_evaluator("chosen", tmp_path)._evaluators
    assert type(interactions) is expected and interactions.output_dir == tmp_path
    assert type(detections) is InstanceDetectionEvaluator


def test_an_unknown_type_is_an_error():
    with registered("odd", [], evaluator_type="coco"), pytest.raises(InputError, match="'coco'"):
        build_evaluator("odd")
