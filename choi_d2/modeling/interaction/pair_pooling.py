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

_Group = tuple[Tensor, Tensor]
"""Boxes, Tensor[R, 4], and the image of each, Tensor[R]."""


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
        self,
        features: dict[str, Tensor],
        batch: PairBatch,
        *,
        previous_stage: bool,
        pairs_per_part: int,
    ) -> PooledPairs:
        """Pool.

        Args:
            features: FPN levels by name, each Tensor[B, C, H_l, W_l].
            batch: the pairs.
            previous_stage: pool at O^{t-1} as well?
            pairs_per_part: pairs whose regions are in memory together.
        """
        prefixes = ("", "previous_") if previous_stage else ("",)
        stages = [_stage_regions(batch, prefix, self.uses_masks) for prefix in prefixes]
        levels = [features[name] for name in self.in_features]
        return PooledPairs(self, levels, batch, stages, pairs_per_part)


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
        pairs_per_part: int,
    ):
        self._pooler, self._levels, self._batch, self._stages = pooler, levels, batch, stages
        self._pairs_per_part = pairs_per_part
        self.instances: list[Regions] = []
        self._face_found: Tensor | None = None
        # U of all pairs, where they are one part: pooled with the instances.
        self._all_unions: Tensor | None = None
        if pooler.regions:
            self._pool_instances()

    def parts(self) -> Iterator[PairRegions]:
        """The pairs in their order, part by part; one empty part if there is none."""
        for pairs, humans, objects, images in self._rows_of_parts():
            unions, maps = self._all_unions, None
            if self._pooler.regions and unions is None:
                groups = self._union_groups(humans, objects, images)
                unions = self._add_unions(self._pool(groups), humans, objects)
            if self._pooler.map_resolution is not None:
                maps = self._maps(humans, objects)
            yield PairRegions(pairs, unions, maps)

    def face_coverage(self) -> float:
        """The part of the humans that a face was found for; nan without humans or without faces."""
        if self._face_found is None or not len(self._face_found):
            return float("nan")
        return self._face_found.float().mean().item()

    def _rows_of_parts(self) -> Iterator[tuple[Tensor, ...]]:
        """The pairs of each part, and rows among the regions of their ends, and their images."""
        batch = self._batch
        size = max(self._pairs_per_part, 1)
        for pairs, images in zip(batch.pairs.split(size), batch.image_of_pair.split(size)):
            yield pairs, batch.human_rows[pairs[:, 0]], batch.object_rows[pairs[:, 1]], images

    def _maps(self, humans: Tensor, objects: Tensor) -> BoxMaps | Tensor:
        """From boxes, or from masks where regions are pixels (Sec. 3.4)."""
        stage, resolution = self._stages[0], self._pooler.map_resolution
        boxes = stage.boxes[humans], stage.boxes[objects]
        if not self._pooler.uses_masks:
            return box_maps(*boxes, resolution)
        frames = union_boxes(*boxes)
        return as_maps(*(stage.masks_in(rows, frames, resolution) for rows in (humans, objects)))

    def _union_groups(self, humans: Tensor, objects: Tensor, images: Tensor) -> list[_Group]:
        return [
            (union_boxes(stage.boxes[humans], stage.boxes[objects]), images)
            for stage in self._stages
        ]

    def _add_unions(self, pooled: Sequence[Tensor], humans: Tensor, objects: Tensor) -> Tensor:
        """Tensor[P, C, S, S], U of all stages added, from what was pooled of each."""
        unions = []
        for stage, union in zip(self._stages, pooled, strict=True):
            masks = None
            if self._pooler.uses_masks:
                frames = union_boxes(stage.boxes[humans], stage.boxes[objects])
                size = union.shape[-1]
                masks = torch.maximum(
                    *(stage.masks_in(rows, frames, size) for rows in (humans, objects))
                )
            unions.append(represent(union, masks, self._pooler.representation))
        return sum(unions)

    def _pool_instances(self) -> None:
        batch = self._batch
        # An instance that is both human and object is pooled once.
        rows, places = torch.cat([batch.human_rows, batch.object_rows]).unique(return_inverse=True)
        humans, objects = places.split([len(batch.human_rows), len(batch.object_rows)])

        groups = [(stage.boxes[rows], batch.image_of_region[rows]) for stage in self._stages]
        faces = []
        if self._pooler.faces:
            faces = [batch.assigned_faces(stage.boxes[batch.human_rows]) for stage in self._stages]
            self._face_found = faces[0] >= 0
            used, face_of_human = _used_rows(faces)
            groups.append((batch.face_boxes[used], batch.image_of_face[used]))
        one_part = len(batch.pairs) <= self._pairs_per_part
        if one_part:
            ((_, *ends),) = self._rows_of_parts()
            groups += self._union_groups(*ends)
        pooled = list(self._pool(groups))

        regions_of_stages, pooled = pooled[: len(self._stages)], pooled[len(self._stages) :]
        if faces:
            table, *pooled = pooled
            table = torch.cat([table, table.new_zeros(1, *table.shape[1:])])
        if one_part:
            self._all_unions = self._add_unions(pooled, *ends[:2])
        for index, (stage, regions) in enumerate(zip(self._stages, regions_of_stages)):
            size = regions.shape[-1]
            masks = stage.masks_in(rows, stage.boxes[rows], size)
            regions = represent(regions, masks, self._pooler.representation)
            h, o = regions[humans], regions[objects]
            if not faces:
                self.instances.append(Regions(h, o))
                continue
            # -1, no face, is the last row: nothing is covered.
            boxes = nn.functional.pad(batch.face_boxes, (0, 0, 0, 1))[faces[index]].to(stage.boxes)
            covered = box_coverage(boxes, stage.boxes[batch.human_rows], size)
            faceless = h * (1 - covered[:, None]).to(h)
            self.instances.append(Regions(h, o, table, face_of_human[index], faceless))

    def _pool(self, groups: list[_Group]) -> tuple[Tensor, ...]:
        """RoIAlign of several groups of boxes in one pass over the levels.

        One pass, because the gradient of each is a full set of feature maps.

        Args:
            groups: of R boxes each.

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


def _used_rows(assigned: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The faces that somebody has at some stage.

    Args:
        assigned: for each stage Tensor[M] int64; -1: none.

    Returns:
        Tensor[F] int64: the faces; for each stage Tensor[M] int64: rows of these, F for none.
    """
    used, rows = torch.cat(list(assigned)).unique(return_inverse=True)
    none = used < 0  # at most one, the first
    rows, used = rows - none.sum(), used[~none]
    rows = torch.where(rows < 0, len(used), rows)
    return used, rows.split([len(x) for x in assigned])


def _stage_regions(batch: PairBatch, prefix: str, masks: bool) -> _StageRegions:
    """Boxes and masks of all images at O^t (no prefix) or O^{t-1} ("previous_")."""
    return _StageRegions(
        torch.cat([x.get(f"{prefix}boxes").tensor for x in batch.regions]),
        torch.cat([x.get(f"{prefix}masks") for x in batch.regions]) if masks else None,
    )
