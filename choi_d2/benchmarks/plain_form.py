"""The paper's equations pair by pair: what the factorised head is measured against.

Eqs. 4 and 8-11 as they are written, on every pair's own concatenation; X_g's maps all at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from choi_d2.modeling.interaction import InteractionHead, PairBatch, PairFeatures
from choi_d2.modeling.interaction.box_maps import BoxMaps
from choi_d2.modeling.interaction.efra import FacialAttention, to_unit_rms
from choi_d2.modeling.interaction.visual import Regions, VisualEncoder


def plain_features(
    head: InteractionHead,
    features: dict[str, Tensor],
    batch: PairBatch,
    semantic_prior: Tensor,
    previous_head: InteractionHead | None = None,
) -> PairFeatures:
    """As ``head(...)`` in evaluation, for heads with all three streams."""
    pooled = head.pair_pooler(
        features,
        batch,
        previous_stage=previous_head is not None,
        pairs_per_part=head.pairs_per_chunk,
    )
    encoders = [x.visual for x in (head, previous_head) if x is not None]
    geometric, visual = [], []
    for part in pooled.parts():
        ends = sum(
            plain_ends(encoder, regions, part.pairs)
            for encoder, regions in zip(encoders, pooled.instances)
        )
        x = torch.cat([ends, part.unions.flatten(1)], dim=1)  # Eq. 4, of both stages
        x = head.visual.fc1(x).relu()
        visual.append(head.visual.fc2(x).relu())
        maps = part.maps.whole() if isinstance(part.maps, BoxMaps) else part.maps
        maps = head.geometric.convs(maps.contiguous())
        geometric.append(head.geometric.fc(maps.flatten(1)).relu())
    classes = torch.cat([x.classes for x in batch.regions])
    semantic = semantic_prior[classes[batch.object_rows[batch.pairs[:, 1]]]]
    return PairFeatures(semantic, torch.cat(geometric), torch.cat(visual))


def plain_ends(encoder: VisualEncoder, regions: Regions, pairs: Tensor) -> Tensor:
    """[H-bar, O-bar] of every pair (Eqs. 7-10).

    Args:
        encoder: of the stage.
        regions: of all instances.
        pairs: Tensor[P, 2] int64, (row of a human, row of an object).

    Returns:
        Tensor[P, 2 * C * S * S]
    """
    human, object_ = pairs.unbind(1)
    h_bar = regions.humans if encoder.ihsm is None else encoder.ihsm(regions.humans)
    o = o_bar = regions.objects.flatten(1)[object_]
    attended = []
    if encoder.face_aware is not None:
        faces = regions.faces[regions.face_of_human]
        attended = [(encoder.face_aware, faces), (encoder.face_agnostic, regions.faceless)]
    for attention, region in attended:
        region = region.flatten(1)[human]
        o_bar = o_bar + plain_attention(attention, region, o) * region  # Eq. 10
    return torch.cat([h_bar.flatten(1)[human], o_bar], dim=1)


def plain_attention(attention: FacialAttention, regions: Tensor, objects: Tensor) -> Tensor:
    """alpha of pairs (Eqs. 8 and 9).

    Args:
        regions, objects: Tensor[P, D], of each pair.

    Returns:
        Tensor[P, 1]
    """
    if attention.input_norm == "rms":
        regions, objects = to_unit_rms(regions), to_unit_rms(objects)
    weight = torch.cat([attention.region.weight, attention.object.weight], dim=1)
    joined = torch.cat([regions, objects], dim=1)
    hidden = torch.nn.functional.linear(joined, weight, attention.region.bias).relu()
    return attention.score(hidden).sigmoid()
