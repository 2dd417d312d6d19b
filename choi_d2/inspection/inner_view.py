"""What the last interaction network makes of one picture on its way to an answer.

Shape shorthand:
    R: instances; P: pairs; M: humans of the pairs; N: verbs; S: side of a region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from choi_d2.inference import HOIPredictor
from choi_d2.inference.detections import given_instances
from choi_d2.inference.model_inputs import prepare
from choi_d2.inference.sources import Picture, open_source
from choi_d2.modeling.interaction import record_inner
from choi_d2.structures import Detections, Vocabulary
from choi_d2.utils import InputError


@dataclass(frozen=True, eq=False)
class InnerView:
    """Ranking scores, maps of IHSM, faces and alphas, of R^T at the final boxes O^T.

    Boxes are x1 y1 x2 y2 in the picture's pixels.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        vocabulary: the model's classes and verbs.
        boxes: float32 (R, 4), of all detections.
        classes: int64 (R,), indices into ``vocabulary.classes``.
        scores: float32 (R,), of the detections.
        pairs: int64 (P, 2), rows of human and object among the instances; all pairs that were
            ranked.
        ranks: float32 (P,), g of each pair (Eq. 13); None without ranking module.
        triplet_scores: float32 (P, N); nan for a pair that was ranked too low to be classified.
        humans: int64 (M,), rows of the humans of the pairs.
        attention: float32 (M, S, S, S, S): ``attention[m, y, x]`` is a_i over the positions of the
            m-th human's box, for the position i in row y, column x (Eq. 5); None without IHSM.
        faces: float32 (F, 4), all faces that were found; None where nobody looked.
        face_of: int64 (M,), the face that is used for each human, -1 for none; None without EFRA.
        alphas: float32 (P, 2), alpha of the face and alpha-bar of the rest of the human (Eqs. 8,
            9); None without EFRA.
        name: of the picture.
    """

    image: np.ndarray
    vocabulary: Vocabulary
    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    pairs: np.ndarray
    ranks: np.ndarray | None
    triplet_scores: np.ndarray
    humans: np.ndarray
    attention: np.ndarray | None
    faces: np.ndarray | None
    face_of: np.ndarray | None
    alphas: np.ndarray | None
    name: str = "picture"

    def order(self) -> np.ndarray:
        """int64 (P,): rows of ``pairs``, best ranked first; as they are without ranking module."""
        if self.ranks is None:
            return np.arange(len(self.pairs))
        return np.argsort(-self.ranks, kind="stable")

    def best_verb(self, pair: int) -> tuple[str, float] | None:
        """The verb of a pair with the highest score, and the score; None if it was not classified
        or can have no verb.
        """
        scores = self.triplet_scores[pair]
        if not len(scores) or np.isnan(scores).all() or scores.max() <= 0:
            return None
        verb = int(scores.argmax())
        return self.vocabulary.verbs[verb], float(scores[verb])

    def position(self, human: int, point: Sequence[float]) -> tuple[int, int]:
        """(row, column) of the position of a human's box that holds a point.

        Args:
            human: index into ``humans``.
            point: x, y in the picture's pixels; one outside of the box goes to the
                nearest position.
        """
        x1, y1, x2, y2 = self.boxes[self.humans[human]]
        side = self.attention.shape[1]
        shares = (point[1] - y1) / max(y2 - y1, 1e-6), (point[0] - x1) / max(x2 - x1, 1e-6)
        row, column = (int(np.clip(share * side, 0, side - 1)) for share in shares)
        return row, column

    def human_at(self, point: Sequence[float]) -> int | None:
        """Index into ``humans`` of the smallest box that holds a point; None where none does."""
        boxes = self.boxes[self.humans]
        inside = (boxes[:, :2] <= point).all(1) & (boxes[:, 2:] >= point).all(1)
        areas = np.where(inside, (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), np.inf)
        return int(areas.argmin()) if inside.any() else None

    def to_dict(self) -> dict[str, Any]:
        """Lists, strings and numbers alone, but for the maps; pairs best ranked first."""
        names = [self.vocabulary.classes[index] for index in self.classes]
        face_of = {}
        if self.face_of is not None:
            face_of = dict(zip(self.humans.tolist(), self.face_of.tolist(), strict=True))
        pairs = []
        for row in self.order().tolist():
            human, object_ = self.pairs[row].tolist()
            best = self.best_verb(row)
            alphas = None if self.alphas is None else self.alphas[row]
            pairs.append(
                {
                    "human": human,
                    "object": None if human == object_ else object_,
                    "rank_score": None if self.ranks is None else _rounded(self.ranks[row]),
                    "verb": best and best[0],
                    "score": best and _rounded(best[1]),
                    "alpha": None if alphas is None else _rounded(alphas[0]),
                    "alpha_bar": None if alphas is None else _rounded(alphas[1]),
                }
            )
        return {
            "name": self.name,
            "instances": [
                {
                    "box": [round(float(side), 2) for side in box],
                    "category": name,
                    "score": _rounded(score),
                    "face": None if face_of.get(row, -1) < 0 else face_of[row],
                }
                for row, (box, name, score) in enumerate(
                    zip(self.boxes, names, self.scores, strict=True)
                )
            ],
            "faces": None if self.faces is None else self.faces.round(2).tolist(),
            "pairs": pairs,
        }


@torch.no_grad()
def look_inside(
    predictor: HOIPredictor, source: Any, *, detections: Detections | None = None
) -> InnerView:
    """Predict one picture and keep what is computed on the way.

    Args:
        predictor: of a model with interaction networks.
        source: a photo's path, an array in BGR, a PIL image, or a :class:`Picture`.
        detections: another detector's, in the place of the model's own.

    Raises:
        InputError: it is no picture or several; the model has no interaction network.
    """
    if not isinstance(source, Picture):
        pictures = list(open_source(source))
        if len(pictures) != 1:
            raise InputError(f"expected one picture, found {len(pictures)}", field="source")
        source = pictures[0]
    heads = getattr(getattr(predictor.model, "roi_heads", None), "interaction_heads", None)
    if not heads:
        raise InputError(
            "has no interaction network to look into", field="MODEL.INTERACTION_ON",
            hint="It only finds people and things, as models of the first training phase do.",
        )  # fmt: skip
    inputs, transform, found_faces = prepare(source, predictor.cfg, predictor.face_detector)
    given = None
    if detections is not None:
        size = inputs["image"].shape[1:]
        given = [given_instances(detections, predictor.vocabulary, transform, size)]
    with record_inner(heads[-1]) as runs:
        found = predictor.model.inference([inputs], given, do_postprocess=False)
    (instances,), (interactions,) = found
    values = runs[-1]
    batch, height, width = values.batch, *source.image.shape[:2]
    scale = np.array([width, height] * 2) / np.array([*inputs["image"].shape[:0:-1]] * 2)
    boxes = instances.pred_boxes.tensor.cpu().numpy() * scale
    pairs = torch.stack(
        [batch.human_rows[batch.pairs[:, 0]], batch.object_rows[batch.pairs[:, 1]]], dim=1
    )
    attention = values.attention
    if attention is not None:
        side = round(attention.shape[1] ** 0.5)
        attention = _array(attention.reshape(-1, side, side, side, side))
    alphas = face_of = None
    if values.alpha is not None:
        alphas = _array(torch.stack([values.alpha, values.alpha_bar], dim=1))
        humans = instances.pred_boxes.tensor[batch.human_rows]
        face_of = batch.assigned_faces(humans).cpu().numpy()
    return InnerView(
        image=np.ascontiguousarray(source.image[:, :, ::-1]),
        vocabulary=predictor.vocabulary,
        boxes=boxes.astype(np.float32),
        classes=instances.pred_classes.cpu().numpy(),
        scores=_array(instances.scores),
        pairs=pairs.cpu().numpy(),
        ranks=None if values.ranks is None else _array(values.ranks),
        triplet_scores=_triplet_scores(pairs, interactions),
        humans=batch.human_rows.cpu().numpy(),
        attention=attention,
        faces=None if found_faces is None else _array(found_faces.boxes.tensor),
        face_of=face_of,
        alphas=alphas,
        name=source.name,
    )


def _triplet_scores(pairs: torch.Tensor, interactions) -> np.ndarray:
    """float32 (P, N) in the order of ``pairs``; nan for those that were not classified."""
    scores = interactions.triplet_scores
    rows = {pair: row for row, pair in enumerate(map(tuple, pairs.tolist()))}
    places = [rows[tuple(pair)] for pair in interactions.pair_indices.tolist()]
    table = np.full((len(pairs), scores.shape[1]), np.nan, np.float32)
    table[places] = _array(scores)
    return table


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()


def _rounded(number: float) -> float:
    return round(float(number), 6)
