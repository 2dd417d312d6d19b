import pytest
import torch
from detectron2.modeling.poolers import ROIPooler
from detectron2.structures import Boxes, Instances
from pair_batches import STRIDES, make_batch, make_features, with_masks
from tiny import SIZE, make_faces
from torchvision.ops import roi_align

from choi_d2.modeling.interaction import PairBatch
from choi_d2.modeling.interaction.box_maps import box_maps
from choi_d2.modeling.interaction.geometry import box_coverage, union_boxes
from choi_d2.modeling.interaction.pair_pooling import PairPooler
from choi_d2.modeling.pooling import use_matrix_pooling


def make_pooler(representation="bbox", *, regions=True, faces=True, map_resolution=16, size=7):
    scales = [1 / stride for stride in STRIDES.values()]
    pooler = ROIPooler(size, scales, sampling_ratio=0, pooler_type="ROIAlignV2")
    return PairPooler(
        list(STRIDES),
        pooler,
        representation=representation,
        regions=regions,
        faces=faces,
        map_resolution=map_resolution,
    )


def pool(pooler, features, batch, *, previous_stage, pairs_per_part=100):
    return pooler(features, batch, previous_stage=previous_stage, pairs_per_part=pairs_per_part)


def one_pair(human, object_):
    regions = Instances(SIZE, boxes=Boxes(torch.tensor([human, object_])))
    return PairBatch([regions], [torch.tensor([[0, 1]])], [make_faces([])])


def flat_boxes(batch, prefix=""):
    boxes = torch.cat([x.get(f"{prefix}boxes").tensor for x in batch.regions])
    return boxes[batch.human_rows], boxes[batch.object_rows]


def align(features, boxes, images):
    """Eq. 3 on the finest level, where Detectron2 puts boxes far below 224 pixels."""
    rois = torch.cat([images[:, None].to(boxes), boxes], dim=1)
    return roi_align(features["p2"], rois, 7, spatial_scale=1 / 4, aligned=True)


def test_h_o_and_u_are_roi_align_on_the_level_of_the_box():
    human, object_ = [0.0, 0, 20, 40], [60.0, 30, 90, 60]
    features, batch = make_features(1), one_pair(human, object_)
    pooled = pool(make_pooler(), features, batch, previous_stage=False)
    (part,) = pooled.parts()
    image = torch.tensor([0])
    for region, box in (
        (pooled.instances[0].humans, human),
        (pooled.instances[0].objects, object_),
        (part.unions, [0.0, 0, 90, 60]),
    ):
        torch.testing.assert_close(region, align(features, torch.tensor([box]), image))


@pytest.mark.parametrize("per_part, sizes", [(3, [3, 3, 1]), (7, [7])])
def test_both_stages_of_several_images_against_one_box_at_a_time(per_part, sizes):
    features, batch = make_features(), make_batch(previous=True)
    pooled = pool(make_pooler(), features, batch, previous_stage=True, pairs_per_part=per_part)
    images = batch.image_of_region[batch.human_rows], batch.image_of_region[batch.object_rows]
    unions = 0
    for regions, prefix in zip(pooled.instances, ("", "previous_")):
        humans, objects = flat_boxes(batch, prefix)
        torch.testing.assert_close(regions.humans, align(features, humans, images[0]))
        torch.testing.assert_close(regions.objects, align(features, objects, images[1]))
        frames = union_boxes(humans[batch.pairs[:, 0]], objects[batch.pairs[:, 1]])
        unions = unions + align(features, frames, batch.image_of_pair)
    parts = list(pooled.parts())
    assert [len(part.pairs) for part in parts] == sizes
    assert torch.equal(torch.cat([part.pairs for part in parts]), batch.pairs)
    torch.testing.assert_close(torch.cat([part.unions for part in parts]), unions)
    humans, objects = flat_boxes(batch)
    maps = box_maps(humans[batch.pairs[:, 0]], objects[batch.pairs[:, 1]], 16).whole()
    torch.testing.assert_close(torch.cat([part.maps.whole() for part in parts]), maps)


@pytest.mark.parametrize("per_part", [4, 7])
def test_matrix_pooling_gives_the_same_regions_and_gradients(per_part):
    batch, results = make_batch(previous=True), []
    levels = make_features()
    for matrix in (False, True):
        features = {k: v.clone().requires_grad_() for k, v in levels.items()}
        pooler = make_pooler()
        if matrix:
            use_matrix_pooling(pooler)
        pooled = pool(pooler, features, batch, previous_stage=True, pairs_per_part=per_part)
        values = [x for r in pooled.instances for x in (r.humans, r.objects, r.faces, r.faceless)]
        values += [part.unions for part in pooled.parts()]
        sum(x.square().sum() for x in values).backward()
        results.append([*values, features["p2"].grad])  # boxes of this size are all on p2
    for plain, by_matrix in zip(*results):
        torch.testing.assert_close(by_matrix, plain, atol=1e-4, rtol=1e-4)


def test_face_is_pooled_for_its_human_and_removed_from_it():
    features, batch = make_features(), make_batch()
    pooled = pool(make_pooler(), features, batch, previous_stage=False)
    (regions,) = pooled.instances
    humans, _ = flat_boxes(batch)
    assigned = batch.assigned_faces(humans)
    assert assigned.tolist() == [0, 0, -1, -1] and pooled.face_coverage() == 0.5
    # The one face that two have is there once, and before the face of those without one.
    assert regions.face_of_human.tolist() == [0, 0, 1, 1] and len(regions.faces) == 2
    found, face = assigned >= 0, batch.face_boxes[:1]
    torch.testing.assert_close(regions.faces[:1], align(features, face, torch.tensor([0])))
    assert (regions.faces[1] == 0).all()
    assert torch.equal(regions.faceless[~found], regions.humans[~found])
    visible = 1 - box_coverage(face.expand(2, 4), humans[found], 7)
    expected = regions.humans[found] * visible[:, None]
    torch.testing.assert_close(regions.faceless[found], expected)


def test_stages_share_the_faces_that_somebody_has():
    """A human's face at O^t need not be that at O^{t-1}; the third face is nobody's."""
    now, before = [[0.0, 0, 30, 60]], [[50.0, 0, 90, 60]]
    boxes = [[10.0, 2, 18, 10], [60.0, 2, 68, 10], [32.0, 50, 40, 60]]
    regions = Instances(SIZE)
    regions.boxes = Boxes(torch.tensor([*now, [0.0, 30, 20, 60]]))
    regions.previous_boxes = Boxes(torch.tensor([*before, [0.0, 30, 20, 60]]))
    batch = PairBatch([regions], [torch.tensor([[0, 1]])], [make_faces(boxes)])
    features = make_features(1)
    stages = pool(make_pooler(), features, batch, previous_stage=True).instances
    for stage, box in zip(stages, boxes):
        assert len(stage.faces) == 3
        seen = stage.faces[stage.face_of_human]
        torch.testing.assert_close(seen, align(features, torch.tensor([box]), torch.tensor([0])))


def test_full_masks_leave_instances_as_boxes_have_them():
    features = make_features()
    batch = with_masks(make_batch(True), lambda count: torch.ones(count, 28, 28))
    (of_boxes,) = pool(make_pooler(), features, batch, previous_stage=False).instances
    (of_masks,) = pool(make_pooler("mask"), features, batch, previous_stage=False).instances
    torch.testing.assert_close(of_masks.humans, of_boxes.humans)
    torch.testing.assert_close(of_masks.objects, of_boxes.objects)


def test_what_is_not_asked_for_is_not_made():
    features, batch = make_features(), make_batch()
    maps_only = pool(make_pooler(regions=False, faces=False), features, batch, previous_stage=False)
    (part,) = maps_only.parts()
    assert (
        maps_only.instances == []
        and part.unions is None
        and part.maps.whole().shape == (7, 2, 16, 16)
    )
    regions_only = make_pooler(faces=False, map_resolution=None)
    pooled = pool(regions_only, features, batch, previous_stage=False)
    (part,) = pooled.parts()
    assert part.maps is None and part.unions.shape == (7, 16, 7, 7)
    assert pooled.instances[0].faces is None and pooled.face_coverage() != pooled.face_coverage()


def test_no_pair_gives_one_empty_part():
    none = torch.zeros(0, 2, dtype=torch.int64)
    regions = Instances(SIZE, boxes=Boxes(torch.zeros(0, 4)))
    batch = PairBatch([regions, regions], [none, none], [make_faces([]), make_faces([])])
    pooled = pool(make_pooler(), make_features(), batch, previous_stage=False)
    (part,) = pooled.parts()
    assert part.unions.shape == (0, 16, 7, 7) and part.maps.whole().shape == (0, 2, 16, 16)


def test_an_unknown_representation_is_refused():
    with pytest.raises(ValueError, match="REPRESENTATION"):
        make_pooler("pixels")
