"""A training that repeats itself from its seed, and goes on after an interruption as without one.

No state of random numbers is kept. Whatever is drawn in iteration i of a process is a function of
(seed, rank, i): every iteration seeds anew. Whatever is drawn for an image is a function of
(seed, position of the image in the training stream). So neither evaluation, nor the writing of
checkpoints, nor the number of loading workers, nor a new start changes what comes later.
"""

from __future__ import annotations

import logging

from detectron2.config import CfgNode
from detectron2.engine import HookBase
from detectron2.utils import comm

from choi_d2.data import TrainingStream
from choi_d2.utils.randomness import seed_randomness

logger = logging.getLogger(__name__)


def fix_seed(cfg: CfgNode) -> CfgNode:
    """Choose the seed where the config leaves it to chance, and seed all random numbers with it.

    Args:
        cfg: the config; it is not changed.

    Returns:
        the config with ``SEED`` >= 0, the same one in all processes.
    """
    if cfg.SEED < 0:
        seed = comm.shared_random_seed()
        logger.info("SEED is %d: took %d, which repeats this training", cfg.SEED, seed)
        cfg = _with_seed(cfg, seed)
    # The initial weights.
    seed_randomness(cfg.SEED, comm.get_rank())
    return cfg


class Reproducibility(HookBase):
    """Seeds every iteration, and enters the stream of images where training starts.

    Its state, which checkpoints keep, is the seed: it outlives another ``SEED`` in the config. The
    first of a trainer's hooks.

    Args:
        cfg: with a ``SEED`` >= 0.
    """

    def __init__(self, cfg: CfgNode):
        self._state = {
            "seed": cfg.SEED,
            "processes": comm.get_world_size(),
            "batch_size": cfg.SOLVER.IMS_PER_BATCH,
        }

    def before_train(self) -> None:
        """Go to the first batch of this run."""
        stream = getattr(self.trainer.data_loader, "dataset", None)
        if isinstance(stream, TrainingStream):
            stream.start = self.trainer.start_iter
        elif self.trainer.start_iter:
            logger.warning("This data loader starts anew: the images are not those to come next")

    def before_step(self) -> None:
        """Seed what is drawn in this iteration."""
        seed_randomness(self._state["seed"], comm.get_rank(), self.trainer.iter)

    def state_dict(self) -> dict:
        """{"seed", "processes", "batch_size"}."""
        return dict(self._state)

    def load_state_dict(self, state: dict) -> None:
        """Go on with the seed of the training that is resumed."""
        for key in ("processes", "batch_size"):
            if state[key] != self._state[key]:
                logger.warning(
                    "This training had %s = %d, now it is %d: it goes on, but not exactly as it "
                    "would have",
                    key,
                    state[key],
                    self._state[key],
                )
        if state["seed"] == self._state["seed"]:
            return
        logger.info("Going on with the seed of this training, %d", state["seed"])
        self._state["seed"] = state["seed"]
        trainer, cfg = self.trainer, _with_seed(self.trainer.cfg, state["seed"])
        trainer._trainer.reset_data_loader(lambda: trainer.build_train_loader(cfg))


def _with_seed(cfg: CfgNode, seed: int) -> CfgNode:
    cfg = cfg.clone()
    frozen = cfg.is_frozen()
    cfg.defrost()
    cfg.SEED = seed
    if frozen:
        cfg.freeze()
    return cfg
