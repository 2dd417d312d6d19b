"""HOICheckpointer: what is loaded from where, whole files, damaged files."""

import logging
import os
import resource
import sys
from pathlib import Path

import pytest
import torch
from detectron2.data import MetadataCatalog
from zoo_files import CASCADE, FASTER, MASK, write_imagenet_pickle, write_zoo_pickle, zoo_state

from choi_d2.engine import HOICheckpointer, HOITrainer
from choi_d2.engine.checkpoint import DamagedCheckpoint
from choi_d2.engine.model_card import ModelCard
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import make_input, tiny_config, tiny_model  # noqa: E402

NAMES = ["human", "cigarette", "bike", "ball"]
COCO = MetadataCatalog.get("coco_2017_train").thing_classes
VERBS = ["hold", "ride", "kick", "walk", "look"]
FIVE_STAGES = (
    "MODEL.ROI_BOX_CASCADE_HEAD.IOUS",
    "(0.5, 0.6, 0.7, 0.75, 0.8)",
    "MODEL.ROI_BOX_CASCADE_HEAD.BBOX_REG_WEIGHTS",
    str(((10.0, 10.0, 5.0, 5.0),) * 5),
)


@pytest.fixture(scope="module", autouse=True)
def at_the_root(request):
    """The tiny config's base is found from there."""
    before = os.getcwd()
    os.chdir(Path(__file__).parents[2])
    yield
    os.chdir(before)


@pytest.fixture
def model():
    return tiny_model()


def card(classes, verbs=VERBS, human=0, config=""):
    return ModelCard(Vocabulary(tuple(classes), tuple(verbs), human), {}, config)


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def load(model, path, **kwargs):
    """Load, and return the model's tensors before and after."""
    before = state_of(model)
    HOICheckpointer(model, **kwargs).load(str(path))
    return before, model.state_dict()


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
def test_cascade_of_the_zoo_is_loaded_head_by_head(model, tmp_path, suffix, caplog):
    zoo = zoo_state(CASCADE, tiny_config())
    path = tmp_path / f"cascade_mask_rcnn{suffix}"
    if suffix == ".pkl":
        write_zoo_pickle(path, zoo)
    else:
        torch.save({"model": zoo}, path)
    with caplog.at_level(logging.INFO, logger="choi_d2"):
        before, after = load(model, path, card=card(NAMES))

    for name, value in after.items():
        if name.startswith(("backbone.", "proposal_generator.", "roi_heads.box_head.")):
            if not name.endswith("num_batches_tracked"):
                assert torch.equal(value, zoo[name]), name
        elif "bbox_pred" in name:
            assert torch.equal(value, zoo[name]), name
        elif name.startswith("roi_heads.interaction_heads."):
            assert torch.equal(value, before[name]), name
    assert "roi_heads.interaction_heads.{0,1,2}" in caplog.text
    assert "in the file, not used" in caplog.text and "roi_heads.mask_head" in caplog.text
    assert "pixel_mean" not in caplog.text and "cell_anchors" not in caplog.text


def test_rows_of_shared_classes_are_loaded(model, tmp_path, caplog):
    zoo = zoo_state(CASCADE, tiny_config())
    path = write_zoo_pickle(tmp_path / "zoo.pkl", zoo)
    before, after = load(model, path, card=card(NAMES))
    rows = {0: COCO.index("person"), 2: COCO.index("bicycle"), 3: COCO.index("sports ball"), 4: 80}
    for stage in range(3):
        for tensor in ("weight", "bias"):
            name = f"roi_heads.box_predictor.{stage}.cls_score.{tensor}"
            for row, file_row in rows.items():
                assert torch.equal(after[name][row], zoo[name][file_row]), (name, row)
            assert torch.equal(after[name][1], before[name][1]), "cigarette: COCO has none"
    assert "4 of 5 classes loaded (human, bike, ball, background)" in caplog.text


def test_scores_for_unknown_classes_are_initialised(model, tmp_path, caplog):
    path = write_zoo_pickle(tmp_path / "zoo.pkl", zoo_state(CASCADE, tiny_config()))
    before, after = load(model, path)
    name = "roi_heads.box_predictor.0.cls_score.weight"
    assert torch.equal(after[name], before[name])
    assert "initialised: has shape (5, 16), the file's (81, 16)" in caplog.text


@pytest.mark.parametrize("config", [FASTER, MASK])
def test_single_heads_serve_every_stage(model, tmp_path, caplog, config):
    zoo = zoo_state(config, tiny_config())
    path = write_zoo_pickle(tmp_path / "zoo.pkl", zoo)
    before, after = load(model, path, card=card(NAMES))
    for stage in range(3):
        for layer in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"):
            assert torch.equal(
                after[f"roi_heads.box_head.{stage}.{layer}"], zoo[f"roi_heads.box_head.{layer}"]
            )
        scores = after[f"roi_heads.box_predictor.{stage}.cls_score.weight"]
        assert torch.equal(scores[0], zoo["roi_heads.box_predictor.cls_score.weight"][0])
        # A cascade's boxes know no classes, the file's do.
        name = f"roi_heads.box_predictor.{stage}.bbox_pred.weight"
        assert torch.equal(after[name], before[name])
    assert "initialised: has shape (4, 16), the file's (320, 16)" in caplog.text
    assert "copied from another head" in caplog.text


@pytest.mark.parametrize("config", [CASCADE, MASK])
def test_the_zoos_mask_head_serves_every_stage(tmp_path, config):
    small = ("MODEL.MASK_ON", True, "MODEL.ROI_MASK_HEAD.NUM_CONV", 4)
    small += ("MODEL.ROI_MASK_HEAD.CONV_DIM", 8)
    model = tiny_model(*small)
    zoo = zoo_state(config, tiny_config(*small))
    path = write_zoo_pickle(tmp_path / "zoo.pkl", zoo)
    before, after = load(model, path, card=card(NAMES))
    layers = [f"mask_fcn{i}" for i in (1, 2, 3, 4)] + ["deconv"]
    for stage in range(3):
        for layer in (f"{x}.{tensor}" for x in layers for tensor in ("weight", "bias")):
            loaded = after[f"roi_heads.mask_head.{stage}.{layer}"]
            assert torch.equal(loaded, zoo[f"roi_heads.mask_head.{layer}"]), layer
        masks = after[f"roi_heads.mask_head.{stage}.predictor.weight"]
        assert torch.equal(masks[0], zoo["roi_heads.mask_head.predictor.weight"][0]), "human"
        name = f"roi_heads.mask_head.{stage}.predictor.weight"
        assert torch.equal(masks[1], before[name][1]), "cigarette"


def test_coco_classes_fit_a_model_of_coco(tmp_path):
    model = tiny_model("MODEL.ROI_HEADS.NUM_CLASSES", 80)
    zoo = zoo_state(CASCADE, tiny_config())
    _, after = load(model, write_zoo_pickle(tmp_path / "zoo.pkl", zoo), card=card(COCO))
    name = "roi_heads.box_predictor.2.cls_score.weight"
    assert torch.equal(after[name], zoo[name])


def test_further_stages_start_from_the_last(model, tmp_path):
    HOICheckpointer(model, str(tmp_path)).save("three")
    deeper = tiny_model(*FIVE_STAGES, seed=5)
    _, after = load(deeper, tmp_path / "three.pth")
    file_state = model.state_dict()
    kinds = ("box_head", "box_predictor", "interaction_heads")
    for stage, source in enumerate((0, 1, 2, 2, 2)):
        for kind in kinds:
            prefix = f"roi_heads.{kind}.{source}."
            names = [name for name in file_state if name.startswith(prefix)]
            assert names
            for name in names:
                own = f"roi_heads.{kind}.{stage}.{name.removeprefix(prefix)}"
                assert torch.equal(after[own], file_state[name]), own


def test_phase_two_starts_from_phase_one(tmp_path, caplog):
    localization = tiny_model("MODEL.INTERACTION_ON", False, seed=3)
    HOICheckpointer(localization, str(tmp_path), card=card(NAMES)).save("phase1")
    joint = tiny_model()
    before, after = load(joint, tmp_path / "phase1.pth", card=card(NAMES))
    phase1 = localization.state_dict()
    new = [name for name in after if name not in phase1]
    assert all(torch.equal(after[name], phase1[name]) for name in phase1)
    assert all(torch.equal(after[name], before[name]) for name in new)
    assert {name.split(".")[1] for name in new} == {
        "interaction_heads",
        "semantic_prior",
        "allowed_verbs",
    }
    assert "interaction_heads.{0,1,2}" in caplog.text


def test_own_checkpoints_for_other_classes_go_by_name(model, tmp_path):
    HOICheckpointer(model, str(tmp_path), card=card(NAMES)).save("own")
    other = tiny_model(seed=2)
    others = card(["dog", "Ball", "person", "cat"], human=2)
    with pytest.raises(InputError, match="own.pth.*MODEL.WEIGHTS.*only of the checkpoint: 'human'"):
        load(other, tmp_path / "own.pth", card=others)
    before, after = load(other, tmp_path / "own.pth", card=others, new_names="initialise")
    name = "roi_heads.box_predictor.1.cls_score.weight"
    own = model.state_dict()[name]
    assert torch.equal(after[name][1], own[3]) and torch.equal(after[name][2], own[0])
    assert torch.equal(after[name][4], own[4]), "background"
    assert torch.equal(after[name][[0, 3]], before[name][[0, 3]])


def test_imagenet_weights_go_to_the_backbone(model, tmp_path, caplog):
    before, after = load(model, write_imagenet_pickle(tmp_path / "R-18.pkl", model))
    for name, value in after.items():
        if name.startswith("backbone.bottom_up.") and not name.endswith("num_batches_tracked"):
            assert (value == 0.25).all(), name
        else:
            assert torch.equal(value, before[name]), name
    assert "stem.fc" in caplog.text


def test_a_wrapped_models_prefix_is_dropped(model, tmp_path):
    state = {f"module.{name}": torch.zeros_like(x) for name, x in model.state_dict().items()}
    torch.save(state, tmp_path / "bare.pth")
    _, after = load(model, tmp_path / "bare.pth")
    assert not any(value.any() for value in after.values())


def test_all_well_is_one_line(model, tmp_path, caplog):
    HOICheckpointer(model, str(tmp_path)).save("own")
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="choi_d2"):
        load(tiny_model(seed=1), tmp_path / "own.pth")
    (record,) = (r for r in caplog.records if r.name.startswith("choi_d2"))
    assert record.levelno == logging.INFO and "\n" not in record.getMessage()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "no such file"),
        (b"", "found an empty file"),
        (b"<html>404</html>", "found a web page"),
        ({"model": {"fc.weight": torch.zeros(2)}}, "none of its 1 tensors fits"),
        ({"model": {"epoch": 3}}, "'epoch' is no tensor"),
    ],
)
def test_files_without_weights(model, tmp_path, content, match):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    before = state_of(model)
    checkpointer = HOICheckpointer(model)
    with pytest.raises(InputError, match=f"weights.pth.*MODEL.WEIGHTS.*{match}"):
        checkpointer.load(str(path))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(InputError, match="found a folder"):
        checkpointer.load(str(tmp_path))


def test_no_network(model, monkeypatch):
    checkpointer = HOICheckpointer(model)

    def unreachable(path, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(checkpointer.path_manager, "get_local_path", unreachable)
    with pytest.raises(InputError) as error:
        checkpointer.load("detectron2://COCO-Detection/some_model/model_final.pkl")
    address = "https://dl.fbaipublicfiles.com/detectron2/COCO-Detection/some_model/model_final.pkl"
    assert "Name or service not known" in str(error.value)
    assert f"download {address} elsewhere and set MODEL.WEIGHTS" in str(error.value)


class Counter:
    """Something that is saved along."""

    value = 0

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


def write_run(folder, model):
    """Three checkpoints: the weights of the model's last bias, and the counter, are 1, 2, 3."""
    counter = Counter()
    checkpointer = HOICheckpointer(model, str(folder), card=card(NAMES), trainer=counter)
    for value in (1, 2, 3):
        counter.value = value
        torch.nn.init.constant_(model.roi_heads.box_predictor[0].cls_score.bias, value)
        checkpointer.save(f"model_{value}", iteration=value)
        os.utime(folder / f"model_{value}.pth", (value, value))


def resume(folder, **kwargs):
    """(value of the bias, value of the counter, what was returned)."""
    model, counter = tiny_model(seed=9), Counter()
    checkpointer = HOICheckpointer(model, str(folder), card=card(NAMES), trainer=counter, **kwargs)
    rest = checkpointer.resume_or_load("", resume=True)
    return model.roi_heads.box_predictor[0].cls_score.bias[0].item(), counter.value, rest


def test_resume_takes_the_last(model, tmp_path):
    write_run(tmp_path, model)
    bias, counter, rest = resume(tmp_path)
    assert (bias, counter, rest["iteration"]) == (3, 3, 3)
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        "last_checkpoint",
        "model_1.pth",
        "model_2.pth",
        "model_3.pth",
    ]


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "zeros", "weights only"])
def test_damaged_last_checkpoint_is_passed_by(model, tmp_path, damage, caplog):
    write_run(tmp_path, model)
    last = tmp_path / "model_3.pth"
    content = last.read_bytes()
    if damage == "cut":
        last.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        last.write_bytes(b"")
    elif damage == "missing":
        last.unlink()
    elif damage == "zeros":
        last.write_bytes(bytes(len(content)))
    else:
        torch.save({"model": model.state_dict()}, last)
    (tmp_path / ".model_4.abc.pth").write_bytes(content)
    bias, counter, rest = resume(tmp_path)
    assert (bias, counter, rest["iteration"]) == (2, 2, 2)
    assert "model_3.pth" in caplog.text and "Resuming from" in caplog.text
    assert (tmp_path / "last_checkpoint").read_text() == "model_2.pth"
    assert not (tmp_path / ".model_4.abc.pth").exists(), "half a file stays"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_without_the_name_of_the_last_the_newest_is_resumed(model, tmp_path, content, caplog):
    write_run(tmp_path, model)
    torch.save({"model": model.state_dict()}, tmp_path / "model_best.pth")
    (tmp_path / "last_checkpoint").unlink()
    if content is not None:
        (tmp_path / "last_checkpoint").write_text(content)
    bias, counter, _ = resume(tmp_path)
    assert (bias, counter) == (3, 3) and "Resuming from" in caplog.text
    assert (tmp_path / "last_checkpoint").read_text() == "model_3.pth"


def test_only_damaged_checkpoints(model, tmp_path):
    write_run(tmp_path, model)
    for path in tmp_path.glob("*.pth"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of its checkpoints can be read"):
        resume(tmp_path)


def test_resuming_another_model_is_refused(tmp_path):
    localization = tiny_model("MODEL.INTERACTION_ON", False)
    write_run(tmp_path, localization)
    with pytest.raises(InputError, match="of another model") as error:
        resume(tmp_path)
    assert not isinstance(error.value, DamagedCheckpoint)


def test_nothing_to_resume_loads_the_weights(model, tmp_path):
    HOICheckpointer(model, str(tmp_path / "before")).save("weights")
    other = tiny_model(seed=4)
    checkpointer = HOICheckpointer(other, str(tmp_path / "now"), trainer=Counter())
    (tmp_path / "now").mkdir()
    checkpointer.resume_or_load(str(tmp_path / "before" / "weights.pth"), resume=True)
    assert all(torch.equal(x, other.state_dict()[k]) for k, x in model.state_dict().items())


def test_a_failed_write_leaves_the_old_checkpoints(model, tmp_path, monkeypatch):
    write_run(tmp_path, model)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def disk_full(content, file):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(InputError, match="model_3.pth.*No space left.*make room.*--resume"):
        HOICheckpointer(model, str(tmp_path)).save("model_3", iteration=9)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_system_refuses_more_bytes(model, tmp_path):
    """torch wraps the error of a write in one of its own."""
    write_run(tmp_path, model)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(InputError, match="model_4.pth.*File too large.*make room"):
            HOICheckpointer(model, str(tmp_path)).save("model_4", iteration=9)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_not_written(model, tmp_path, value):
    write_run(tmp_path, model)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with torch.no_grad():
        model.roi_heads.box_predictor[1].cls_score.bias[2] = value
    with pytest.raises(FloatingPointError, match="1 of .* tensors .*box_predictor.1.cls_score.b"):
        HOICheckpointer(model, str(tmp_path)).save("model_4", iteration=9)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_trainer_saves_and_resumes_with_it(tmp_path):
    class Trainer(HOITrainer):
        @classmethod
        def build_train_loader(cls, cfg):
            return iter([[make_input()]] * 4)

    cfg = tiny_config("SOLVER.MAX_ITER", 2, "OUTPUT_DIR", str(tmp_path), "DATASETS.TRAIN", ())
    cfg.DATASETS.TEST = ()
    trainer = Trainer(cfg)
    trainer.resume_or_load(resume=False)
    trainer.train()
    assert (tmp_path / "last_checkpoint").read_text() == "model_final.pth"

    cfg.SOLVER.MAX_ITER = 4
    resumed = Trainer(cfg)
    resumed.resume_or_load(resume=True)
    assert isinstance(resumed.checkpointer, HOICheckpointer)
    assert resumed.start_iter == 2
    expected = trainer.model.state_dict()
    assert all(torch.equal(x, expected[k]) for k, x in resumed.model.state_dict().items())
    momenta = [x["momentum_buffer"] for x in resumed.optimizer.state.values()]
    assert momenta and any(x.any() for x in momenta)


def test_a_checkpoint_of_before_allowed_verbs_allows_all_and_is_no_other_model(tmp_path, caplog):
    model = tiny_model()
    state = model.state_dict()
    del state["roi_heads.allowed_verbs"]
    path = tmp_path / "old.pth"
    torch.save({"model": state, "iteration": 3}, path)
    (tmp_path / "last_checkpoint").write_text(path.name)
    other = tiny_model(seed=1)
    other.roi_heads.allowed_verbs.fill_(False)
    HOICheckpointer(other, str(tmp_path)).resume_or_load("")
    assert other.roi_heads.allowed_verbs.all()
    assert "initialised" not in caplog.text
