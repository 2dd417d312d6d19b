import pytest

from choi_d2.engine.weights_path import check_weights_path
from choi_d2.utils import InputError


@pytest.fixture
def run(tmp_path):
    for name in ("model_final.pth", "model_0000199.pth", "model_best.pth", "config.yaml"):
        (tmp_path / "run" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "run" / name).write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found", "hint"),
    [
        ("run", "a folder", "Did you mean .*run/model_final.pth"),
        (".", "a folder", "in a folder below: .*run/model_0000199.pth"),
        ("empty", "a folder", "leaves model_final.pth in its OUTPUT_DIR"),
        ("run/model_final.pt", "no such file", "Did you mean .*run/model_final.pth"),
        ("run/model_000199.pth", "no such file", "Did you mean .*run/model_0000199.pth"),
        ("run/weights.bin", "no such file", "there are: model_final.pth, model_best.pth"),
        ("runs/model_final.pth", "no such file", "There is no folder .*runs"),
        ("run/config.yaml", "a config", "goes after --config-file"),
    ],
)
def test_what_people_give_instead(run, path, found, hint):
    with pytest.raises(InputError, match=f"MODEL.WEIGHTS.*found {found}.*{hint}"):
        check_weights_path(run / path, field="MODEL.WEIGHTS")


@pytest.mark.parametrize("name", ["m.pth", "m.pt", "m.pkl", "m", "m.ckpt", "m.bin"])
def test_what_may_be_weights(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    check_weights_path(tmp_path / name, field=None)
