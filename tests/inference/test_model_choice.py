import pytest

from choi_d2.inference import bundles
from choi_d2.inference.model_choice import choose_model
from choi_d2.utils import InputError


def test_where_nothing_is_named_and_the_default_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "SHIPPED", tmp_path)
    with pytest.raises(InputError, match="no model is given, and 'photos'.*package: none"):
        choose_model()
    (tmp_path / "synthetic.safetensors").touch()
    with pytest.raises(InputError, match="package: synthetic"):
        choose_model()
