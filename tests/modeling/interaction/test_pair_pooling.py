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
    pooled = make_pooler()(features, batch, previous_stage=False)
    (part,) = pooled.parts(5)
    image = torch.tensor([0])
    for region, box in (
        (pooled.instances[0].humans, human),
        (pooled.instances[0].objects, object_),
        (part.unions, [0.0, 0, 90, 60]),
    ):
        torch.testing.assert_close(region, align(features, torch.tensor([box]), image))


def test_both_stages_of_several_images_against_one_box_at_a_time():
    features, batch = make_features(), make_batch(previous=True)
    pooled = make_pooler()(features, batch, previous_stage=True)
    images = batch.image_of_region[batch.human_rows], batch.image_of_region[batch.object_rows]
    unions = 0
    for regions, prefix in zip(pooled.instances, ("", "previous_")):
        humans, objects = flat_boxes(batch, prefix)
        torch.testing.assert_close(regions.humans, align(features, humans, images[0]))
        torch.testing.assert_close(regions.objects, align(features, objects, images[1]))
        frames = union_boxes(humans[batch.pairs[:, 0]], objects[batch.pairs[:, 1]])
        unions = unions + align(features, frames, batch.image_of_pair)
    parts = list(pooled.parts(3))
    assert [len(part.pairs) for part in parts] == [3, 3, 1]
    assert torch.equal(torch.cat([part.pairs for part in parts]), batch.pairs)
    torch.testing.assert_close(torch.cat([part.unions for part in parts]), unions)
    humans, objects = flat_boxes(batch)
    maps = box_maps(humans[batch.pairs[:, 0]], objects[batch.pairs[:, 1]], 16).whole()
    torch.testing.assert_close(torch.cat([part.maps.whole() for part in parts]), maps)


def test_matrix_pooling_gives_the_same_regions_and_gradients():
    batch, results = make_batch(previous=True), []
    levels = make_features()
    for matrix in (False, True):
        features = {k: v.clone().requires_grad_() for k, v in levels.items()}
        pooler = make_pooler()
        if matrix:
            use_matrix_pooling(pooler)
        pooled = pooler(features, batch, previous_stage=True)
        values = [x for regions in pooled.instances for x in regions]
        values += [part.unions for part in pooled.parts(4)]
        sum(x.square().sum() for x in values).backward()
        results.append([*values, features["p2"].grad])  # boxes of this size are all on p2
    for plain, by_matrix in zip(*results):
        torch.testing.assert_close(by_matrix, plain, atol=1e-4, rtol=1e-4)


def test_face_is_pooled_for_its_human_and_removed_from_it():
    features, batch = make_features(), make_batch()
    pooled = make_pooler()(features, batch, previous_stage=False)
    (regions,) = pooled.instances
    humans, _ = flat_boxes(batch)
    faces, found = batch.assigned_faces(humans)
    assert found.tolist() == [True] * 2 + [False] * 2 and pooled.face_coverage() == 0.5
    assert (faces[~found] == 0).all()
    assert (regions.faces[~found] == 0).all()
    assert torch.equal(regions.faceless[~found], regions.humans[~found])
    visible = 1 - box_coverage(faces, humans, 7)
    torch.testing.assert_close(regions.faceless, regions.humans * visible[:, None])
    images = batch.image_of_region[batch.human_rows]
    torch.testing.assert_close(regions.faces[found], align(features, faces[found], images[found]))


def test_full_masks_leave_instances_as_boxes_have_them():
    features = make_features()
    batch = with_masks(make_batch(True), lambda count: torch.ones(count, 28, 28))
    (of_boxes,) = make_pooler()(features, batch, previous_stage=False).instances
    (of_masks,) = make_pooler("mask")(features, batch, previous_stage=False).instances
    torch.testing.assert_close(of_masks.humans, of_boxes.humans)
    torch.testing.assert_close(of_masks.objects, of_boxes.objects)


def test_what_is_not_asked_for_is_not_made():
    features, batch = make_features(), make_batch()
    maps_only = make_pooler(regions=False, faces=False)(features, batch, previous_stage=False)
    (part,) = maps_only.parts(10)
    assert (
        maps_only.instances == []
        and part.unions is None
        and part.maps.whole().shape == (7, 2, 16, 16)
    )
    regions_only = make_pooler(faces=False, map_resolution=None)
    pooled = regions_only(features, batch, previous_stage=False)
    (part,) = pooled.parts(10)
    assert part.maps is None and part.unions.shape == (7, 16, 7, 7)
    assert pooled.instances[0].faces is None and pooled.face_coverage() != pooled.face_coverage()


def test_no_pair_gives_one_empty_part():
    none = torch.zeros(0, 2, dtype=torch.int64)
    regions = Instances(SIZE, boxes=Boxes(torch.zeros(0, 4)))
    batch = PairBatch([regions, regions], [none, none], [make_faces([]), make_faces([])])
    pooled = make_pooler()(make_features(), batch, previous_stage=False)
    (part,) = pooled.parts(4)
    assert part.unions.shape == (0, 16, 7, 7) and part.maps.whole().shape == (0, 2, 16, 16)


def test_an_unknown_representation_is_refused():
    with pytest.raises(ValueError, match="REPRESENTATION"):
        make_pooler("pixels")
