"""The synthetic benchmark stays what it was when its numbers were published."""

import json

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.data.synthetic import benchmark, make_dataset, scene_at
from choi_d2.data.synthetic.__main__ import parse_arguments
from choi_d2.utils import InputError

SCENES = {
    # split: instances, verbs of pairs, and the first box, of its first scenes
    "train": [[9, 5, [118, 115, 182, 223]], [11, 4, [58, 170, 151, 222]]],
    "val": [[10, 5, [224, 132, 255, 158]], [11, 5, [233, 142, 269, 169]]],
    "test": [[10, 4, [7, 169, 37, 177]], [9, 5, [10, 99, 48, 221]]],
}


def scene(split, index):
    return scene_at(benchmark.SEED, split, index, benchmark.IMAGE_SIZE, benchmark.STYLE)


@pytest.fixture(scope="module")
def some():
    return [scene("train", index) for index in range(60)]


def test_most_pairs_have_no_verb(some):
    candidates = sum(len(s.people) * (len(s.classes) - len(s.people)) for s in some)
    assert sum(len(s.pairs) for s in some) < 0.25 * candidates


def test_only_the_gaze_tells_many_from_those_who_use_the_thing(some):
    activities = [activity for s in some for activity in s.activities]
    users = sum(a in ("play(cellphone)", "read", "play(computer)") for a in activities)
    away = sum(a in ("hold cellphone", "hold document", "ignore computer") for a in activities)
    assert 0.5 < away / users < 2


def test_there_are_two_to_four_people(some):
    assert {len(s.people) for s in some} == {2, 3, 4}


def test_other_annotations_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "SIZES", {"val": 3})
    monkeypatch.setattr(benchmark, "SHA256", {"val": "0" * 64})
    with pytest.raises(InputError, match=r"val\.json.*expected the annotations of benchmark"):
        benchmark.make_benchmark(tmp_path, workers=1, progress=False)


def test_scenes_are_those_of_the_published_version(tmp_path):
    # The checksums of whole splits are checked when they are drawn.
    sizes = dict.fromkeys(benchmark.SIZES, 2)
    make_dataset(
        tmp_path,
        seed=benchmark.SEED,
        sizes=sizes,
        image_size=benchmark.IMAGE_SIZE,
        style=benchmark.STYLE,
        workers=1,
        progress=False,
    )
    found = {
        split: [
            [
                len(image["annotations"]),
                len(image["hoi_annotation"]),
                image["annotations"][0]["bbox"],
            ]
            for image in json.loads((tmp_path / f"{split}.json").read_text())
        ]
        for split in sizes
    }
    assert found == SCENES


def test_both_metrics_are_asked_for():
    assert "synthetic_benchmark_test" in DatasetCatalog.list()
    metadata = MetadataCatalog.get("synthetic_benchmark_test")
    assert metadata.evaluator_type == ("hoiw", "box_recall")


def test_the_command_line_knows_it():
    options = parse_arguments(["--benchmark", "--root", "there"])
    assert (options.train, options.val, options.test) == tuple(benchmark.SIZES.values())
    assert options.seed == benchmark.SEED and options.size == benchmark.IMAGE_SIZE
