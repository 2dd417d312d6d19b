import collections
import os
import pickle

import numpy as np
import pytest

from choi_d2.utils import InputError
from choi_d2.utils.safe_pickle import read_pickle

DATA = [
    {"image_id": np.int64(3), "person_box": np.arange(4, dtype=np.float32), "score": 0.5},
    collections.OrderedDict(text="a", none=None, many=(1, 2.0, True)),
    {"scalar": np.float32(0.25), "objects": np.array([1, "b"], dtype=object)},
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_of_every_protocol(tmp_path, protocol):
    (tmp_path / "data.pkl").write_bytes(pickle.dumps(DATA, protocol=protocol))
    found = read_pickle(tmp_path / "data.pkl")
    np.testing.assert_equal(found, DATA)
    assert found[0]["person_box"].dtype == np.float32


def test_arrays_as_old_numpy_named_its_modules(tmp_path):
    data = pickle.dumps(DATA, protocol=2).replace(b"numpy._core", b"numpy.core")
    (tmp_path / "data.pkl").write_bytes(data)
    np.testing.assert_equal(read_pickle(tmp_path / "data.pkl"), DATA)


def test_text_of_python_2(tmp_path):
    (tmp_path / "data.pkl").write_bytes(b"(dp0\nS'image_id'\np1\nI9\ns.")
    assert read_pickle(tmp_path / "data.pkl") == {"image_id": 9}


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_code_is_not_run(tmp_path, protocol):
    mark = tmp_path / "was_here"
    attacks = {
        "system": Malicious(os.system, f"touch {mark}"),
        "eval": Malicious(eval, f"open({str(mark)!r}, 'w')"),
        "getattr": Malicious(getattr, "text", "upper"),
        "memmap": Malicious(np.memmap, str(mark), "uint8", "w+", 0, 1),
    }
    for name, attack in attacks.items():
        (tmp_path / "data.pkl").write_bytes(pickle.dumps([attack], protocol=protocol))
        with pytest.raises(InputError, match=f"would execute code: it names .*{name}"):
            read_pickle(tmp_path / "data.pkl")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"no pickle", "expected a pickle"),
        (pickle.dumps(DATA)[:-20], "expected a pickle"),
        (b"[1, 2]", "expected a pickle"),
    ],
)
def test_broken_files(tmp_path, content, message):
    (tmp_path / "data.pkl").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_pickle(tmp_path / "data.pkl")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_pickle(tmp_path / "data.pkl")


class Reduced:
    """Pickled as a call with a state."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def test_arrays_of_memory_that_is_not_theirs(tmp_path):
    """NumPy believes a pickle that bytes are objects, which are addresses."""
    new, empty, name = np.ndarray, np.zeros(0).__reduce__()[0], np.dtype
    lying = Reduced(name, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))
    fields = (3, "|", None, ("a",), {"a": (lying, 0)}, 8, 1, 0)
    structured = Reduced(name, ("V8", False, True), fields)
    for attack in (
        Reduced(new, ((1,), lying, b"AAAAAAAA")),
        Reduced(new, ((1,), "O", b"AAAAAAAA")),
        Reduced(empty, (new, (0,), b"b"), (1, (1,), lying, False, b"AAAAAAAA")),
        Reduced(empty, (new, (0,), b"b"), (1, (1,), structured, False, b"AAAAAAAA")),
        Reduced(np.float64(0).__reduce__()[0], (lying, b"AAAAAAAA")),
    ):
        (tmp_path / "data.pkl").write_bytes(pickle.dumps([attack]))
        with pytest.raises(InputError):
            read_pickle(tmp_path / "data.pkl")
