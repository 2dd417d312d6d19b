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
        matched: Tensor[R] int64, the ground-truth instance of each box.

    Returns:
        Tensor[P', 2] int64; a box paired with itself stays.
    """
    ends = matched[pairs]
    return pairs[(ends[:, 0] != ends[:, 1]) | (pairs[:, 0] == pairs[:, 1])]


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


def sample_pairs(is_positive: Tensor, batch_size: int, positive_fraction: float) -> Tensor:
    """A random sample of pairs, at most ``positive_fraction`` of it positive (Sec. 4).

    Args:
        is_positive: Tensor[P] bool.
        batch_size: the largest size of the sample.
        positive_fraction: the largest share of positives in a full sample.

    Returns:
        Tensor[P'] int64: indices into the pairs, ascending.
    """
    positive, negative = subsample_labels(
        is_positive.long(), batch_size, positive_fraction, bg_label=0
    )
    return torch.cat([positive, negative]).sort().values
