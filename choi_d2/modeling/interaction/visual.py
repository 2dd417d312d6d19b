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
from .weight_parts import meet_parts


class Regions(NamedTuple):
    """The pooled regions of all instances at the boxes of one stage (Eq. 3).

    Attributes:
        humans: Tensor[M, C, S, S], H.
        objects: Tensor[Q, C, S, S], O.
        faces: Tensor[F + 1, C, S, S], F, each face once whoever has it; the last is zero, the face
            of humans without one.
        face_of_human: Tensor[M] int64, rows of ``faces``.
        faceless: Tensor[M, C, S, S], F-bar: H without what the face covers.
    """

    humans: Tensor
    objects: Tensor
    faces: Tensor | None = None
    face_of_human: Tensor | None = None
    faceless: Tensor | None = None


class Attended(NamedTuple):
    """An attention of a stage (Eq. 8 or 9) and what it looks at: K faces, or K = M humans.

    Attributes:
        attention: the module.
        regions: Tensor[K, C * S * S], F or F-bar.
        row_of_human: Tensor[M] int64, rows of ``regions``.
        region_terms, object_terms: Tensor[K, A], Tensor[Q, A], the hidden layer's summands.
    """

    attention: FacialAttention
    regions: Tensor
    row_of_human: Tensor
    region_terms: Tensor
    object_terms: Tensor


class InstanceTerms(NamedTuple):
    """What instances add to FC1 of Eq. 11.

    Attributes:
        humans: Tensor[M, C * S * S], H-bar of both stages, which meets FC1's first third.
        others: Tensor[*, C * S * S], what meets its second third: O of both stages, then
            ``regions`` of each of ``attended``.
        num_objects: Q.
        attended: the attentions (face-aware, face-agnostic) of this stage, then of the one before.
        products: the two products; None where gradients are recorded: FC1 then meets the unions as
            well at once.
    """

    humans: Tensor
    others: Tensor
    num_objects: int
    attended: list[Attended]
    products: tuple[Tensor, Tensor] | None


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
        humans = sum(encoder._enhance(regions.humans) for encoder, regions in stages).flatten(1)
        objects = sum(regions.objects for _, regions in stages).flatten(1)
        attended = [x for encoder, regions in stages for x in encoder._attend(regions)]
        others = torch.cat([objects, *(x.regions for x in attended)])
        products = None
        if not torch.is_grad_enabled():
            human_weight, object_weight, _ = self._fc1_parts()
            products = humans @ human_weight.t(), others @ object_weight.t()
        return InstanceTerms(humans, others, len(objects), attended, products)

    def forward(self, terms: InstanceTerms, unions: Tensor, pairs: Tensor) -> Tensor:
        """X-bar_v^t of some pairs (Eq. 11).

        Args:
            terms: of all instances.
            unions: Tensor[P, C, S, S], U of the pairs, of both stages added.
            pairs: Tensor[P, 2] int64, (row of a human, row of an object).

        Returns:
            Tensor[P, D], not negative.
        """
        unions = unions.flatten(1)
        if terms.products is None:
            factors = terms.humans, terms.others, unions
            humans, others, own = meet_parts(self.fc1.weight, *factors)
        else:
            humans, others = terms.products
            own = unions @ self._fc1_parts()[2].t()
        objects, *products = others.split([terms.num_objects, *_sizes(terms.attended)])
        human, object_ = pairs.unbind(1)
        x = own + self.fc1.bias + humans[human] + objects[object_]
        alphas = attention_scores(terms, pairs)
        for alpha, seen, product in zip(alphas, terms.attended, products, strict=True):
            x = x + alpha.to(x) * product[seen.row_of_human[human]]
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
            has_face = (regions.face_of_human < len(regions.faces) - 1)[pairs[:, 0]]
            own = attention_scores(terms, pairs)[:2]
            for name, alpha in zip(("alpha", "alpha_bar"), own):
                watched[name] = alpha[has_face, 0].float()
        if self.ihsm is not None:
            watched["ihsm_own_share"] = self.ihsm.own_share(regions.humans).flatten().float()
        return watched

    def _enhance(self, humans: Tensor) -> Tensor:
        return self.ihsm(humans) if self.ihsm is not None else humans

    def _attend(self, regions: Regions) -> list[Attended]:
        """This encoder's attentions on its stage's regions."""
        if self.face_aware is None:
            return []
        objects = regions.objects.flatten(1)
        everyone = torch.arange(len(regions.humans), device=objects.device)
        attended = []
        for attention, seen, row_of_human in (
            (self.face_aware, regions.faces, regions.face_of_human),
            (self.face_agnostic, regions.faceless, everyone),
        ):
            seen = seen.flatten(1)
            hidden = attention.project(seen, objects)
            attended.append(Attended(attention, seen, row_of_human, *hidden))
        return attended

    def _fc1_parts(self) -> tuple[Tensor, ...]:
        """FC1's parts for H-bar, O-bar and U, Tensor[D, C * S * S] each, without gradient."""
        return self.fc1.weight.detach().chunk(3, dim=1)


def attention_scores(terms: InstanceTerms, pairs: Tensor) -> list[Tensor]:
    """Tensor[P, 1] for each of ``terms.attended``: alpha and alpha-bar of Eqs. 8 and 9."""
    human, object_ = pairs.unbind(1)
    return [
        x.attention(x.region_terms[x.row_of_human[human]], x.object_terms[object_])
        for x in terms.attended
    ]


def _sizes(attended: list[Attended]) -> list[int]:
    return [len(x.regions) for x in attended]
