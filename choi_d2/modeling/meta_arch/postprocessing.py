"""Predictions from the network's frame to the original image's."""

import torch
from detectron2.modeling.postprocessing import detector_postprocess
from detectron2.structures import BitMasks, Boxes, Instances


def hoi_postprocess(
    instances: Instances,
    interactions: Instances,
    height: int,
    width: int,
    *,
    boxes_from_masks: bool = False,
) -> dict[str, Instances]:
    """Scale detections and pairs to the original image.

    Detections that become empty are dropped, as Detectron2 does, and so are their pairs; the
    indices of the others follow.

    Args:
        instances: R detections in the network's frame.
        interactions: their P pairs.
        height, width: of the original image, pixels.
        boxes_from_masks: put the smallest boxes around the masks in the place of the detected ones
            (Sec. 4.2); a detection whose mask is empty keeps its own.

    Returns:
        ``{"instances": ..., "interactions": ...}``
    """
    rows = torch.arange(len(instances), device=instances.scores.device)
    instances = Instances(instances.image_size, **instances.get_fields(), rows=rows)
    instances = detector_postprocess(instances, height, width)
    new_index = torch.full_like(rows, -1)
    new_index[instances.rows] = torch.arange(len(instances), device=rows.device)
    instances.remove("rows")
    if boxes_from_masks:
        masks = BitMasks(instances.pred_masks)
        around = masks.get_bounding_boxes().tensor.to(instances.pred_boxes.tensor)
        has_mask = masks.nonempty()[:, None]
        instances.pred_boxes = Boxes(torch.where(has_mask, around, instances.pred_boxes.tensor))

    alive = (new_index[interactions.pair_indices] >= 0).all(dim=1)
    interactions = interactions[alive]
    fields = interactions.get_fields()
    pairs = new_index[fields["pair_indices"]]
    fields.update(
        pair_indices=pairs,
        human_boxes=instances.pred_boxes[pairs[:, 0]],
        object_boxes=instances.pred_boxes[pairs[:, 1]],
    )
    return {"instances": instances, "interactions": Instances((height, width), **fields)}
