"""What the attentions of R^t do, for those who watch a training."""

from collections.abc import Mapping

from detectron2.utils.events import get_event_storage
from torch import Tensor

SHUT, OPEN = 0.01, 0.99
"""Beyond these a sigmoid hardly learns any more."""


def log_attentions(t: int, watched: Mapping[str, Tensor]) -> None:
    """Put medians and shares of a stage's attention values into Detectron2's event storage.

    Beside the statistics of pairs, of which ``choi_d2.engine.watching.PairStatistics`` takes means.

    Args:
        t: the stage, from 0.
        watched: what :meth:`VisualEncoder.watch` returned. Of alpha and alpha-bar (Eqs. 8, 9) the
            median and the shares below .01 and above .99 are logged, of a_ii (Eq. 5) the median;
            nothing of what has no value.
    """
    storage = get_event_storage()

    def put(name: str, value: Tensor) -> None:
        storage.put_scalar(f"stage{t}/pairs/{name}", value.item(), smoothing_hint=False)

    for name, values in watched.items():
        if not len(values):
            continue
        put(f"{name}_median", values.median())
        if name.startswith("alpha"):
            put(f"{name}_shut", (values < SHUT).float().mean())
            put(f"{name}_open", (values > OPEN).float().mean())
