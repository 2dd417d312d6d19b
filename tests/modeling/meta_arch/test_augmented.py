"""Test-time augmentation: one view is the model itself, more are means over views."""

import pytest
import torch
from detectron2.structures import Boxes, Instances, pairwise_iou
from tiny import SIZE, make_faces, make_input, tiny_config, tiny_model

from choi_d2.modeling.meta_arch import CHOIRCNN, CHOIRCNNWithTTA, check_views, with_augmentation
from choi_d2.modeling.meta_arch.augmented import SAME_IOU, in_view, merge_views
from choi_d2.utils import InputError

# A tiny model is sure of nothing.
OPEN = (
    "MODEL.ROI_HEADS.SCORE_THRESH_TEST",
    0.0,
    "MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST",
    0.0,
)
MASKS = ("MODEL.MASK_ON", True)


def augmented(*opts, sizes=(SIZE[0],), flip=False, seed=0):
    views = ["TEST.AUG.ENABLED", True, "TEST.AUG.MIN_SIZES", sizes, "TEST.AUG.FLIP", flip]
    opts = [*OPEN, *opts]
    return with_augmentation(tiny_model(*opts, seed=seed).eval(), tiny_config(*opts, *views))


def picture():
    inputs = {"image": make_input("pairs", image_seed=3)["image"], "faces": make_faces()}
    return {**inputs, "height": 2 * SIZE[0], "width": 2 * SIZE[1]}


def given():
    boxes = torch.tensor([[10.0, 5, 40, 60], [30, 20, 90, 50], [50, 10, 80, 62]])
    classes = torch.tensor([0, 2, 1])
    scores = torch.tensor([0.9, 0.8, 0.7])
    return Instances(SIZE, pred_boxes=Boxes(boxes), pred_classes=classes, scores=scores)


def fields_of(output):
    fields = {**output["instances"].get_fields(), **output["interactions"].get_fields()}
    return {k: v.tensor if isinstance(v, Boxes) else v for k, v in fields.items()}


def test_without_it_the_model_is_itself():
    model = tiny_model().eval()
    assert with_augmentation(model, tiny_config()) is model
    assert isinstance(model, CHOIRCNN)


@pytest.mark.parametrize("opts", [(), MASKS], ids=["boxes", "masks"])
def test_one_view_of_the_same_size_is_the_model_on_given_boxes(opts):
    views = augmented(*opts)
    with torch.no_grad():
        plain = fields_of(views.model.inference([picture()], [given()])[0])
    found = fields_of(views.inference([picture()], [given()])[0])
    assert {*found} == {*plain} and len(found["pair_indices"]) > 0
    boxes = given()
    views.inference([picture()], [boxes])
    torch.testing.assert_close(boxes.pred_boxes.tensor, given().pred_boxes.tensor)
    for name, value in plain.items():
        torch.testing.assert_close(found[name], value, msg=name)


def test_one_view_finds_what_the_model_finds():
    # At an NMS threshold of SAME_IOU both keep the same boxes.
    views = augmented("MODEL.ROI_HEADS.NMS_THRESH_TEST", SAME_IOU)
    with torch.no_grad():
        plain = views.model([picture()])[0]["instances"]
    found = views([picture()])[0]["instances"]
    assert len(found) == len(plain) > 0
    torch.testing.assert_close(found.scores, plain.scores)
    # A tiny model's boxes of equal scores may change places.
    overlaps = pairwise_iou(found.pred_boxes, plain.pred_boxes)
    assert overlaps.max(1).values.min() > 0.999


@pytest.mark.parametrize("opts", [(), MASKS], ids=["boxes", "masks"])
def test_scores_and_masks_are_the_means_of_all_views(opts):
    views = augmented(*opts, sizes=(48, 64), flip=True)
    inputs = picture()
    found = views.inference([inputs], [given()])[0]["interactions"]
    by_pair = {tuple(p.tolist()): i for i, p in enumerate(found.pair_indices)}
    expected_verbs = torch.zeros_like(found.verb_scores)
    expected_ranks = torch.zeros_like(found.rank_scores)
    seen = views.views(inputs)
    assert len(seen) == 4
    for view, transform in seen:
        boxes = given()
        moved = Instances(tuple(view["image"].shape[1:]), **boxes.get_fields())
        moved.pred_boxes = in_view(boxes.pred_boxes, transform)
        with torch.no_grad():
            _, (alone,) = views.model.inference([view], [moved], do_postprocess=False)
        assert len(alone) == len(found)
        for pair, verbs, rank in zip(alone.pair_indices, alone.verb_scores, alone.rank_scores):
            row = by_pair[tuple(pair.tolist())]
            expected_verbs[row] += verbs / 4
            expected_ranks[row] += rank / 4
    torch.testing.assert_close(found.verb_scores, expected_verbs)
    torch.testing.assert_close(found.rank_scores, expected_ranks)
    assert (found.rank_scores.diff() <= 0).all()


def test_a_mirrored_picture_has_the_mirrored_answer():
    views = augmented(*MASKS, flip=True)
    inputs, boxes = picture(), given()
    mirrored = {**inputs, "image": inputs["image"].flip(2)}
    faces, moved = make_faces(), given()
    for x, name in ((faces, "boxes"), (moved, "pred_boxes")):
        corners = x.get(name).tensor.clone()
        x.get(name).tensor[:, 0], x.get(name).tensor[:, 2] = (
            SIZE[1] - corners[:, 2],
            SIZE[1] - corners[:, 0],
        )
    mirrored["faces"] = faces
    one = views.inference([inputs], [boxes])[0]
    other = views.inference([mirrored], [moved])[0]
    torch.testing.assert_close(one["interactions"].verb_scores, other["interactions"].verb_scores)
    assert (one["instances"].pred_masks.flip(2) != other["instances"].pred_masks).float().mean() < (
        0.02
    )


def test_faces_move_with_the_view():
    views = augmented(sizes=(32,), flip=True).views(picture())
    assert [tuple(view["image"].shape[1:]) for view, _ in views] == [(32, 48)] * 2
    plain, mirrored = (view["faces"].boxes.tensor for view, _ in views)
    torch.testing.assert_close(plain, make_faces().boxes.tensor / 2)
    assert mirrored[0].tolist() == [48 - 11, 3, 48 - 6, 8]


def test_ranking_chooses_the_same_pairs_for_all_views():
    views = augmented("MODEL.ROI_INTERACTION_HEAD.RRM.TOPK", 1, sizes=(48, 64), flip=True)
    assert len(views.inference([picture()], [given()])[0]["interactions"]) == 1


@pytest.mark.parametrize("sizes", [(SIZE[0],), (40, 64)])
def test_nothing_found_is_an_answer(sizes):
    views = augmented(*MASKS, "MODEL.ROI_HEADS.SCORE_THRESH_TEST", 1.0, sizes=sizes, flip=True)
    (found,) = views([{**picture(), "faces": make_faces(())}])
    assert len(found["instances"]) == len(found["interactions"]) == 0
    assert found["instances"].pred_masks.shape == (0, 2 * SIZE[0], 2 * SIZE[1])


def test_a_strip_keeps_a_pixel():
    views = augmented(sizes=(8,))
    (found,) = views([{"image": torch.zeros(3, 1, 400, dtype=torch.uint8)}])
    assert found["instances"].image_size == (1, 400)


def slowly_merged(boxes, scores, classes, least):
    """Weighted boxes fusion by plain loops."""
    rows = [
        (float(s), v, int(c), b)
        for v, each in enumerate(zip(boxes, scores, classes))
        for b, s, c in zip(*each)
    ]
    rows.sort(key=lambda row: -row[0])
    things = []
    while rows:
        best = rows[0]
        same = [
            row
            for row in rows
            if row[2] == best[2]
            and pairwise_iou(Boxes(row[3][None]), Boxes(best[3][None])).item() >= SAME_IOU
        ]
        of_view = {}
        for row in same:
            of_view.setdefault(row[1], row)
        total = sum(row[0] for row in of_view.values())
        box = sum(row[0] * row[3] for row in of_view.values()) / total
        things.append((total / len(boxes), best[2], box))
        rows = [row for row in rows if not any(row is x for x in same)]
    return sorted((x for x in things if x[0] >= least), key=lambda x: -x[0])


def test_views_are_merged_as_plain_loops_do():
    start = 60 * torch.rand(12, 2).repeat_interleave(3, dim=0)
    boxes, scores, classes = [], [], []
    for _ in range(4):
        corner = start + 6 * torch.rand_like(start)
        boxes.append(torch.cat((corner, corner + 20 + 8 * torch.rand_like(corner)), 1))
        scores.append(torch.rand(len(start)))
        classes.append(torch.randint(2, (len(start),)))
    merged = merge_views(boxes, scores, classes, (100, 100), 0.2, -1)
    expected = slowly_merged(boxes, scores, classes, 0.2)
    assert len(merged) == len(expected) > 5
    torch.testing.assert_close(merged.scores, torch.tensor([x[0] for x in expected]))
    assert merged.pred_classes.tolist() == [x[1] for x in expected]
    torch.testing.assert_close(merged.pred_boxes.tensor, torch.stack([x[2] for x in expected]))
    assert len(merge_views(boxes, scores, classes, (100, 100), 0.2, 3)) == 3


def test_what_one_view_alone_sees_counts_less():
    box = torch.tensor([[0.0, 0, 10, 10]])
    none = torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    views = zip((box, torch.tensor([0.8]), torch.tensor([1])), none)
    merged = merge_views(*views, (20, 20), 0.0, -1)
    assert merged.scores.tolist() == pytest.approx([0.4])


@pytest.mark.parametrize("name, values", [("MIN_SIZES", ()), ("SCALES", (1.0, 0.0))])
def test_sizes_must_be_some(name, values):
    cfg = tiny_config("TEST.AUG.ENABLED", True, f"TEST.AUG.{name}", values)
    with pytest.raises(InputError, match=f"TEST.AUG.{name}"):
        with_augmentation(tiny_model(), cfg)


def test_by_default_sizes_are_relative():
    views = with_augmentation(tiny_model().eval(), tiny_config("TEST.AUG.ENABLED", True))
    sizes = [tuple(view["image"].shape[1:]) for view, _ in views.views(picture())]
    assert sizes == [(51, 77)] * 2 + [(64, 96)] * 2 + [(77, 115)] * 2


def test_precomputed_proposals_are_refused():
    cfg = tiny_config("TEST.AUG.ENABLED", True, "MODEL.LOAD_PROPOSALS", True)
    with pytest.raises(InputError, match="TEST.AUG.ENABLED"):
        check_views(cfg)


def test_it_stays_in_the_mode_of_its_model():
    assert not augmented().training and isinstance(augmented(), CHOIRCNNWithTTA)
