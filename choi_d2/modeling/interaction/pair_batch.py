"""The pairs of a batch of images, flattened."""

from __future__ import annotations

import torch
from detectron2.structures import Instances
from torch import Tensor

from .geometry import assign_faces


class PairBatch:
    """The pairs of a batch of images, flattened; humans and objects listed once each.

    B: images; M, Q: distinct humans and objects in some pair; P: pairs.

    Args:
        regions: for each image, ``Instances`` with ``boxes`` (Boxes, O^t), ``classes`` (int64), and
            at all but the first stage ``previous_boxes`` (Boxes, O^{t-1}); in relation segmentation
            also ``masks`` and ``previous_masks``, Tensor[R, m, m] in the frames of these boxes.
        pairs: for each image, Tensor[P_i, 2] int64 into its regions.
        faces: for each image, ``Instances`` with ``boxes`` (Boxes) and ``scores``.

    Attributes:
        human_rows, object_rows: Tensor[M], Tensor[Q]: rows of the flattened regions.
        pairs: Tensor[P, 2]: into ``human_rows`` and ``object_rows``.
        image_of_pair, image_of_region: Tensor[P], Tensor[sum of regions].
        face_boxes, image_of_face: Tensor[sum of faces, 4], Tensor[sum of faces].
    """

    def __init__(self, regions: list[Instances], pairs: list[Tensor], faces: list[Instances]):
        self.num_images = len(regions)
        self.regions, self.faces = regions, faces
        counts = torch.tensor([len(x) for x in regions])
        offsets = (counts.cumsum(0) - counts).tolist()
        device = pairs[0].device
        self.image_of_region = torch.repeat_interleave(torch.arange(len(regions)), counts).to(
            device
        )
        flat = torch.cat([p + offset for p, offset in zip(pairs, offsets)])
        self.human_rows, human = flat[:, 0].unique(return_inverse=True)
        self.object_rows, object_ = flat[:, 1].unique(return_inverse=True)
        self.pairs = torch.stack([human, object_], dim=1)
        self.image_of_pair = self.image_of_region[flat[:, 0]]
        boxes = [x.boxes.tensor.to(device) for x in faces]
        self.face_boxes = torch.cat(boxes)
        self.image_of_face = torch.repeat_interleave(
            torch.arange(len(faces)), torch.tensor([len(x) for x in boxes])
        ).to(device)

    def assigned_faces(self, humans: Tensor) -> Tensor:
        """The face of every human.

        Args:
            humans: Tensor[M, 4], boxes in the order of ``human_rows``.

        Returns:
            Tensor[M] int64: rows of ``face_boxes``; -1 where there is none.
        """
        assigned = torch.full((len(humans),), -1, dtype=torch.int64, device=humans.device)
        image_of_human = self.image_of_region[self.human_rows]
        offset = 0
        for image, faces in enumerate(self.faces):
            mine = (image_of_human == image).nonzero()[:, 0]
            if len(faces) and len(mine):
                index = assign_faces(humans[mine], faces.boxes.tensor.to(humans), faces.scores)
                assigned[mine] = torch.where(index >= 0, index + offset, -1)
            offset += len(faces)
        return assigned
