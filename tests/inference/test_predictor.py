import logging

import numpy as np
import pytest
import torch

from choi_d2.data.faces import Faces
from choi_d2.inference import HOIPredictor
from choi_d2.utils import InputError


class OneFace:
    """A face in the picture's left half."""

    name = description = "fake"

    def __call__(self, image_bgr, *, file_name=None):
        self.image, self.file_name = image_bgr, file_name
        height, width = image_bgr.shape[:2]
        return Faces.from_raw(np.array([[0, 0, width / 2, height]]), np.ones(1), (height, width), 0)


class NoFace(OneFace):
    def __call__(self, image_bgr, *, file_name=None):
        return Faces.empty()


@pytest.fixture
def photo():
    image = np.zeros((150, 200, 3), np.uint8)
    image[:] = (10, 20, 30)
    return image


def test_answers_are_in_the_photos_pixels(stub_cfg, photo):
    outputs = HOIPredictor(stub_cfg).outputs(photo)
    assert set(outputs) == {"instances", "interactions"}
    assert outputs["instances"].image_size == (150, 200)
    assert torch.allclose(
        outputs["instances"].pred_boxes.tensor[0], torch.tensor([20.0, 15.0, 100.0, 135.0])
    )


@pytest.mark.parametrize("channels, expected", [("BGR", [10, 20, 30]), ("RGB", [30, 20, 10])])
def test_the_model_sees_the_resized_photo_in_its_channel_order(stub_cfg, photo, channels, expected):
    stub_cfg.INPUT.FORMAT = channels
    predictor = HOIPredictor(stub_cfg)
    predictor.outputs(photo, file_name="a.jpg")
    (seen,) = predictor.model.seen
    assert seen["image"].shape == (3, 64, 85) and seen["image"].dtype == torch.uint8
    assert seen["image"][:, 0, 0].tolist() == expected
    assert (seen["height"], seen["width"], seen["file_name"]) == (150, 200, "a.jpg")
    assert "faces" not in seen


def test_faces_in_both_frames(stub_cfg, photo):
    detector = OneFace()
    predictor = HOIPredictor(stub_cfg, detector)
    outputs = predictor.outputs(photo, file_name="a.jpg")
    assert detector.file_name == "a.jpg" and detector.image[0, 0].tolist() == [10, 20, 30]
    assert outputs["faces"].boxes.tensor.tolist() == [[0, 0, 100, 150]]
    assert outputs["faces"].image_size == (150, 200)
    given = predictor.model.seen[0]["faces"]
    assert torch.allclose(given.boxes.tensor, torch.tensor([[0, 0, 42.5, 64.0]]))
    assert given.image_size == (64, 85) and given.scores.tolist() == [1.0]


def test_no_face(stub_cfg, photo):
    predictor = HOIPredictor(stub_cfg, NoFace())
    assert predictor.outputs(photo)["faces"].boxes.tensor.shape == (0, 4)
    assert predictor.model.seen[0]["faces"].boxes.tensor.shape == (0, 4)


def test_facial_attention_brings_the_configs_face_detector(stub_cfg):
    stub_cfg.MODEL.ROI_INTERACTION_HEAD.EFRA.ENABLED = True
    stub_cfg.INPUT.FACES.DETECTOR = "none"
    assert HOIPredictor(stub_cfg).face_detector.name == "none"
    stub_cfg.MODEL.ROI_INTERACTION_HEAD.EFRA.ENABLED = False
    assert HOIPredictor(stub_cfg).face_detector is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (700, 3)])
def test_photos_of_odd_sizes_and_gray_ones(stub_cfg, shape):
    outputs = HOIPredictor(stub_cfg, OneFace()).outputs(np.zeros(shape, np.uint8))
    assert outputs["instances"].image_size == shape


def test_no_picture(stub_cfg):
    with pytest.raises(InputError, match="a.jpg.*NoneType"):
        HOIPredictor(stub_cfg).outputs(None, file_name="a.jpg")


def test_weights_are_loaded(stub_cfg, tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"model": {"weight": torch.tensor([1.0, 2.0])}}, path)
    stub_cfg.MODEL.WEIGHTS = str(path)
    assert HOIPredictor(stub_cfg).model.weight.tolist() == [1, 2]


def test_weights_that_cannot_be_loaded_are_named(stub_cfg, tmp_path):
    for name in ("nowhere.pth", "broken.pth"):
        stub_cfg.MODEL.WEIGHTS = str(tmp_path / name)
        (tmp_path / "broken.pth").write_bytes(b"no weights")
        with pytest.raises(InputError, match=f"{name}.*MODEL.WEIGHTS"):
            HOIPredictor(stub_cfg)


def test_no_weights_give_a_warning(stub_cfg, caplog):
    with caplog.at_level(logging.WARNING):
        HOIPredictor(stub_cfg)
    assert "random weights" in caplog.text


def test_old_weights_and_none_are_taken_for_a_model_of_the_configs_data_set(
    stub_cfg, tmp_path, caplog
):
    path = tmp_path / "old.pth"
    torch.save({"model": {"weight": torch.zeros(2)}}, path)
    for weights in (str(path), ""):
        stub_cfg.MODEL.WEIGHTS = weights
        caplog.clear()
        predictor = HOIPredictor(stub_cfg)
        assert predictor.vocabulary.verbs == ("hold", "ride", "walk")
        assert "those of data set 'stub_triplets_test' are assumed" in caplog.text


def test_assumed_names_have_to_be_as_many_as_the_model_has(stub_cfg):
    stub_cfg.MODEL.ROI_INTERACTION_HEAD.NUM_VERBS = 7
    with pytest.raises(InputError, match="NUM_VERBS': expected 3.*got 7"):
        HOIPredictor(stub_cfg)
    stub_cfg.DATASETS.TRAIN = stub_cfg.DATASETS.TEST = ("nobody_registered_this",)
    with pytest.raises(InputError, match="nobody says the classes and verbs"):
        HOIPredictor(stub_cfg)


def test_the_callers_config_is_left_alone(stub_cfg):
    stub_cfg.MODEL.DEVICE = "cuda" if not torch.cuda.is_available() else "cpu"
    before = stub_cfg.dump()
    HOIPredictor(stub_cfg)
    assert stub_cfg.dump() == before
