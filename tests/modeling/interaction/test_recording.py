"""What is recorded of R^t is what it computed, and recording changes nothing."""

import pytest
import torch
from detectron2.structures import Boxes, Instances
from tiny import SIZE, tiny_model

from choi_d2.modeling.interaction import record_inner
from choi_d2.modeling.interaction.ihsm import attention_maps

BOXES = [[4.0, 4, 40, 60], [30, 8, 70, 62], [20, 30, 50, 55], [60, 10, 90, 40]]


def inputs(face=True):
    image = {"image": torch.randint(0, 255, (3, *SIZE), dtype=torch.uint8)}
    faces = torch.tensor([[10.0, 6, 22, 18]])[: int(face)]
    image["faces"] = Instances(SIZE, boxes=Boxes(faces), scores=torch.ones(len(faces)))
    return image


def given(classes=(0, 0, 1, 2)):
    boxes = torch.tensor(BOXES)[: len(classes)]
    instances = Instances(
        SIZE, pred_boxes=Boxes(boxes), pred_classes=torch.tensor(classes, dtype=torch.int64)
    )
    instances.scores = torch.full((len(classes),), 0.9)
    return instances


def run(model, image, instances):
    with torch.no_grad():
        return model.inference([image], [instances], do_postprocess=False)


@pytest.mark.parametrize("chunk", [1000, 2])
def test_values_are_those_of_the_answer(chunk):
    opts = ["MODEL.ROI_INTERACTION_HEAD.PAIRS_PER_CHUNK", chunk]
    model = tiny_model(*opts).eval()
    head, image = model.roi_heads.interaction_heads[-1], inputs()
    regions = []
    with head.visual.ihsm.register_forward_hook(lambda m, x, y: regions.append(x[0])):
        with record_inner(head) as runs:
            _, (interactions,) = run(model, image, given())
    (values,) = runs
    batch = values.batch
    pairs = torch.stack(
        [batch.human_rows[batch.pairs[:, 0]], batch.object_rows[batch.pairs[:, 1]]], 1
    )
    # The answer has the pairs best ranked first.
    order = values.ranks.argsort(descending=True, stable=True)
    assert torch.equal(interactions.pair_indices, pairs[order])
    torch.testing.assert_close(interactions.rank_scores, values.ranks[order])
    assert len(values.alpha) == len(values.alpha_bar) == len(pairs) > 3
    assert ((values.alpha >= 0) & (values.alpha <= 1)).all()
    ihsm = head.visual.ihsm
    expected = attention_maps(regions[0], ihsm.similarity, ihsm.scale)
    torch.testing.assert_close(values.attention, expected)
    assert len(values.attention) == len(batch.human_rows) == 2
    torch.testing.assert_close(values.attention.sum(dim=2), torch.ones_like(expected[..., 0]))


def test_nothing_changes_and_nothing_stays():
    model, image = tiny_model().eval(), inputs()
    head = model.roi_heads.interaction_heads[-1]

    def hooks():
        return [
            hook
            for module in model.modules()
            for hook in (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
        ]

    before = hooks()
    _, (plain,) = run(model, image, given())
    with record_inner(head) as runs:
        assert len(hooks()) > len(before)
        _, (recorded,) = run(model, image, given())
    assert hooks() == before and len(runs) == 1
    for name in ("rank_scores", "verb_scores", "triplet_scores", "pair_indices"):
        assert torch.equal(plain.get(name), recorded.get(name)), name
    run(model, image, given())
    assert len(runs) == 1
    with pytest.raises(RuntimeError, match="in between"), record_inner(head):
        raise RuntimeError("in between")
    assert hooks() == before


@pytest.mark.parametrize("classes", [(), (1, 2), (0,)], ids=["nothing", "nobody", "alone"])
def test_nobody_and_no_pair(classes):
    model = tiny_model().eval()
    with record_inner(model.roi_heads.interaction_heads[-1]) as runs:
        run(model, inputs(face=False), given(classes))
    assert len(runs[0].batch.pairs) == len(runs[0].ranks) == 0
    assert all(x is None or len(x) == 0 for x in (runs[0].attention, runs[0].alpha))


@pytest.mark.parametrize("part, name", [("RRM", "ranks"), ("IHSM", "attention"), ("EFRA", "alpha")])
def test_what_a_model_lacks_is_none(part, name):
    model = tiny_model(f"MODEL.ROI_INTERACTION_HEAD.{part}.ENABLED", False).eval()
    with record_inner(model.roi_heads.interaction_heads[-1]) as runs:
        run(model, inputs(), given())
    absent = {x for x in ("ranks", "attention", "alpha") if getattr(runs[0], x) is None}
    assert absent == {name}
