import pytest
import torch
from detectron2.utils.events import EventStorage
from tiny import make_input, tiny_model

from choi_d2.modeling.roi_heads.attention_log import log_attentions


def test_medians_and_shares():
    alpha = torch.tensor([0.001, 0.009, 0.02, 0.5, 0.995])
    with EventStorage() as storage:
        log_attentions(1, {"alpha": alpha, "ihsm_own_share": alpha[2:], "alpha_bar": alpha[:0]})
    logged = {name: value for name, (value, _) in storage.latest().items()}
    assert logged == pytest.approx(
        {
            "stage1/pairs/alpha_median": 0.02,
            "stage1/pairs/alpha_shut": 0.4,
            "stage1/pairs/alpha_open": 0.2,
            "stage1/pairs/ihsm_own_share_median": 0.5,
        }
    )


@pytest.mark.parametrize("faces", [True, False])
def test_every_stage_of_a_training_step_is_logged(faces):
    model = tiny_model().train()
    with EventStorage() as storage:
        model([make_input(faces=faces), make_input("nothing")])
    logged = {name for name in storage.latest() if "alpha" in name or "ihsm" in name}
    of_faces = [f"{a}_{x}" for a in ("alpha", "alpha_bar") for x in ("median", "shut", "open")]
    expected = ["ihsm_own_share_median", *(of_faces if faces else [])]
    assert logged == {f"stage{t}/pairs/{name}" for t in range(3) for name in expected}
