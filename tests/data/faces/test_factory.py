"""INPUT.FACES.DETECTOR picks the detector."""

import importlib.util
import logging

import cv2
import numpy as np
import pytest
from detectron2.config import get_cfg

from choi_d2.config import add_choi_config
from choi_d2.data import HOIDatasetMapper
from choi_d2.data.faces import (
    build_face_detector,
    centerface,
    factory,
    model_files,
    save_face_cache,
    yunet,
)
from choi_d2.data.faces.factory import face_files
from choi_d2.data.faces.model_files import CENTERFACE_FILE, CENTERFACE_OUTPUTS, YUNET_OUTPUTS
from choi_d2.utils import InputError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """No detector's model is found; returns the cache's folder."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("OPENCV_SAMPLES_DATA_PATH", raising=False)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def cfg():
    cfg = get_cfg()
    add_choi_config(cfg)
    return cfg


@pytest.fixture
def cache(tmp_path):
    path = tmp_path / "faces.json"
    save_face_cache(path, {"a.png": [{"bbox": [0, 0, 5, 5], "score": 0.6}]}, "x")
    return path


@pytest.fixture
def no_insightface(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_named_detectors(cfg, cache):
    cfg.INPUT.FACES.FILES = (f"hoiw_train={cache}",)
    for name in ("none", "haar", "file"):
        cfg.INPUT.FACES.DETECTOR = name
        detector = build_face_detector(cfg)
        assert detector.name == name
        assert detector.description.startswith(name)


def test_the_score_threshold_reaches_the_detector(cfg, cache):
    cfg.INPUT.FACES.FILES = (f"hoiw_train={cache}",)
    cfg.INPUT.FACES.DETECTOR = "file"
    image = np.zeros((9, 9, 3), np.uint8)
    for threshold, count in ((0.59, 1), (0.61, 0)):
        cfg.INPUT.FACES.SCORE_THRESH = threshold
        assert len(build_face_detector(cfg)(image, file_name="a.png")) == count


def test_every_detector_has_a_threshold_of_its_own(cfg, models, empty_cache, cache):
    models(empty_cache, CENTERFACE_FILE)
    models(empty_cache, "yunet.onnx")
    cfg.INPUT.FACES.FILES = (f"hoiw_train={cache}",)
    own = {"yunet": 0.7, "centerface": 0.5, "haar": 0.5, "file": 0.5, "auto": 0.7}
    for name, expected in own.items():
        cfg.INPUT.FACES.DETECTOR, cfg.INPUT.FACES.SCORE_THRESH = name, -1.0
        assert build_face_detector(cfg).score_thresh == expected, name
        assert HOIDatasetMapper.from_config(cfg)["face_score_thresh"] == 0.5
        for given in (0.0, 0.9):
            cfg.INPUT.FACES.SCORE_THRESH = given
            detector = build_face_detector(cfg)
            assert detector.score_thresh == given and f">= {given:g}" in detector.description
            assert HOIDatasetMapper.from_config(cfg)["face_score_thresh"] == given


def test_an_unknown_name(cfg):
    cfg.INPUT.FACES.DETECTOR = "mtcnn"
    with pytest.raises(
        InputError,
        match="FACES.DETECTOR.*expected auto, insightface, yunet.*'mtcnn'",
    ):
        build_face_detector(cfg)


def test_insightface_that_was_asked_for_is_not_replaced(cfg, no_insightface):
    cfg.INPUT.FACES.DETECTOR = "insightface"
    with pytest.raises(InputError, match="insightface is not installed"):
        build_face_detector(cfg)


@pytest.fixture
def models(tmp_path, empty_cache, monkeypatch):
    """Files whose outputs are those of yunet and centerface, and what makes the detectors."""
    outputs = {"yunet": YUNET_OUTPUTS, "centerface": CENTERFACE_OUTPUTS}

    def names(path):
        return outputs.get(path.name.split("-")[0].removesuffix(".onnx"), frozenset())

    for module in (factory, model_files, yunet, centerface):
        monkeypatch.setattr(module, "output_names", names)
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: None)
    empty_cache.mkdir(parents=True)

    def put(folder, name):
        (folder / name).write_bytes(b"a model")
        return folder / name

    return put


def test_auto_takes_yunet_then_centerface_then_haar(cfg, models, empty_cache, caplog):
    with caplog.at_level(logging.INFO):
        assert build_face_detector(cfg).name == "haar"
        models(empty_cache, CENTERFACE_FILE)
        assert build_face_detector(cfg).name == "centerface"
        models(empty_cache, "yunet.onnx")
        assert build_face_detector(cfg).name == "yunet"
    for name in ("haar", "centerface", "yunet"):
        assert f"Face detector (auto): {name} " in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("name", ["yunet", "centerface"])
def test_auto_takes_the_detector_whose_model_is_named(cfg, models, tmp_path, name):
    cfg.INPUT.FACES.MODEL_FILE = str(models(tmp_path, f"{name}.onnx"))
    assert build_face_detector(cfg).name == name
    cfg.INPUT.FACES.DETECTOR = name
    assert build_face_detector(cfg).name == name


def test_auto_complains_of_a_damaged_file(cfg, empty_cache):
    empty_cache.mkdir(parents=True)
    (empty_cache / CENTERFACE_FILE).write_bytes(b"half a model")
    with pytest.raises(InputError, match="expected CenterFace.*--fetch-faces"):
        build_face_detector(cfg)


def test_auto_takes_haar_where_insightface_is_missing(cfg, no_insightface, caplog):
    with caplog.at_level(logging.INFO):
        assert build_face_detector(cfg).name == "haar"
    assert "Face detector (auto): haar" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_auto_warns_when_a_named_model_file_is_not_used(cfg, caplog, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    cfg.INPUT.FACES.MODEL_FILE = "nowhere/det.onnx"
    with caplog.at_level(logging.INFO):
        assert build_face_detector(cfg).name == "haar"
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "nowhere/det.onnx: face detector 'insightface': no such file" in warnings[0]


def test_auto_without_any_detector(cfg, cache, no_insightface, monkeypatch, caplog):
    with caplog.at_level(logging.INFO):
        build_face_detector(cfg)
        assert "yunet" not in caplog.text, "haar is there, and nothing is missed"
        monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
        assert build_face_detector(cfg).name == "none"
    assert "Face detector (auto): none" in caplog.text
    assert "no *yunet*.onnx" in caplog.text and "--fetch-faces" in caplog.text
    cfg.INPUT.FACES.FILES = (f"hoiw_train={cache}",)
    assert build_face_detector(cfg).name == "file"


def test_face_files():
    assert face_files(("a=x.json", "b=y=z.json")) == {"a": "x.json", "b": "y=z.json"}
    for entries in (("x.json",), ("=x.json",), ("a=",), ("a=x.json", "a=y.json")):
        with pytest.raises(InputError, match="INPUT.FACES.FILES"):
            face_files(entries)
