"""Seeded images, boxes of people and things on them, and proposals around these."""

from __future__ import annotations

import torch
from detectron2.structures import Boxes, Instances
from torch import Tensor

from choi_d2.structures import HOIAnnotations

HUMAN_CLASS, OBJECT_CLASS = 0, 1


def random_boxes(count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Boxes inside an image, their sides spread evenly over 16 pixels to half of the image's.

    Returns:
        Tensor[count, 4]
    """
    extent = torch.tensor([size[1], size[0]], dtype=torch.float32)
    least = torch.full((2,), 16.0).minimum(extent / 2)
    shares = torch.rand(count, 2, generator=generator)
    sides = least * (extent / 2 / least) ** shares
    corners = torch.rand(count, 2, generator=generator) * (extent - sides)
    return torch.cat([corners, corners + sides], dim=1)


def make_crowd(
    humans: int, objects: int, size: tuple[int, int], generator: torch.Generator
) -> Instances:
    """People and things, certain, with ``previous_boxes`` a little beside.

    Returns:
        ``Instances`` with ``pred_boxes``, ``pred_classes``, ``scores``, ``previous_boxes``.
    """
    count = humans + objects
    boxes = random_boxes(count, size, generator)
    classes = torch.tensor([HUMAN_CLASS] * humans + [OBJECT_CLASS] * objects, dtype=torch.int64)
    return Instances(
        size,
        pred_boxes=Boxes(boxes),
        pred_classes=classes,
        scores=torch.ones(count),
        previous_boxes=Boxes(shaken(boxes, generator)),
    )


def shaken(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Boxes moved by up to a twentieth of their sides: they still match the ones given."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + (torch.rand(boxes.shape, generator=generator) - 0.5) * 0.1 * sides


def make_faces(crowd: Instances) -> Instances:
    """A face at the top of every human."""
    people = crowd.pred_boxes.tensor[crowd.pred_classes == HUMAN_CLASS]
    width, height = (people[:, 2:] - people[:, :2]).unbind(1)
    left, top = people[:, 0] + width / 3, people[:, 1]
    boxes = torch.stack([left, top, left + width / 3, top + height / 4], dim=1)
    return Instances(crowd.image_size, boxes=Boxes(boxes), scores=torch.ones(len(boxes)))


def make_proposals(crowd: Instances, count: int, generator: torch.Generator) -> Instances:
    """``count`` proposals: a fifth of them around the instances, the others anywhere."""
    around = count // 5 if len(crowd) else 0
    rows = torch.arange(around) % max(len(crowd), 1)
    near = shaken(crowd.pred_boxes.tensor[rows], generator)
    boxes = Boxes(torch.cat([near, random_boxes(count - around, crowd.image_size, generator)]))
    boxes.clip(crowd.image_size)
    return Instances(
        crowd.image_size, proposal_boxes=boxes, objectness_logits=torch.ones(len(boxes))
    )


def make_input(crowd: Instances, num_verbs: int, generator: torch.Generator) -> dict:
    """What a model is given of an image: noise, and the crowd as its ground truth.

    Human i and object i are an annotated pair, as far as there are both.
    """
    height, width = crowd.image_size
    people = int((crowd.pred_classes == HUMAN_CLASS).sum())
    row = torch.arange(min(people, len(crowd) - people))
    verbs = torch.nn.functional.one_hot(row % num_verbs, num_verbs).float()
    return {
        "image": torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator),
        "height": height,
        "width": width,
        "faces": make_faces(crowd),
        "instances": Instances(
            crowd.image_size, gt_boxes=crowd.pred_boxes, gt_classes=crowd.pred_classes
        ),
        "interactions": HOIAnnotations(torch.stack([row, row + people], dim=1), verbs),
    }
