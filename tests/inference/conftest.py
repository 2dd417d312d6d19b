"""A result with everything in it, and a model that finds the same triplet in every picture."""

import sys
from pathlib import Path

import numpy as np
import pytest
from detectron2.config import get_cfg

# tests/ is no package (importlib mode): helpers that several rooms share are imported by name.
for room in ("engine", "inference", "modeling"):
    sys.path.insert(0, str(Path(__file__).parents[1] / room))

import torch  # noqa: E402
from stub_model import OPTIONS, stub_dataset  # noqa: E402, F401 (a fixture)
from tiny import NUM_VERBS, tiny_config, tiny_model  # noqa: E402

from choi_d2.config import add_choi_config  # noqa: E402
from choi_d2.engine import HOICheckpointer  # noqa: E402
from choi_d2.engine.model_card import ModelCard  # noqa: E402
from choi_d2.inference import HOIPredictor, HOIResult  # noqa: E402
from choi_d2.structures import Vocabulary  # noqa: E402

VOCABULARY = Vocabulary(("person", "bike", "dog"), ("ride", "hold", "walk"), 0, True, (2,))


@pytest.fixture
def result():
    """Two people, a bike and a dog; five triplets, one of them without object."""
    masks = np.zeros((4, 40, 60), bool)
    masks[0, :20, :30] = masks[1, 20:, :] = masks[2, :, 50:] = masks[3, 5:9, 5:9] = True
    return HOIResult(
        boxes=np.array(
            [[0, 0, 30, 20], [0, 20, 60, 40], [50, 0, 60, 40], [5, 5, 9, 9]], np.float32
        ),
        classes=np.array([0, 1, 0, 2]),
        scores=np.array([0.9, 0.8, 0.7, 0.6], np.float32),
        pairs=np.array([[0, 1], [0, 1], [2, 1], [2, 2], [0, 3]]),
        verbs=np.array([0, 1, 1, 2, 1]),
        triplet_scores=np.array([0.9, 0.5, 0.4, 0.3, 0.1], np.float32),
        image_size=(40, 60),
        vocabulary=VOCABULARY,
        masks=masks,
        faces=np.array([[2, 2, 8, 8]], np.float32),
        face_scores=np.array([0.75], np.float32),
        file_name="a.jpg",
        image=np.full((40, 60, 3), 120, np.uint8),
    )


@pytest.fixture(scope="session")
def predictor(tmp_path_factory, repository):
    """A tiny model with random weights, on the CPU."""
    words = ("person", "bike", "ball", "dog"), tuple(f"verb {i}" for i in range(NUM_VERBS))
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        torch.manual_seed(0)
        card = ModelCard.of(tiny_config(), Vocabulary(*words))
        HOICheckpointer(tiny_model(), str(folder), card=card).save("model_final")
    opts = ["MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0]
    return HOIPredictor.from_pretrained(folder, device="cpu", faces="none", opts=opts)


@pytest.fixture
def stub_cfg(stub_dataset):  # noqa: F811
    cfg = get_cfg()
    add_choi_config(cfg)
    cfg.merge_from_list([part for option in OPTIONS.items() for part in option])
    return cfg
