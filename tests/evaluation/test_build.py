import pytest
from hoi_scenes import hoiw_like_metadata, registered

from choi_d2.evaluation import HOIWEvaluator, InstanceDetectionEvaluator, build_evaluator
from choi_d2.utils import InputError


@pytest.mark.parametrize(("kind", "expected"), [("hoiw", HOIWEvaluator), ("hoi", HOIWEvaluator)])
def test_the_metadata_chooses(kind, expected, tmp_path):
    with registered("chosen", [], **hoiw_like_metadata(evaluator_type=kind)):
        interactions, detections = build_evaluator("chosen", tmp_path)._evaluators
    assert type(interactions) is expected and interactions.output_dir == tmp_path
    assert type(detections) is InstanceDetectionEvaluator


def test_an_unknown_type_is_an_error():
    with registered("odd", [], evaluator_type="coco"), pytest.raises(InputError, match="'coco'"):
        build_evaluator("odd")
