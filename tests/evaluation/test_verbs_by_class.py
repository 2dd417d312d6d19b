"""Verbs from the object's class alone, before any evaluator."""

import numpy as np
import torch
from detectron2.structures import Instances
from hoi_scenes import hoiw_like_metadata, model_output, random_output, random_record, registered

from choi_d2.evaluation import HOIWEvaluator, VerbsByClass
from choi_d2.evaluation.verbs_by_class import score_by_class


def metrics_of(evaluator, records, outputs):
    evaluator.reset()
    for record, output in zip(records, outputs):
        evaluator.process([record], [output])
    return evaluator.evaluate()


def test_the_same_pairs_with_other_verbs():
    random = np.random.default_rng(0)
    records = [random_record(random, f"{i}.png") for i in range(4)]
    outputs = [random_output(random, record) for record in records]
    prior = torch.rand(3, 4)
    with registered("prior", records, **hoiw_like_metadata()):
        by_model = metrics_of(HOIWEvaluator("prior"), records, outputs)
        by_class = metrics_of(VerbsByClass(HOIWEvaluator("prior"), prior), records, outputs)
        # What the model said is still there.
        assert metrics_of(HOIWEvaluator("prior"), records, outputs) == by_model
        for output in outputs:
            pairs = output["interactions"]
            ends = pairs.human_scores * pairs.object_scores
            pairs.triplet_scores = ends[:, None] * prior[pairs.object_classes]
        expected = metrics_of(HOIWEvaluator("prior"), records, outputs)
    assert by_class == expected
    assert by_class != by_model


def test_a_pair_that_cannot_have_a_verb_gets_none_from_the_prior():
    random = np.random.default_rng(0)
    pairs = random_output(random, random_record(random, "a.png"))["interactions"]
    pairs.triplet_scores[:, 2] = 0
    scored = score_by_class(pairs, torch.ones(3, 4))
    assert (scored.triplet_scores > 0).any(dim=0).tolist() == [True, True, False, True]
    assert (scored.verb_scores[:, 2] == 0).all()


def test_a_human_alone_is_not_multiplied_by_itself():
    scores = torch.tensor([0.5, 0.25])
    boxes = torch.tensor([[0.0, 0, 9, 9]] * 2)
    pairs = [(0, 0), (0, 1)]
    output = model_output(boxes, torch.tensor([0, 1]), scores, pairs, torch.ones(2, 4))
    scored = score_by_class(output["interactions"], torch.ones(3, 4))
    assert scored.triplet_scores.tolist() == [[0.5] * 4, [0.125] * 4]


def test_an_image_without_pairs():
    output = model_output(
        torch.zeros(0, 4), torch.zeros(0).long(), torch.zeros(0), [], torch.zeros(0, 4)
    )
    scored = score_by_class(output["interactions"], torch.ones(3, 4))
    assert isinstance(scored, Instances) and scored.triplet_scores.shape == (0, 4)
