"""What ``import detectron2`` has to give, whoever built it."""

import pickle
import sys
import sysconfig
from pathlib import Path

import pytest
import torch
from detectron2 import model_zoo, modeling
from detectron2.structures import Boxes, Instances

WORKER = """
import pickle, sys, torch
from torch.utils.data import DataLoader, Dataset

class Scenes(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        from detectron2.structures import Boxes, Instances
        scene = Instances((10, 20), boxes=Boxes(torch.full((1, 4), float(index))))
        return pickle.dumps(scene), sorted(name for name in sys.modules if "labgym" in name.lower())

if __name__ == "__main__":
    workers = {"num_workers": 1, "multiprocessing_context": "spawn"}
    for batch in DataLoader(Scenes(), collate_fn=list, **workers):
        content, foreign = batch[0]
        scene = pickle.loads(content)
        print(type(scene).__module__, scene.boxes.tensor[0, 0].item(), foreign)
"""


BARE = """
import sys, choi_d2, detectron2
from detectron2.utils.logger import setup_logger

print(detectron2.__name__, detectron2.__file__)
setup_logger(color=False)
from detectron2.data import build

build.filter_images_with_only_crowd_annotations([{"annotations": []}])
print([name for name in sys.modules if "labgym" in name.lower()])
"""


def test_a_bare_python_finds_it_and_shows_its_log_from_any_folder(run_python):
    module, record, foreign = run_python("-c", BARE).splitlines()
    assert module.startswith("detectron2 ") and "labgym" not in module.lower()
    assert "detectron2.data.build INFO: Removed 1 images" in record
    assert foreign == "[]"


def test_the_copy_is_an_ordinary_distribution(program):
    repackage = program("repackage_detectron2")
    version = repackage.installed_version()
    if not repackage.is_repackaged(version):
        pytest.skip(f"an official Detectron2 is installed: {version}")
    place = Path(sys.modules["detectron2"].__file__)
    assert place.parent.parent == Path(sysconfig.get_path("purelib"))
    assert version == repackage.VERSION


def test_there_is_one_registry():
    from detectron2.modeling.meta_arch import META_ARCH_REGISTRY as below
    from detectron2.modeling.meta_arch.build import META_ARCH_REGISTRY as lowest

    assert modeling.META_ARCH_REGISTRY is below is lowest
    assert below.get("GeneralizedRCNN") is modeling.GeneralizedRCNN
    assert modeling.GeneralizedRCNN.__module__ == "detectron2.modeling.meta_arch.rcnn"
    foreign = [name for name in sys.modules if "labgym" in name.lower()]
    assert foreign == []


def test_pickles_name_detectron2_and_come_back():
    scene = Instances((10, 20), boxes=Boxes(torch.tensor([[1.0, 2.0, 3.0, 4.0]])))
    content = pickle.dumps(scene)
    assert b"detectron2.structures" in content
    assert b"labgym" not in content.lower()
    back = pickle.loads(content)
    assert type(back) is Instances and type(back.boxes) is Boxes
    assert back.boxes.tensor.tolist() == [[1.0, 2.0, 3.0, 4.0]]


def test_a_spawned_worker_imports_it_and_hands_over_its_structures(tmp_path, run_python):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    assert run_python(script).splitlines() == [
        f"detectron2.structures.instances {value} []" for value in (0.0, 1.0)
    ]


@pytest.mark.parametrize(
    "name",
    ["COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", "Misc/cascade_mask_rcnn_R_50_FPN_3x.yaml"],
)
def test_the_model_zoo_finds_its_config_files(name):
    cfg = model_zoo.get_config(name)
    assert Path(model_zoo.get_config_file(name)).is_file()
    assert cfg.MODEL.META_ARCHITECTURE == "GeneralizedRCNN"


def test_the_operators_that_c_hoi_needs_run():
    from detectron2.layers import ROIAlign, batched_nms

    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.1], [5.0, 5.0, 9.0, 9.0]])
    kept = batched_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.zeros(3, dtype=torch.int64), 0.5)
    assert kept.tolist() == [0, 2]
    pooled = ROIAlign((2, 2), 1.0, 0, aligned=True)(
        torch.arange(16.0).view(1, 1, 4, 4), torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])
    )
    assert pooled.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
