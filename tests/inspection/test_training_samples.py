import torch
from detectron2.structures import Boxes, Instances

from choi_d2.engine import load_config
from choi_d2.inspection.training_samples import sample_pairs_of_truth
from choi_d2.structures import HOIAnnotations


def test_the_sample_is_the_configs():
    """3 humans and 2 cups; two pairs have verbs, of four that are left some are sampled."""
    cfg = load_config("", ["MODEL.ROI_INTERACTION_HEAD.NUM_VERBS", "2"])
    truth = Instances((60, 80))
    truth.gt_boxes = Boxes(torch.tensor([[i, 1.0, i + 9, 30] for i in range(5)]))
    truth.gt_classes = torch.tensor([0, 1, 0, 0, 1])
    annotations = HOIAnnotations(torch.tensor([[2, 1], [0, 4]]), torch.tensor([[0.0, 1], [1, 1]]))
    sample = {"instances": truth, "interactions": annotations}
    whole = sample_pairs_of_truth(sample, cfg)
    positive = dict(zip(map(tuple, whole.positive.pairs.tolist()), whole.positive.verbs.tolist()))
    assert positive == {(2, 1): [0, 1], (0, 4): [1, 1]}
    negative = {tuple(pair) for pair in whole.negative.tolist()}
    assert negative == {(0, 1), (2, 4), (3, 1), (3, 4)}
    assert whole.described == "sampled: 2 of 2 positive pairs, 4 of 4 negative; 0 faces"

    cfg.MODEL.ROI_INTERACTION_HEAD.BATCH_SIZE_PER_IMAGE = 4
    part = sample_pairs_of_truth(sample, cfg)
    assert part.described == "sampled: 1 of 2 positive pairs, 3 of 4 negative; 0 faces"
    assert tuple(part.positive.pairs[0].tolist()) in positive
    assert negative > {tuple(pair) for pair in part.negative.tolist()}

    cfg.MODEL.ROI_INTERACTION_HEAD.HUMANS_AS_OBJECTS = True
    cfg.MODEL.ROI_INTERACTION_HEAD.BATCH_SIZE_PER_IMAGE = 128
    assert len(sample_pairs_of_truth(sample, cfg).negative) == 3 * 4 - 2
