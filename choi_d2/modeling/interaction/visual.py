"""The visual feature X-bar_v (Eqs. 3-11), factorised by instance.

FC1 of Eq. 11 is linear on a concatenation, [H-bar, O-bar, U], and on sums, X_v^t + X_v^{t-1} and
O + alpha F + alpha-bar F-bar. H-bar, O, F and F-bar belong to a human or to an object, not to a
pair, so their products with FC1 are computed once for each instance and gathered by pair; only the
union is a pair's own. The numbers are those of the plain form, at O(humans + objects) instead of
O(humans x objects) for all but one third of the widest layer.

Shape shorthand:
    M: humans of the batch; Q: objects of the batch; P: pairs; C: channels; S: region size;
    D: output length; A: hidden width of the attentions.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from fvcore.nn import weight_init
from torch import Tensor, nn

from .efra import FacialAttention
from .ihsm import HumanSemanticMining


class Regions(NamedTuple):
    """The pooled regions of all instances at the boxes of one stage (Eq. 3).

    Attributes:
        humans: Tensor[M, C, S, S], H.
        objects: Tensor[Q, C, S, S], O.
        faces: Tensor[M, C, S, S], F; zero for a human without a face.
        faceless: Tensor[M, C, S, S], F-bar: H without what the face covers.
    """

    humans: Tensor
    objects: Tensor
    faces: Tensor | None = None
    faceless: Tensor | None = None


class InstanceTerms(NamedTuple):
    """What instances add to FC1 of Eq. 11.

    Attributes:
        humans: Tensor[M, D], the product with H-bar (of both stages).
        objects: Tensor[Q, D], the product with O (of both stages).
        attended: for each attention (face-aware, face-agnostic; of both stages) its module, its
            hidden summands Tensor[M, A] and Tensor[Q, A], and the product Tensor[M, D] of FC1's
            object part with F or F-bar.
        union_weight: Tensor[D, C * S * S], FC1's part for U: of one division of its weight, because
            the gradient of each is as large as the whole.
    """

    humans: Tensor
    objects: Tensor
    attended: list[tuple[FacialAttention, Tensor, Tensor, Tensor]]
    union_weight: Tensor


class VisualEncoder(nn.Module):
    """IHSM, EFRA and the cross-stage update of one stage: regions to X-bar_v^t.

    Args:
        channels, resolution: C and S.
        dim: D.
        ihsm: the similarity of Eq. 5 by which human semantics are mined, see
            :class:`HumanSemanticMining`; None mines none.
        efra: attend to faces (Eqs. 8-10)?
        efra_dim: A.
        efra_input_norm, efra_initial_score: see :class:`FacialAttention`.
    """

    def __init__(
        self,
        *,
        channels: int,
        resolution: int,
        dim: int,
        ihsm: str | None,
        efra: bool,
        efra_dim: int,
        efra_input_norm: str = "none",
        efra_initial_score: float = 0.5,
    ):
        super().__init__()
        region_dim = channels * resolution**2
        self.ihsm = HumanSemanticMining(ihsm) if ihsm else None
        self.fc1 = nn.Linear(3 * region_dim, dim)
        self.fc2 = nn.Linear(dim, dim)
        weight_init.c2_xavier_fill(self.fc1)
        weight_init.c2_xavier_fill(self.fc2)
        for name in ("face_aware", "face_agnostic"):
            attention = None
            if efra:
                attention = FacialAttention(
                    region_dim, efra_dim, efra_input_norm, efra_initial_score
                )
            setattr(self, name, attention)

    def instance_terms(
        self,
        current: Regions,
        previous: Regions | None = None,
        previous_encoder: VisualEncoder | None = None,
    ) -> InstanceTerms:
        """Everything of Eq. 11's first layer that does not depend on the pair.

        Args:
            current: the regions at O^t.
            previous: the same instances' regions at O^{t-1}; None at the first stage (X_v^0 = 0).
            previous_encoder: R^{t-1}'s encoder, whose attentions made X_v^{t-1}.
        """
        stages = [(self, current)]
        if previous is not None:
            stages.append((previous_encoder, previous))
        weight = self.fc1.weight
        # A view of a parameter claims a gradient even where none is recorded, and hooks believe it.
        weight = weight if torch.is_grad_enabled() else weight.detach()
        human_weight, object_weight, union_weight = weight.chunk(3, dim=1)

        humans = sum(encoder._enhance(regions.humans) for encoder, regions in stages)
        objects = sum(regions.objects for _, regions in stages)
        attentions, seen = [], []
        for encoder, regions in stages:
            for attention, region in (
                (encoder.face_aware, regions.faces),
                (encoder.face_agnostic, regions.faceless),
            ):
                if attention is not None:
                    region = region.flatten(1)
                    hidden = attention.project(region, regions.objects.flatten(1))
                    attentions.append((attention, *hidden))
                    seen.append(region)
        # All that meets this weight at once: it is far larger than what it meets.
        factors = [objects.flatten(1), *seen]
        products = torch.cat(factors) @ object_weight.t()
        objects, *products = products.split([len(x) for x in factors])
        attended = [(*attention, product) for attention, product in zip(attentions, products)]
        return InstanceTerms(humans.flatten(1) @ human_weight.t(), objects, attended, union_weight)

    def forward(self, terms: InstanceTerms, unions: Tensor, pairs: Tensor) -> Tensor:
        """X-bar_v^t of some pairs (Eq. 11).

        Args:
            terms: of all instances.
            unions: Tensor[P, C, S, S], U of the pairs, of both stages added.
            pairs: Tensor[P, 2] int64, (row of a human, row of an object).

        Returns:
            Tensor[P, D], not negative.
        """
        human, object_ = pairs.unbind(1)
        x = torch.addmm(self.fc1.bias, unions.flatten(1), terms.union_weight.t())
        x = x + terms.humans[human] + terms.objects[object_]
        for alpha, (*_, product) in zip(attention_scores(terms, pairs), terms.attended):
            x = x + alpha.to(x) * product[human]
        return self.fc2(x.relu()).relu()

    @torch.no_grad()
    def watch(self, regions: Regions, terms: InstanceTerms, pairs: Tensor) -> dict[str, Tensor]:
        """What the attentions of this stage do, to be logged.

        Args:
            regions: at O^t.
            terms, pairs: as ``forward``.

        Returns:
            name -> values in [0, 1], float32, any number of them: "alpha", "alpha_bar" of Eqs. 8
            and 9, of pairs whose human has a face; "ihsm_own_share", a_ii of Eq. 5.
        """
        watched = {}
        if self.face_aware is not None:
            has_face = regions.faces.flatten(1).any(dim=1)[pairs[:, 0]]
            own = attention_scores(terms, pairs)[:2]
            for name, alpha in zip(("alpha", "alpha_bar"), own):
                watched[name] = alpha[has_face, 0].float()
        if self.ihsm is not None:
            watched["ihsm_own_share"] = self.ihsm.own_share(regions.humans).flatten().float()
        return watched

    def _enhance(self, humans: Tensor) -> Tensor:
        return self.ihsm(humans) if self.ihsm is not None else humans


def attention_scores(terms: InstanceTerms, pairs: Tensor) -> list[Tensor]:
    """Tensor[P, 1] for each of ``terms.attended``: alpha and alpha-bar of Eqs. 8 and 9."""
    human, object_ = pairs.unbind(1)
    return [
        attention(human_hidden[human], object_hidden[object_])
        for attention, human_hidden, object_hidden, _ in terms.attended
    ]
