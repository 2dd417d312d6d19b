"""Files of weights as people have them: read, or refused in a line that says what they are."""

import argparse
import collections
import gzip
import io
import json
import os
import pickle
import runpy
import struct
import sys
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from zoo_files import write_zoo_pickle

from choi_d2.engine import HOICheckpointer, hooks
from choi_d2.engine.weight_files import read_weights
from choi_d2.utils import InputError

ARRAYS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2)}


class Attack:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def mark(tmp_path):
    path = tmp_path / "was_here"
    yield path
    assert not path.exists()


def of_torch(content, **kwargs):
    file = io.BytesIO()
    torch.save(content, file, **kwargs)
    return file.getvalue()


def complaint(path):
    with pytest.raises(InputError) as error:
        read_weights(path)
    message = str(error.value)
    assert "\n" not in message and path.name in message
    for advice in ("weights_only", "add_safe_globals", "trust"):
        assert advice not in message
    return message


@pytest.mark.parametrize("suffix", ["pkl", "pth", "pt", "bin"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_that_would_run_code(tmp_path, mark, suffix, protocol):
    for content in (
        {"model": ARRAYS, "__author__": Attack(mark)},
        {"model": {"a": Attack(mark)}},
        {"blobs": {"a": Attack(mark)}},
        Attack(mark),
    ):
        path = tmp_path / f"weights.{suffix}"
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        message = complaint(path)
        assert "this pickle would execute code: it names " in message and "system" in message
        assert "torch.save({'model': model.state_dict()}" in message


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_that_would_run_code(tmp_path, mark, legacy):
    for suffix in ("pth", "pkl", "pyth"):
        for content in ({"model": {}, "epoch": Attack(mark)}, {"model_state": Attack(mark)}):
            path = tmp_path / f"weights.{suffix}"
            path.write_bytes(of_torch(content, _use_new_zipfile_serialization=not legacy))
            message = complaint(path)
            assert "found a pickled object (" in message and "system)" in message
            assert "Nothing was run" in message


@pytest.mark.parametrize("suffix", ["pkl", "pth"])
def test_no_command_runs_code(repository, tmp_path, mark, monkeypatch, capsys, suffix):
    config = repository / "configs" / "synthetic" / "choi_R_18_FPN.yaml"
    path = tmp_path / f"weights.{suffix}"
    content = {"model": {"a": Attack(mark)}, "__author__": "somebody"}
    path.write_bytes(pickle.dumps(content) if suffix == "pkl" else of_torch(content))
    photo = str(tmp_path / "photo.png")
    Image.new("RGB", (8, 8)).save(photo)
    monkeypatch.chdir(repository)
    opts = ["MODEL.WEIGHTS", str(path), "OUTPUT_DIR", str(tmp_path)]
    demo = ["demo/demo.py", "--input", photo, "--output", str(tmp_path / "out"), "--opts"]
    for script, *words in (["train_net.py", "--eval-only"], demo):
        words[:0] = ["--config-file", str(config)]
        monkeypatch.setattr(sys, "argv", [script, *words, *opts])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(script, run_name="__main__")
        assert end.value.code == 2
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith(f"error: {path}, field 'MODEL.WEIGHTS': ")
        assert "system" in message


def test_a_whole_model_and_objects_beside_the_weights(tmp_path):
    for content in (
        torch.nn.Linear(2, 3),
        {"model": ARRAYS_AS_TENSORS, "args": argparse.Namespace(lr=1)},
        {"model": ARRAYS_AS_TENSORS, "best": np.float64(3)},
    ):
        path = tmp_path / "weights.pth"
        path.write_bytes(of_torch(content))
        message = complaint(path)
        assert "expected weights alone, found a pickled object" in message
    path.write_bytes(pickle.dumps(ARRAYS_AS_TENSORS))
    assert "it names torch." in complaint(path)


ARRAYS_AS_TENSORS = {name: torch.as_tensor(value) for name, value in ARRAYS.items()}


def assert_arrays(state):
    assert state.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        assert isinstance(state[name], torch.Tensor) and state[name].numpy().dtype == value.dtype
        np.testing.assert_array_equal(state[name].numpy(), value)


@pytest.mark.parametrize("suffix", ["pkl", "pth", "pickle"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_the_zoo(tmp_path, suffix, protocol):
    path = tmp_path / f"model_final.{suffix}"
    content = {"model": collections.OrderedDict(ARRAYS), "__author__": "Zoo", "iteration": 3}
    for key in ("numpy._core", "numpy.core"):  # of NumPy 2 and 1
        data = pickle.dumps(content, protocol=protocol)
        if protocol < 4:  # later ones have the names' lengths
            data = data.replace(b"numpy._core", key.encode())
        path.write_bytes(data)
        found = read_weights(path)
        assert_arrays(found.pop("model"))
        assert found == {"__author__": "Zoo", "iteration": 3}


def test_a_pickle_of_python_2(tmp_path):
    """A str of Python 2 is text or bytes; an array's bytes are in one."""
    raw = ARRAYS["a.weight"].tobytes()
    text = "".join(f"\\x{byte:02x}" for byte in raw)
    array = (
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        "(I1\n(I2\nI3\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
        f"S'{text}'\ntb"
    )
    path = tmp_path / "model.pkl"
    path.write_bytes(f"(dS'model'\n(dS'a'\n{array}ssS'__author__'\nS'Caffe\\xe9'\ns.".encode())
    found = read_weights(path)
    np.testing.assert_array_equal(found["model"]["a"].numpy(), ARRAYS["a.weight"])
    assert found["__author__"] == "Caffe\xe9"


def test_bytes_the_other_way_and_scalars(tmp_path):
    path = tmp_path / "model.pkl"
    swapped = {"a.weight": ARRAYS["a.weight"].astype(">f4"), "a.bias": np.float64(3)}
    path.write_bytes(pickle.dumps({"model": swapped}))
    state = read_weights(path)["model"]
    np.testing.assert_array_equal(state["a.weight"].numpy(), ARRAYS["a.weight"])
    assert state["a.bias"] == 3 and state["a.bias"].dtype == torch.float64


def test_caffe2_and_bare_pickles(tmp_path):
    path = tmp_path / "model.pkl"
    blobs = {"conv1_w": np.ones(3), "conv1_w_momentum": np.ones(3), "res2_0_b": np.zeros(2)}
    for content in (blobs, {"blobs": blobs, "cfg": "MODEL: {}"}):
        path.write_bytes(pickle.dumps(content))
        found = read_weights(path)
        assert list(found.pop("model")) == ["conv1_w", "res2_0_b"]
        assert found == {"__author__": "Caffe2", "matching_heuristics": True}
    for content in (ARRAYS, {"model": ARRAYS}):
        path.write_bytes(pickle.dumps(content))
        assert_arrays(read_weights(path).pop("model"))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("suffix", ["pth", "pkl", "pt", "bin"])
def test_what_torch_saves(tmp_path, suffix, legacy):
    path = tmp_path / f"model.{suffix}"
    whole = {"model": ARRAYS_AS_TENSORS, "iteration": 3, "scheduler": {"last_epoch": 2}}
    lightning = {"state_dict": ARRAYS_AS_TENSORS, "iteration": 3, "scheduler": {"last_epoch": 2}}
    for content in (whole, lightning, ARRAYS_AS_TENSORS):
        path.write_bytes(of_torch(content, _use_new_zipfile_serialization=not legacy))
        found = read_weights(path)
        assert_arrays(found.pop("model"))
        assert found in ({}, {"iteration": 3, "scheduler": {"last_epoch": 2}})
    counted = {"a.num_batches_tracked": torch.ones(1), **ARRAYS_AS_TENSORS}
    path.write_bytes(of_torch({"model_state": counted}))
    found = read_weights(path)
    assert_arrays(found.pop("model"))
    assert found == {"__author__": "pycls", "matching_heuristics": True}


def test_safetensors(tmp_path, monkeypatch):
    save_file = pytest.importorskip("safetensors.torch").save_file
    path = tmp_path / "model.safetensors"
    save_file(ARRAYS_AS_TENSORS, path)
    assert_arrays(read_weights(path)["model"])
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    assert "its content cannot be read" in complaint(path)
    path.write_bytes(content[:30])
    assert "header is of" in complaint(path) and "file of 30" in complaint(path)
    path.write_bytes(struct.pack("<Q", 2**40) + content[8:])
    assert f"header is of {2**40} bytes" in complaint(path)
    path.write_bytes(content)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install safetensors" in complaint(path)


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("model.pth")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 178\n"
GOOD = of_torch(ARRAYS_AS_TENSORS)
OTHER = {
    "empty": (b"", "an empty file. It was not written"),
    "zeros": (bytes(5000), "a file of zeros"),
    "page": (b"<!DOCTYPE html>\n<html><body>Google Drive", "a web page (HTML). It was saved in"),
    "page with space": (b"\n\n  <HTML>\n<TITLE>404", "a web page"),
    "page with mark": (b"\xef\xbb\xbf<!doctype HTML>", "a web page"),
    "page after a comment": (b"<!-- saved from url -->\n<html lang='de'>", "a web page"),
    "error of S3": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "XML"),
    "LFS": (LFS, "a pointer of Git LFS. Git left it in place of the file: run `git lfs pull`"),
    "JSON": (json.dumps({"message": "Not Found"}).encode(), "found JSON"),
    "JSON list": (b'[{"a": 1}]', "found JSON"),
    "text": (b"Access denied", "text that begins with 'Access denied'"),
    "text with a stop": (b"Not found.", "expected a pickle, found something else"),
    "YAML": (b"MODEL:\n  WEIGHTS: a.pth\n", "text that begins with 'MODEL:"),
    "gzip": (gzip.compress(GOOD), "gzip's compressed data. Unpack it first"),
    "tar": (tarred(GOOD), "a tar archive. Unpack it first"),
    "zip": (zipped(**{"a/model.pth": GOOD}), "a zip archive of a/model.pth. Unpack it first"),
    "empty zip": (zipped(), "a zip archive of nothing"),
    "arrays": (zipped(**{"a.npy": b"", "b.npy": b""}), "a zip archive of a.npy, b.npy"),
    "half": (GOOD[: len(GOOD) // 2], f"cut short or is damaged ({len(GOOD) // 2} bytes)"),
    "begun": (GOOD[:30], "cut short or is damaged (30 bytes)"),
    "half of a pickle": (pickle.dumps({"model": ARRAYS})[:-40], "something else or half of one"),
    "half of an old one": (
        of_torch(ARRAYS_AS_TENSORS, _use_new_zipfile_serialization=False)[:-7],
        "its content cannot be read",
    ),
    "noise": (bytes(range(200, 256)) * 9, "expected a pickle, found something else"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG picture"),
    "array": (b"\x93NUMPY\x01\0", "a NumPy array (.npy)"),
    "list": (of_torch([torch.ones(1)]), "expected tensors by their names, found list"),
    "tensor": (of_torch(torch.ones(1)), "expected tensors by their names, found Tensor"),
    "pickled list": (pickle.dumps([1]), "expected tensors by their names, found list"),
    "pickled text": (pickle.dumps({"model": {"a": "b"}}), "'a' to be an array of numbers"),
    "objects": (pickle.dumps({"a": np.array([None])}), "'a' to be an array of numbers"),
}


@pytest.mark.parametrize("suffix", ["pth", "pkl", "safetensors"])
@pytest.mark.parametrize("case", OTHER)
def test_other_files_say_what_they_are(tmp_path, case, suffix):
    content, expected = OTHER[case]
    path = tmp_path / f"weights.{suffix}"
    path.write_bytes(content)
    assert expected in complaint(path)


def test_a_torchscript_program(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(zipped(**{"m/data.pkl": b"", "m/constants.pkl": b"", "m/code/a.py": b""}))
    assert "a TorchScript program. Save the model's state_dict()" in complaint(path)


def test_the_best_so_far_is_read_without_code(tmp_path, mark, caplog):
    path = tmp_path / f"{hooks.BEST}.pth"
    path.write_bytes(of_torch({"model": {}, "best": Attack(mark)}))
    hook = hooks.BestCheckpointer(1, torch.nn.Linear(1, 1), tmp_path, "hoi/mAP_rel")
    hook.trainer = argparse.Namespace(start_iter=1)
    hook.before_train()
    (record,) = caplog.records
    assert "is to be replaced" in record.getMessage() and "\n" not in record.getMessage()
    assert hook.best_metric is None


def test_the_checkpointer_takes_them(tmp_path):
    torch.manual_seed(1)
    model = torch.nn.Sequential(collections.OrderedDict(a=torch.nn.Linear(3, 2)))
    for write in (write_zoo_pickle, lambda path, state: torch.save({"model": state}, path)):
        state = {name: torch.rand(x.shape) for name, x in model.state_dict().items()}
        write(tmp_path / "weights.pkl", state)
        HOICheckpointer(model).load(f"{tmp_path}/weights.pkl")
        for name, value in model.state_dict().items():
            torch.testing.assert_close(value, state[name])


def test_names_that_are_to_be_matched(tmp_path):
    """Detectron2's way to have names fitted by heuristics: a query after the file's name."""
    model = torch.nn.ModuleDict({"x": torch.nn.ModuleDict({"a": torch.nn.Linear(3, 2)})})
    torch.save({"a.weight": torch.ones(2, 3)}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="none of its 1 tensors fits"):
        HOICheckpointer(model).load(f"{tmp_path}/weights.pth")
    HOICheckpointer(model).load(f"{tmp_path}/weights.pth?matching_heuristics=True")
    torch.testing.assert_close(model.x.a.weight.data, torch.ones(2, 3))
