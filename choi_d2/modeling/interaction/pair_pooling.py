"""From boxes, masks and faces to the regions of pairs: H, O, F, F-bar, U, and the maps of X_g.

Shape shorthand:
    B: images; R: regions of the batch; M, Q: humans and objects of its pairs; P: pairs;
    C: channels; S: region size; m: side of a mask; G: side of a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from detectron2.modeling.poolers import ROIPooler
from detectron2.structures import Boxes
from torch import Tensor, nn

from .box_maps import BoxMaps, box_maps
from .geometric import as_maps
from .geometry import box_coverage, union_boxes
from .pair_batch import PairBatch
from .representation import REPRESENTATIONS, masks_in_frames, represent
from .visual import Regions


class PairRegions(NamedTuple):
    """What belongs to pairs, not to instances, of P pairs of a batch.

    Attributes:
        pairs: Tensor[P, 2] int64, (row of a human, row of an object) of the batch's instances.
        unions: Tensor[P, C, S, S], U, the stages' added (Eq. 11); None where it is not asked for.
        maps: human and object in their union, of boxes or Tensor[P, 2, G, G] in [0, 1]; None
            likewise.
    """

    pairs: Tensor
    unions: Tensor | None
    maps: BoxMaps | Tensor | None


class PairPooler(nn.Module):
    """All that R^t sees of a batch of pairs, at O^t and, for Eq. 11, at O^{t-1}.

    Args:
        in_features: names of the FPN levels to pool from.
        pooler: RoIAlign of Eq. 3.
        representation: what a region is (Table 8), one of ``REPRESENTATIONS``.
        regions: pool H, O and U?
        faces: pool F and F-bar as well?
        map_resolution: G; None makes no maps.

    Raises:
        ValueError: another representation.
    """

    def __init__(
        self,
        in_features: Sequence[str],
        pooler: ROIPooler,
        *,
        representation: str,
        regions: bool,
        faces: bool,
        map_resolution: int | None,
    ):
        super().__init__()
        if representation not in REPRESENTATIONS:
            raise ValueError(
                f"REPRESENTATION: expected one of {REPRESENTATIONS}, got {representation!r}"
            )
        self.in_features, self.pooler = list(in_features), pooler
        self.representation = representation
        self.regions, self.faces = regions, faces
        self.map_resolution = map_resolution

    @property
    def uses_masks(self) -> bool:
        """Are regions pixels?"""
        return self.representation != "bbox"

    def forward(
        self, features: dict[str, Tensor], batch: PairBatch, *, previous_stage: bool
    ) -> PooledPairs:
        """Pool.

        Args:
            features: FPN levels by name, each Tensor[B, C, H_l, W_l].
            batch: the pairs.
            previous_stage: pool at O^{t-1} as well?
        """
        prefixes = ("", "previous_") if previous_stage else ("",)
        stages = [_stage_regions(batch, prefix, self.uses_masks) for prefix in prefixes]
        return PooledPairs(self, [features[name] for name in self.in_features], batch, stages)


class PooledPairs:
    """The regions of a batch's instances, pooled, and those of its pairs, pooled part by part.

    Attributes:
        instances: H, O, F and F-bar at O^t and, if asked for, at O^{t-1}; empty where the pooler
            pools no regions.
    """

    def __init__(
        self,
        pooler: PairPooler,
        levels: list[Tensor],
        batch: PairBatch,
        stages: list[_StageRegions],
    ):
        self._pooler, self._levels, self._batch, self._stages = pooler, levels, batch, stages
        self.instances: list[Regions] = []
        self._found_faces: Tensor | None = None
        if pooler.regions:
            self._pool_instances()

    def parts(self, size: int) -> Iterator[PairRegions]:
        """The pairs in their order, at most ``size`` at a time; one empty part if there is none."""
        pairs, images = self._batch.pairs, self._batch.image_of_pair
        for part, image in zip(pairs.split(size), images.split(size)):
            humans = self._batch.human_rows[part[:, 0]]
            objects = self._batch.object_rows[part[:, 1]]
            unions = maps = None
            if self._pooler.regions:
                unions = self._pool_unions(humans, objects, image)
            if self._pooler.map_resolution is not None:
                maps = self._maps(humans, objects)
            yield PairRegions(part, unions, maps)

    def face_coverage(self) -> float:
        """The part of the humans that a face was found for; nan without humans or without faces."""
        if self._found_faces is None or not len(self._found_faces):
            return float("nan")
        return self._found_faces.float().mean().item()

    def _maps(self, humans: Tensor, objects: Tensor) -> BoxMaps | Tensor:
        """From boxes, or from masks where regions are pixels (Sec. 3.4)."""
        stage, resolution = self._stages[0], self._pooler.map_resolution
        boxes = stage.boxes[humans], stage.boxes[objects]
        if not self._pooler.uses_masks:
            return box_maps(*boxes, resolution)
        frames = union_boxes(*boxes)
        return as_maps(*(stage.masks_in(rows, frames, resolution) for rows in (humans, objects)))

    def _pool_unions(self, humans: Tensor, objects: Tensor, images: Tensor) -> Tensor:
        frames = [union_boxes(stage.boxes[humans], stage.boxes[objects]) for stage in self._stages]
        pooled = self._pool([(frame, images) for frame in frames])
        unions = []
        for stage, frame, union in zip(self._stages, frames, pooled):
            masks = None
            if self._pooler.uses_masks:
                size = union.shape[-1]
                masks = torch.maximum(
                    *(stage.masks_in(rows, frame, size) for rows in (humans, objects))
                )
            unions.append(represent(union, masks, self._pooler.representation))
        return sum(unions)

    def _pool_instances(self) -> None:
        batch = self._batch
        # An instance that is both human and object is pooled once.
        rows, places = torch.cat([batch.human_rows, batch.object_rows]).unique(return_inverse=True)
        humans, objects = places.split([len(batch.human_rows), len(batch.object_rows)])
        image_of_human = batch.image_of_region[batch.human_rows]

        groups, faces = [], []
        for stage in self._stages:
            groups.append((stage.boxes[rows], batch.image_of_region[rows]))
            if self._pooler.faces:
                boxes, found = batch.assigned_faces(stage.boxes[batch.human_rows])
                groups.append((boxes[found], image_of_human[found]))
                faces.append((boxes, found))
        pooled = iter(self._pool(groups))

        for index, stage in enumerate(self._stages):
            regions = next(pooled)
            size = regions.shape[-1]
            masks = stage.masks_in(rows, stage.boxes[rows], size)
            regions = represent(regions, masks, self._pooler.representation)
            h, o = regions[humans], regions[objects]
            if not self._pooler.faces:
                self.instances.append(Regions(h, o))
                continue
            boxes, found = faces[index]
            f = torch.zeros_like(h).index_put((found,), next(pooled).to(h))
            covered = box_coverage(boxes, stage.boxes[batch.human_rows], size)
            self.instances.append(Regions(h, o, f, faceless=h * (1 - covered[:, None]).to(h)))
        if faces:
            self._found_faces = faces[0][1]

    def _pool(self, groups: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, ...]:
        """RoIAlign of several groups of boxes in one pass over the levels.

        One pass, because the gradient of each is a full set of feature maps.

        Args:
            groups: (boxes Tensor[R, 4], image of each box Tensor[R]).

        Returns:
            for each group Tensor[R, C, S, S]
        """
        boxes, images = (torch.cat(x) for x in zip(*groups))
        sizes = [len(b) for b, _ in groups]
        num_images = len(self._levels[0])
        if num_images == 1:
            return self._pooler.pooler(self._levels, [Boxes(boxes)]).split(sizes)
        order = images.argsort(stable=True)
        counts = torch.bincount(images, minlength=num_images).tolist()
        pooled = self._pooler.pooler(self._levels, [Boxes(b) for b in boxes[order].split(counts)])
        return pooled[order.argsort()].split(sizes)


class _StageRegions(NamedTuple):
    """The regions of all images of a batch at one stage.

    Attributes:
        boxes: Tensor[R, 4].
        masks: Tensor[R, m, m] in the frames of the boxes; None where regions are boxes.
    """

    boxes: Tensor
    masks: Tensor | None

    def masks_in(self, rows: Tensor, frames: Tensor, resolution: int) -> Tensor | None:
        """The masks of some regions, seen in frames Tensor[P, 4]: Tensor[P, S, S]."""
        if self.masks is None:
            return None
        return masks_in_frames(self.masks[rows], self.boxes[rows], frames, resolution)


def _stage_regions(batch: PairBatch, prefix: str, masks: bool) -> _StageRegions:
    """Boxes and masks of all images at O^t (no prefix) or O^{t-1} ("previous_")."""
    return _StageRegions(
        torch.cat([x.get(f"{prefix}boxes").tensor for x in batch.regions]),
        torch.cat([x.get(f"{prefix}masks") for x in batch.regions]) if masks else None,
    )
