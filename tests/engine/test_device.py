import logging

import pytest
import torch
from detectron2.config import get_cfg

from choi_d2.engine.device import resolve_device
from choi_d2.utils import InputError


@pytest.fixture
def cfg():
    return get_cfg()


def test_no_gpu_means_cpu_and_a_message(cfg, monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cfg.freeze()
    with caplog.at_level(logging.WARNING):
        assert resolve_device(cfg) == "cpu"
    assert cfg.MODEL.DEVICE == "cpu" and cfg.is_frozen()
    assert "CPU" in caplog.text
    caplog.clear()
    assert resolve_device(cfg) == "cpu" and not caplog.text


def test_a_gpu_is_used(cfg, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device in ("cuda", "cuda:1"):
        cfg.MODEL.DEVICE = device
        assert resolve_device(cfg) == device == cfg.MODEL.DEVICE
    cfg.MODEL.DEVICE = "cuda:2"
    with pytest.raises(InputError, match=r"MODEL.DEVICE.*finds 2 GPU"):
        resolve_device(cfg)


def test_no_device_at_all(cfg):
    cfg.MODEL.DEVICE = "gpu please"
    with pytest.raises(InputError, match="MODEL.DEVICE"):
        resolve_device(cfg)
