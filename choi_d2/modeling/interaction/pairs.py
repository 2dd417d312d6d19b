"""Which pairs of instances are looked at: (h, o) ~ O^t x O^t of Sec. 3.1.

Shape shorthand:
    R: instances of one image; G: its ground-truth instances; P: pairs; N: verbs.
"""

import torch
from detectron2.modeling.sampling import subsample_labels
from torch import Tensor


def enumerate_pairs(is_human: Tensor, *, humans_as_objects: bool, self_pairs: bool) -> Tensor:
    """Every ordered (human, other instance) of an image.

    Args:
        is_human: Tensor[R] bool.
        humans_as_objects: can another human be the object?
        self_pairs: also pair every human with itself, for the verbs that take no object?

    Returns:
        Tensor[P, 2] int64, sorted by human, then by object.
    """
    num_instances = len(is_human)
    wanted = is_human[:, None].expand(num_instances, num_instances).clone()
    if not humans_as_objects:
        wanted &= ~is_human[None, :]
    wanted.fill_diagonal_(False)
    if self_pairs:
        wanted |= torch.diag(is_human)
    return wanted.nonzero()


def drop_same_instance(pairs: Tensor, matched: Tensor) -> Tensor:
    """Pairs whose two boxes are not two views of one ground-truth instance.

    Args:
        pairs: Tensor[P, 2] int64.
        matched: Tensor[R] int64, the ground-truth instance of each box; -1: none.

    Returns:
        Tensor[P', 2] int64; a box paired with itself stays.
    """
    ends = matched[pairs]
    different = (ends[:, 0] != ends[:, 1]) | (ends[:, 0] < 0)
    return pairs[different | (pairs[:, 0] == pairs[:, 1])]


def valid_verbs(pairs: Tensor, num_verbs: int, objectless_verbs: tuple[int, ...]) -> Tensor:
    """Which verbs can a pair have? A self pair: those without an object; another: all others.

    Args:
        pairs: Tensor[P, 2] int64.
        num_verbs: N.
        objectless_verbs: ids of the verbs that take no object.

    Returns:
        Tensor[P, N] bool
    """
    objectless = torch.zeros(num_verbs, dtype=torch.bool, device=pairs.device)
    objectless[list(objectless_verbs)] = True
    is_self = pairs[:, 0] == pairs[:, 1]
    return objectless[None, :] == is_self[:, None]


def sample_pairs(
    annotated_pair: Tensor,
    is_truth: Tensor,
    batch_size: int,
    positive_fraction: float,
    *,
    spread: bool = True,
) -> Tensor:
    """A random sample of pairs, at most ``positive_fraction`` of it positive (Sec. 4).

    Args:
        annotated_pair: Tensor[P] int64: a number for the annotated pair that a pair is a view of;
            -1: it is negative.
        is_truth: Tensor[P] bool: is it the annotated pair itself, with the ground truth's boxes?
        batch_size: the largest size of the sample.
        positive_fraction: the largest share of positives in a full sample.
        spread: take the annotated pairs themselves first, then as many views of each as there is
            room for. Otherwise positives are drawn with equal chances, and an annotated pair has as
            many as it has views.

    Returns:
        Tensor[P'] int64: indices into the pairs, ascending.
    """
    labels = (annotated_pair >= 0).long()
    if spread:
        positive = labels.nonzero()[:, 0]
        rounds = _round_of(annotated_pair[positive], is_truth[positive])
        order = torch.randperm(len(positive), device=positive.device)
        order = order[rounds[order].argsort(stable=True)]
        # Those of later rounds are not there.
        labels[positive[order[int(batch_size * positive_fraction) :]]] = -1
    positive, negative = subsample_labels(labels, batch_size, positive_fraction, bg_label=0)
    return torch.cat([positive, negative]).sort().values


def _round_of(group: Tensor, first: Tensor) -> Tensor:
    """Tensor[P] int64: when each is taken, if every group gives one of its own in each round.

    Within a group (Tensor[P] int64) those with ``first`` (Tensor[P] bool) come first, others by
    chance.
    """
    order = torch.randperm(len(group), device=group.device)
    order = order[(~first[order]).long().argsort(stable=True)]
    order = order[group[order].argsort(stable=True)]
    _, counts = group.unique(return_counts=True)
    starts = (counts.cumsum(0) - counts).repeat_interleave(counts)
    rounds = torch.empty_like(group)
    rounds[order] = torch.arange(len(group), device=group.device) - starts
    return rounds
