import pytest
import torch
from detectron2.structures import Boxes, Instances
from detectron2.utils.events import EventStorage
from tiny import NUM_VERBS, SCENES, SIZE, make_input, tiny_model

from choi_d2.structures import IgnoredRegions

HEAD = "MODEL.ROI_INTERACTION_HEAD"
STAGES = {
    1: ("MODEL.ROI_BOX_CASCADE_HEAD.IOUS", (0.5,),
        "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS", ((10.0, 10.0, 5.0, 5.0),)),
    3: (),
}  # fmt: skip


def losses_of(model, scenes, **kwargs):
    model.train()
    torch.manual_seed(7)
    with EventStorage() as storage:
        losses = model(
            [make_input(scene, image_seed=i, **kwargs) for i, scene in enumerate(scenes)]
        )
    return losses, storage


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize(
    "scenes",
    [
        ["pairs", "pairs"],
        ["pairs", "nothing"],
        ["no human", "no object"],
        ["no pair annotated"],
        ["nothing"],
    ],
)
@pytest.mark.parametrize("faces", [True, False])
def test_every_batch_trains_and_gives_every_parameter_a_gradient(stages, scenes, faces):
    model = tiny_model(*STAGES[stages])
    losses, _ = losses_of(model, scenes, faces=faces)
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


ALL_JOIN = (f"{HEAD}.SCORE_THRESH_TEST", 0.0)
MASKS = ("MODEL.MASK_ON", True, f"{HEAD}.REPRESENTATION", "mask")


@pytest.mark.parametrize("scenes", [["pairs", "nothing"], ["no human"], ["nothing"]])
@pytest.mark.parametrize("masks", [(), MASKS])
def test_false_detections_join_and_every_parameter_has_a_gradient(scenes, masks):
    model = tiny_model(*ALL_JOIN, *masks)
    losses, storage = losses_of(model, scenes, masks=bool(masks))
    assert sum(storage.latest()[f"stage{t}/pairs/negative_unmatched"][0] for t in range(3)) > 0
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_where_only_what_interacts_is_annotated_false_detections_teach_the_ranking():
    """One pair and nothing else, as HOIW has it: without false detections nothing is compared."""
    for unmatched in (True, False):
        model = tiny_model(*ALL_JOIN, f"{HEAD}.UNMATCHED_NEGATIVES", unmatched)
        losses, storage = losses_of(model, ["one pair"])
        latest = storage.latest()
        for t in range(3):
            assert (losses[f"loss_rrm_stage{t}"] > 0) == unmatched
            assert (latest[f"stage{t}/pairs/negative_unmatched"][0] > 0) == unmatched
            assert latest[f"stage{t}/pairs/negative_truth"][0] == 0
            assert (f"stage{t}/pairs/ranking_accuracy_unmatched" in latest) == unmatched


def test_ignored_regions_reach_the_sampling():
    """A crowd that fills the image leaves no false detection."""
    everything = IgnoredRegions(torch.tensor([[0.0, 0, SIZE[1], SIZE[0]]]), torch.tensor([True]))
    model = tiny_model(*ALL_JOIN)
    _, storage = losses_of(model, ["pairs"], ignored=everything)
    assert storage.latest()["stage0/pairs/negative_unmatched"][0] == 0


def test_losses_are_named_by_part_and_stage():
    losses, storage = losses_of(tiny_model(), ["pairs", "nothing"])
    for stage in range(3):
        for part in ("cls", "box_reg", "rrm", "rcm_semantic", "rcm_geometric", "rcm_visual"):
            assert f"loss_{part}_stage{stage}" in losses
        latest = storage.latest()
        assert latest[f"stage{stage}/pairs/sampled"][0] > 0
        assert latest[f"stage{stage}/pairs/positive"][0] >= 1
        assert 0 < latest[f"stage{stage}/pairs/face_coverage"][0] <= 1
        assert 0 <= latest[f"stage{stage}/pairs/ranking_accuracy"][0] <= 1


def test_eq_18_weights_the_stages():
    beta, gamma = (1.0, 0.5, 0.25), (2.0, 3.0, 5.0)
    weights = [
        "MODEL.ROI_BOX_CASCADE_HEAD.LOSS_WEIGHTS", beta, f"{HEAD}.LOSS_WEIGHTS", gamma,
    ]  # fmt: skip
    ones = [
        "MODEL.ROI_BOX_CASCADE_HEAD.LOSS_WEIGHTS", (1.0,) * 3, f"{HEAD}.LOSS_WEIGHTS", (1.0,) * 3,
    ]  # fmt: skip
    weighted, _ = losses_of(tiny_model(*weights), ["pairs"])
    plain, _ = losses_of(tiny_model(*ones), ["pairs"])
    for name, loss in plain.items():
        if "rpn" in name:
            factor = 1
        else:
            stage = int(name[-1])
            factor = (gamma if "rrm" in name or "rcm" in name else beta)[stage]
        torch.testing.assert_close(weighted[name], loss * factor, msg=name)


def test_gradients_of_the_box_branch_are_not_scaled_by_the_number_of_stages():
    model = tiny_model()
    losses, _ = losses_of(model, ["pairs"])
    gradient = torch.autograd.grad(losses["loss_cls_stage0"], model.backbone.fpn_output2.weight)[0]
    from detectron2.modeling.roi_heads.cascade_rcnn import CascadeROIHeads

    model.roi_heads._run_stage = CascadeROIHeads._run_stage.__get__(model.roi_heads)
    losses, _ = losses_of(model, ["pairs"])
    scaled = torch.autograd.grad(losses["loss_cls_stage0"], model.backbone.fpn_output2.weight)[0]
    torch.testing.assert_close(gradient, 3 * scaled)


def test_localization_alone_is_phase_one():
    model = tiny_model("MODEL.INTERACTION_ON", False)
    losses, _ = losses_of(model, ["pairs"])
    assert not any("rrm" in name or "rcm" in name for name in losses)
    outputs = detect(model)
    assert len(outputs["instances"]) and len(outputs["interactions"]) == 0
    assert outputs["interactions"].verb_scores.shape == (0, NUM_VERBS)


@pytest.mark.parametrize("switch", ["IHSM.ENABLED", "EFRA.ENABLED", "RRM.ENABLED"])
def test_table_4_switches(switch):
    full, without = tiny_model(), tiny_model(f"{HEAD}.{switch}", False)
    names = {n for n, _ in full.named_parameters()} - {n for n, _ in without.named_parameters()}
    part = {"IHSM.ENABLED": [], "EFRA.ENABLED": ["face_aware", "face_agnostic"],
            "RRM.ENABLED": ["rrm"]}[switch]  # fmt: skip
    assert all(any(p in n for p in part) for n in names) and bool(names) == bool(part)
    losses, _ = losses_of(without, ["pairs", "no human"])
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in without.parameters())
    detect(without)


def detect(model, score_thresh=0.0, **kwargs):
    """Predictions of a random model, whose detections all have small scores."""
    model.eval()
    model.roi_heads.pair_score_thresh = score_thresh
    for predictor in model.roi_heads.box_predictor:
        predictor.test_score_thresh = 0.0
    with torch.no_grad():
        return model([make_input(**kwargs)])[0]


def test_prediction_fields_frame_and_order():
    outputs = detect(tiny_model())
    instances, pairs = outputs["instances"], outputs["interactions"]
    assert instances.image_size == pairs.image_size == (2 * SIZE[0], 2 * SIZE[1])
    assert not instances.has("previous_boxes")
    human, object_ = pairs.pair_indices.unbind(1)
    assert 0 < len(pairs) <= 64
    assert (instances.pred_classes[human] == 0).all() and (
        instances.pred_classes[object_] != 0
    ).all()
    assert torch.equal(pairs.human_boxes.tensor, instances.pred_boxes.tensor[human])
    assert torch.equal(pairs.object_boxes.tensor, instances.pred_boxes.tensor[object_])
    assert torch.equal(pairs.object_scores, instances.scores[object_])
    assert (pairs.rank_scores.diff() <= 0).all()
    expected = pairs.human_scores * pairs.object_scores
    torch.testing.assert_close(pairs.triplet_scores, expected[:, None] * pairs.verb_scores / 2)
    assert instances.pred_boxes.tensor[:, 2].max() > SIZE[1]


def test_only_confident_detections_form_pairs():
    model = tiny_model()
    model.roi_heads.pair_topk = -1
    everything = detect(model)["interactions"]
    weaker_end = torch.minimum(everything.human_scores, everything.object_scores)
    threshold = weaker_end.median().item()
    pairs = detect(model, threshold)["interactions"]
    assert len(pairs) == (weaker_end >= threshold).sum() < len(everything)
    assert (pairs.human_scores >= threshold).all()
    assert (pairs.object_scores >= threshold).all()
    assert len(detect(model, 1.0)["interactions"]) == 0


def test_the_best_ranked_pairs_are_classified():
    model = tiny_model()
    everything = detect(model)["interactions"]
    model.roi_heads.pair_topk = 5
    best = detect(model)["interactions"]
    assert len(everything) > 5 and len(best) == 5
    place = {tuple(pair): row for row, pair in enumerate(everything.pair_indices.tolist())}
    rows = [place[tuple(pair)] for pair in best.pair_indices.tolist()]
    torch.testing.assert_close(best.verb_scores, everything.verb_scores[rows])
    # Ranks may be so close that rounding decides which of two pairs is the better.
    torch.testing.assert_close(best.rank_scores, everything.rank_scores[:5])


def test_images_of_a_batch_do_not_mix():
    model = tiny_model()
    alone = detect(model, image_seed=1)["interactions"]
    with torch.no_grad():
        together = model([make_input(image_seed=0), make_input(image_seed=1)])[1]["interactions"]
    # Ranks may be so close that rounding decides which of two pairs comes first.
    orders = [
        sorted(range(len(x)), key=x.pair_indices.tolist().__getitem__) for x in (together, alone)
    ]
    together, alone = together[orders[0]], alone[orders[1]]
    assert torch.equal(together.pair_indices, alone.pair_indices)
    torch.testing.assert_close(together.triplet_scores, alone.triplet_scores, rtol=1e-4, atol=1e-6)


def test_detections_know_the_boxes_that_the_last_stage_started_from():
    """O^{T-1} of a detection, regressed once more by L^T, is the detection."""
    model = tiny_model()
    model.eval()
    heads = model.roi_heads
    heads.box_predictor[-1].test_score_thresh = 0.0
    with torch.no_grad():
        images = model.preprocess_image([make_input()])
        features = model.backbone(images.tensor)
        proposals, _ = model.proposal_generator(images, features, None)
        detections = heads._select_detections(heads._run_localization(features, proposals))[0]
        again = Instances(detections.image_size, proposal_boxes=detections.previous_boxes)
        levels = [features[name] for name in heads.box_in_features]
        boxes = heads.box_predictor[-1].predict_boxes(heads._run_stage(levels, [again], 2), [again])
    boxes = Boxes(boxes[0])
    boxes.clip(detections.image_size)
    torch.testing.assert_close(boxes.tensor, detections.pred_boxes.tensor)


def test_the_union_of_all_stages_outputs():
    model = tiny_model("MODEL.ROI_BOX_CASCADE_HEAD.MERGE", "union").eval()
    heads = model.roi_heads
    heads.box_predictor[-1].test_score_thresh = 0.1
    heads.box_predictor[-1].test_nms_thresh = 1.0
    heads.box_predictor[-1].test_topk_per_image = -1
    with torch.no_grad():
        images = model.preprocess_image([make_input()])
        features = model.backbone(images.tensor)
        proposals, _ = model.proposal_generator(images, features, None)
        stages = heads._run_localization(features, proposals)
        detections = heads._select_detections(stages)[0]
        expected = []
        for stage in stages:
            scores = stage.predictor.predict_probs(stage.predictions, stage.proposals)[0][:, :-1]
            for row, class_ in (scores > 0.1).nonzero().tolist():
                box, before = stage.boxes[0][row], stage.input_boxes[0].tensor[row]
                clipped = Boxes(box[None].clone())
                clipped.clip(detections.image_size)
                values = [*clipped.tensor[0].tolist(), *before.tolist(), class_]
                expected.append([scores[row, class_].item(), *values])
    found = torch.cat(
        [
            detections.scores[:, None],
            detections.pred_boxes.tensor,
            detections.previous_boxes.tensor,
            detections.pred_classes[:, None],
        ],
        dim=1,
    )
    assert len(found) == len(expected) > len(stages[0].boxes[0])
    expected = torch.tensor(sorted(expected, reverse=True))
    torch.testing.assert_close(found.sort(dim=0).values, expected.sort(dim=0).values)
    with pytest.raises(ValueError, match="MERGE.*'mean', 'union'.*'both'"):
        tiny_model("MODEL.ROI_BOX_CASCADE_HEAD.MERGE", "both")


def test_recognise_given_instances():
    model = tiny_model().eval()
    boxes, classes, _, _ = SCENES["pairs"]
    given = Instances(
        SIZE, pred_boxes=Boxes(torch.tensor(boxes).float()), pred_classes=torch.tensor(classes)
    )
    with torch.no_grad():
        outputs = model.inference([make_input()], [given])[0]
    assert sorted(outputs["interactions"].pair_indices.tolist()) == [[0, 1], [0, 2], [3, 1], [3, 2]]
    assert torch.equal(outputs["instances"].pred_boxes.tensor, torch.tensor(boxes).float() * 2)


def test_verbs_without_object_are_predicted_for_self_pairs_alone():
    model = tiny_model(f"{HEAD}.OBJECTLESS_VERBS", (2,), f"{HEAD}.HUMANS_AS_OBJECTS", True)
    pairs = detect(model)["interactions"]
    is_self = pairs.pair_indices[:, 0] == pairs.pair_indices[:, 1]
    assert is_self.any() and not is_self.all()
    assert (pairs.verb_scores[is_self][:, [0, 1, 3, 4]] == 0).all()
    assert (pairs.verb_scores[~is_self][:, 2] == 0).all()
    assert (pairs.verb_scores[is_self][:, 2] > 0).all()
    torch.testing.assert_close(
        pairs.triplet_scores[is_self],
        (pairs.human_scores[:, None] * pairs.verb_scores / 2)[is_self],
    )


def test_non_finite_boxes_are_dropped_and_indices_stay_true():
    model = tiny_model()
    predictor = model.roi_heads.box_predictor[-1]
    original = predictor.predict_boxes

    def break_some(predictions, proposals):
        boxes = [b.clone() for b in original(predictions, proposals)]
        boxes[0][::3] = torch.nan
        return boxes

    predictor.predict_boxes = break_some
    outputs = detect(model)
    assert torch.isfinite(outputs["instances"].pred_boxes.tensor).all()
    rows = outputs["interactions"].pair_indices
    assert len(rows) and rows.max() < len(outputs["instances"])
    assert torch.isfinite(outputs["interactions"].triplet_scores).all()


@pytest.mark.parametrize("scene", SCENES)
def test_step_is_repeatable_with_a_seed(scene):
    first, _ = losses_of(tiny_model(), [scene])
    second, _ = losses_of(tiny_model(), [scene])
    assert {k: v.item() for k, v in first.items()} == {k: v.item() for k, v in second.items()}


def test_only_allowed_verbs_are_predicted_and_trained():
    model = tiny_model().eval()
    given = Instances(SIZE)
    given.pred_boxes = Boxes(torch.tensor(SCENES["pairs"][0], dtype=torch.float32))
    given.pred_classes = torch.tensor([0, 1, 2, 0])

    def predict():
        _, (found,) = model.inference([make_input()], [given], do_postprocess=False)
        return found

    assert (predict().triplet_scores > 0).all() and len(predict()) == 4
    model.roi_heads.allowed_verbs[1] = torch.tensor([True, False, True, False, False])
    model.roi_heads.allowed_verbs[2] = False
    found = predict()
    assert found.object_classes.tolist() == [1, 1]
    for scores in (found.triplet_scores, found.verb_scores):
        assert ((scores > 0) == model.roi_heads.allowed_verbs[1]).all()

    for parameter in model.roi_heads.interaction_heads.parameters():
        parameter.grad = None
    losses, _ = losses_of(model, ["pairs"])
    sum(losses.values()).backward()
    for head in model.roi_heads.interaction_heads:
        bias = head.rcm.streams["visual"].bias
        assert ((bias.grad != 0) == model.roi_heads.allowed_verbs[1]).all()


def test_the_allowed_verbs_are_saved_with_the_weights():
    model, other = tiny_model(), tiny_model(seed=1)
    model.roi_heads.allowed_verbs[0, 2] = False
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.roi_heads.allowed_verbs, model.roi_heads.allowed_verbs)
