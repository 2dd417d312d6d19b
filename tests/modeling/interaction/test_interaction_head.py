import pytest
import torch
from detectron2.layers import ShapeSpec
from pair_batches import (
    CHANNELS,
    PRIOR,
    STRIDES,
    make_batch,
    make_features,
    make_regions,
    with_masks,
)
from tiny import NUM_VERBS, make_faces, tiny_config

from choi_d2.modeling.interaction import PairBatch, build_interaction_head


def make_head(*opts):
    shapes = {name: ShapeSpec(channels=CHANNELS, stride=s) for name, s in STRIDES.items()}
    head = build_interaction_head(tiny_config(*opts), shapes).eval()
    # At initialization the last layers are close to zero, which would hide differences.
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head


def test_semantic_feature_is_the_row_of_the_objects_class():
    head, batch = make_head(), make_batch()
    features = head(make_features(), batch, PRIOR)
    classes = [batch.regions[0].classes[o] for o in (1, 4, 1)]
    classes += [batch.regions[1].classes[o] for o in (0, 2, 0, 3)]
    assert torch.equal(features.semantic, PRIOR[torch.stack(classes)])


@pytest.mark.parametrize("previous", [False, True])
def test_a_pair_has_the_same_features_alone_and_in_a_crowd(previous):
    head, previous_head = make_head(), make_head() if previous else None
    levels, batch = make_features(), make_batch(previous)
    together = head(levels, batch, PRIOR, previous_head)
    row = 0
    for image, pairs in enumerate([[[0, 1], [0, 4], [3, 1]], [[2, 0], [2, 2], [1, 0], [2, 3]]]):
        for pair in pairs:
            level = {k: v[image : image + 1] for k, v in levels.items()}
            single = PairBatch([batch.regions[image]], [torch.tensor([pair])], [batch.faces[image]])
            alone = head(level, single, PRIOR, previous_head)
            for name in ("semantic", "geometric", "visual"):
                torch.testing.assert_close(getattr(together, name)[row], getattr(alone, name)[0])
            row += 1


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_chunks_do_not_change_the_numbers(chunk):
    head, levels, batch = make_head(), make_features(), make_batch(True)
    expected = head(levels, batch, PRIOR, head)
    head.pairs_per_chunk = chunk
    features = head(levels, batch, PRIOR, head)
    torch.testing.assert_close(features.visual, expected.visual)
    torch.testing.assert_close(features.geometric, expected.geometric)


def test_previous_stage_matters():
    head, levels, batch = make_head(), make_features(), make_batch(True)
    assert not torch.allclose(
        head(levels, batch, PRIOR).visual, head(levels, batch, PRIOR, make_head()).visual
    )


@pytest.mark.parametrize("ranking", [True, False])
@pytest.mark.parametrize("stream", ["semantic", "geometric", "visual"])
def test_a_single_stream_ranks_by_its_own_feature_and_computes_no_other(stream, ranking):
    opts = ["MODEL.ROI_INTERACTION_HEAD.RCM.STREAMS", (stream,)]
    head = make_head(*opts, "MODEL.ROI_INTERACTION_HEAD.RRM.ENABLED", ranking).train()
    features = head(make_features(), make_batch(True), PRIOR, head)
    widths = {"semantic": NUM_VERBS, "geometric": 8, "visual": 12}
    for name in ("geometric", "visual"):
        width = widths[name] if name == stream else 0
        assert getattr(features, name).shape == (7, width)
    if ranking:
        assert head.rrm.fc.in_features == widths[stream]
    chosen = features.select(torch.tensor([3, 1]))
    logits = head.classify(chosen)
    assert list(logits) == [stream] and logits[stream].shape == (2, NUM_VERBS)
    # No parameter is left that no loss would reach: several processes would wait for it.
    (head.rank(chosen).sum() + logits[stream].sum()).backward()
    assert [name for name, p in head.named_parameters() if p.grad is None] == []


def test_without_ranking_every_pair_ranks_the_same():
    head = make_head("MODEL.ROI_INTERACTION_HEAD.RRM.ENABLED", False)
    features = head(make_features(), make_batch(), PRIOR)
    assert head.rank(features).tolist() == [1.0] * 7


@pytest.mark.parametrize("training", [True, False])
def test_no_pair_in_the_whole_batch(training):
    head = make_head().train(training)
    regions = [make_regions(2), make_regions(0)]
    none = torch.zeros(0, 2, dtype=torch.int64)
    batch = PairBatch(regions, [none, none], [make_faces(), make_faces([])])
    features = head(make_features(), batch, PRIOR)
    assert features.visual.shape == (0, 12) and features.semantic.shape == (0, NUM_VERBS)
    logits = head.classify(features)
    (head.rank(features).sum() + sum(x.sum() for x in logits.values())).backward()
    assert all(p.grad is not None and (p.grad == 0).all() for p in head.parameters())


MASKED = ("MODEL.ROI_INTERACTION_HEAD.REPRESENTATION", "mask", "MODEL.MASK_ON", True)


def ones(count):
    return torch.ones(count, 28, 28)


def test_full_masks_of_the_union_box_are_the_box_representation():
    """With masks that fill their boxes X_g is that of boxes; U loses the corners."""
    boxes, masks = make_head(), make_head(*MASKED)
    masks.load_state_dict(boxes.state_dict())
    levels, batch = make_features(), with_masks(make_batch(True), ones)
    by_box, by_mask = boxes(levels, batch, PRIOR), masks(levels, batch, PRIOR)
    torch.testing.assert_close(by_mask.geometric, by_box.geometric, atol=0.15, rtol=0.1)
    assert not torch.allclose(by_mask.visual, by_box.visual)


@pytest.mark.parametrize("representation", ["mask", "max", "sum"])
def test_empty_masks(representation):
    head = make_head(*MASKED[2:], MASKED[0], representation)
    features = head(
        make_features(), with_masks(make_batch(True), lambda n: torch.zeros(n, 28, 28)), PRIOR, head
    )
    assert torch.isfinite(features.visual).all()
    # An empty map: nothing but biases are left, the same for every pair.
    same = features.geometric[:1].expand_as(features.geometric)
    torch.testing.assert_close(features.geometric, same)
