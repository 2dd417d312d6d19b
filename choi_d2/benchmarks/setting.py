"""What all cases of a benchmark have in common, and the protocol of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from detectron2.config import CfgNode

from choi_d2.engine import load_config

CONFIG_FILE = Path(__file__).resolve().parents[1] / "configs" / "HOIW" / "choi_R_50_FPN.yaml"


@dataclass(frozen=True)
class Setting:
    """Of all cases.

    Attributes:
        config_file: the model; its weights are random, so that nothing has to be there.
        size: (height, width) of the images, in pixels.
        device: as ``MODEL.DEVICE``.
        seed: of images, boxes and weights.
        proposals: boxes that the cascade looks at in each image.
    """

    config_file: str = str(CONFIG_FILE)
    size: tuple[int, int] = (800, 1067)
    device: str = "cpu"
    seed: int = 0
    proposals: int = 1000

    def config(self, *opts: object) -> CfgNode:
        """The config with a case's own keys.

        Raises:
            InputError: there is no such config, or it is wrong.
        """
        common = {
            "MODEL.WEIGHTS": "",
            "MODEL.DEVICE": self.device,
            "MODEL.MASK_ON": False,
            "MODEL.ROI_INTERACTION_HEAD.REPRESENTATION": "bbox",
            "MODEL.ROI_INTERACTION_HEAD.HUMANS_AS_OBJECTS": False,
            "MODEL.ROI_INTERACTION_HEAD.OBJECTLESS_VERBS": (),
        }
        keys = [x for item in common.items() for x in item]
        return load_config(self.config_file, [*keys, *opts], data_sets=False)


class Case(Protocol):
    """Something that is timed. It can be sent to another process, which measures its memory.

    Attributes:
        images: that one call looks at.
        pairs: of humans and objects that one call looks at; 0 where there is none.
    """

    images: int
    pairs: int

    def prepare(self, setting: Setting) -> Callable[[], object]:
        """What is to be called; everything that is not to be timed has been done."""
