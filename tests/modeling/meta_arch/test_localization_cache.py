"""MODEL.LOCALIZATION_CACHE: what is frozen is computed once for each image."""

import pytest
import torch
from detectron2.utils.events import EventStorage
from tiny import make_input, tiny_model

FROZEN = ["MODEL.LOCALIZATION_FROZEN", True]


@pytest.fixture
def cached(tmp_path):
    torch.manual_seed(0)
    return tiny_model(*FROZEN, "MODEL.LOCALIZATION_CACHE", str(tmp_path / "cache"))


def plain_twin(model):
    twin = tiny_model(*FROZEN)
    twin.load_state_dict(model.state_dict())
    return twin


def losses_of(model, inputs):
    model.train()
    torch.manual_seed(3)
    with EventStorage():
        return {name: loss.item() for name, loss in model(inputs).items()}


def detections_of(model, inputs):
    model.eval()
    with torch.no_grad():
        return [x["interactions"].triplet_scores for x in model(inputs)]


def files(tmp_path):
    return sorted((tmp_path / "cache").iterdir())


def test_the_numbers_are_those_without(cached, tmp_path):
    inputs = [make_input("pairs", image_seed=i) for i in range(2)]
    twin = plain_twin(cached)
    for _ in range(2):  # computed, then read
        assert losses_of(cached, inputs) == pytest.approx(losses_of(twin, inputs), rel=1e-4)
        for mine, theirs in zip(detections_of(cached, inputs), detections_of(twin, inputs)):
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
        assert len(files(tmp_path)) == 2


def test_only_new_images_are_computed(cached, tmp_path, monkeypatch):
    inputs = [make_input("pairs", image_seed=i) for i in range(3)]
    losses_of(cached, inputs[:2])
    seen, backbone = [], cached.backbone.forward
    monkeypatch.setattr(
        cached.backbone, "forward", lambda pixels: seen.append(len(pixels)) or backbone(pixels)
    )
    losses_of(cached, inputs)
    losses_of(cached, inputs)
    assert seen == [1]


def test_other_weights_are_other_files(cached, tmp_path):
    inputs = [make_input("pairs")]
    losses_of(cached, inputs)
    first = losses_of(cached, inputs)
    with torch.no_grad():
        for parameter in cached.backbone.parameters():
            parameter.mul_(0.5)
    assert losses_of(cached, inputs) != first
    assert len(files(tmp_path)) == 2


def test_the_networks_still_learn(cached):
    inputs = [make_input("pairs")]
    for _ in range(2):
        cached.train()
        with EventStorage():
            sum(cached(inputs).values()).backward()
    assert all(p.grad is not None for p in cached.roi_heads.interaction_heads.parameters())


def test_of_what_is_trained_nothing_is_kept(tmp_path):
    model = tiny_model("MODEL.LOCALIZATION_CACHE", str(tmp_path / "cache"))
    losses_of(model, [make_input("pairs")])
    assert not (tmp_path / "cache").exists()


def test_a_full_folder_keeps_no_more(tmp_path, caplog):
    inputs = [make_input("pairs", image_seed=i) for i in range(3)]
    folder = ["MODEL.LOCALIZATION_CACHE", str(tmp_path / "cache")]
    first = tiny_model(*FROZEN, *folder)
    losses_of(first, inputs[:1])
    (kept,) = files(tmp_path)
    room = 1.5 * kept.stat().st_size / 1e9
    full = tiny_model(*FROZEN, *folder, "MODEL.LOCALIZATION_CACHE_GB", room)
    full.load_state_dict(first.state_dict())
    expected = losses_of(plain_twin(full), inputs)
    with caplog.at_level("WARNING"):
        assert losses_of(full, inputs) == pytest.approx(expected, rel=1e-4)
    assert files(tmp_path) == [kept]
    assert "MODEL.LOCALIZATION_CACHE_GB" in caplog.text


def test_a_full_disk_stops_nothing(cached, tmp_path, monkeypatch, caplog):
    inputs = [make_input("pairs")]

    def no_space(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("choi_d2.modeling.meta_arch.localization_cache.np.savez", no_space)
    expected = losses_of(plain_twin(cached), inputs)
    with caplog.at_level("WARNING"):
        assert losses_of(cached, inputs) == pytest.approx(expected, rel=1e-4)
    assert files(tmp_path) == []
    assert "No space left" in caplog.text
