"""What every test gets: a thread, fixed seeds, and a skip where outside material is absent.

OMP_NUM_THREADS=2 gives it two threads, ATEN_CPU_CAPABILITY=default or avx2 fewer instructions, and
--random-order shuffles the tests (see the Makefile's test-portable and test-matrix).
"""

import logging
import os
import random
from pathlib import Path

# Before torch is imported: small tensors gain nothing from threads, and sums keep their order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where there are two, they do not wait for each other at full speed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import cv2
import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent


THREADS = int(os.environ["OMP_NUM_THREADS"])


def set_threads():
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)


def pytest_configure():
    set_threads()


@pytest.fixture(autouse=True)
def fixed_start():
    """Every test starts from the same random numbers and threads, in any order and alone."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
    # After a test that changed them: the fixtures of the next module start before its first test.
    set_threads()


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """Folder, environment and loggers are as they were: programs that a test calls change them."""
    folder, environment = os.getcwd(), dict(os.environ)
    loggers = {None: logging.getLogger(), **logging.root.manager.loggerDict}
    before = {
        name: (logger.level, logger.propagate, list(logger.handlers))
        for name, logger in loggers.items()
        if isinstance(logger, logging.Logger)
    }
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for name, logger in {None: logging.getLogger(), **logging.root.manager.loggerDict}.items():
        if isinstance(logger, logging.Logger):
            level, propagate, handlers = before.get(name, (logging.NOTSET, True, []))
            logger.setLevel(level)
            logger.propagate, logger.handlers = propagate, handlers


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the repository with photos and papers that are not part of it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared, which is not part of the repository")
    return folder


@pytest.fixture
def register_under():
    """``register_under(root)``: the built-in data sets, elsewhere for the time of a test."""
    from choi_d2.data import register_all

    yield register_all
    register_all(os.getenv("DETECTRON2_DATASETS", "datasets"))
