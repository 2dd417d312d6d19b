"""The synthetic benchmark stays what it was when its numbers were published."""

import json

import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from choi_d2.synthetic import benchmark, make_dataset, scene_at
from choi_d2.synthetic.__main__ import parse_arguments
from choi_d2.utils import InputError

SCENES = {
    # part, split: instances, verbs of pairs, and the first box, of its first scenes
    ("", "train"): [[7, 2, [12, 70, 51, 176]], [8, 4, [16, 50, 79, 179]]],
    ("", "val"): [[10, 7, [156, 42, 205, 176]], [8, 5, [172, 104, 200, 129]]],
    ("", "test"): [[7, 5, [75, 105, 110, 130]], [10, 4, [57, 72, 101, 176]]],
    ("crowded", "val"): [[36, 14, [159, 53, 246, 134]], [39, 15, [44, 80, 65, 96]]],
    ("crowded", "test"): [[37, 11, [465, 70, 500, 92]], [38, 12, [399, 85, 422, 101]]],
    ("bystanders", "train"): [[7, 1, [186, 81, 237, 176]], [4, 2, [71, 90, 124, 181]]],
    ("bystanders", "val"): [[8, 2, [183, 73, 237, 177]], [8, 3, [76, 49, 129, 177]]],
    ("bystanders", "test"): [[9, 2, [73, 105, 107, 178]], [6, 2, [173, 99, 203, 127]]],
}

TRAINED, CROWDED = benchmark.PARTS[""], benchmark.PARTS["crowded"]
BYSTANDERS = benchmark.PARTS["bystanders"]


def scene(split, index, part=TRAINED):
    return scene_at(benchmark.SEED, split, index, part.image_size, part.style)


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
    assert 0.4 < away / users < 2


def test_many_have_the_posture_of_riders_and_kickers_the_other_way_round(some):
    activities = [activity for s in some for activity in s.activities]
    real = sum(a == "kick" or a.startswith("ride ") for a in activities)
    alike = sum(a == "near ball, leg behind" or a.startswith("sit on ") for a in activities)
    assert 0.4 < alike / real < 2


def test_there_are_two_to_four_people(some):
    assert {len(s.people) for s in some} == {2, 3, 4}


@pytest.mark.parametrize("index", range(4))
def test_crowded_scenes_have_over_200_pairs(index):
    crowd = scene("test", index, CROWDED)
    assert len(crowd.people) * (len(crowd.classes) - len(crowd.people)) > 200
    assert len(crowd.pairs) < 20


def test_where_bystanders_are_mostly_one_person_interacts_as_in_hoiw():
    some = [scene("train", index, BYSTANDERS) for index in range(60)]
    pairs = [len(s.pairs) for s in some]
    others = [
        len({human for human, _ in s.pairs}) * len({thing for _, thing in s.pairs}) - len(s.pairs)
        for s in some
    ]
    # 30 images of HOIW have 42 annotated pairs, and 5 others whose ends are annotated.
    assert min(pairs) == 1 and 1.1 < sum(pairs) / len(some) < 1.6
    assert 0.05 < sum(others) / len(some) < 0.3
    assert {len(s.people) for s in some} == {2, 3, 4}


def test_other_annotations_are_refused(tmp_path, monkeypatch):
    part = benchmark.Part({"val": 3}, TRAINED.image_size, TRAINED.style)
    monkeypatch.setattr(benchmark, "PARTS", {"": part})
    monkeypatch.setattr(benchmark, "SHA256", {"val.json": "0" * 64})
    with pytest.raises(InputError, match=r"val\.json.*expected the annotations of benchmark"):
        benchmark.make_benchmark(tmp_path, workers=1, progress=False)


def test_scenes_are_those_of_the_published_version(tmp_path):
    # The checksums of whole splits are checked when they are drawn.
    found = {}
    for name, part in benchmark.PARTS.items():
        make_dataset(
            tmp_path / name,
            seed=benchmark.SEED,
            sizes=dict.fromkeys(part.sizes, 2),
            image_size=part.image_size,
            style=part.style,
            workers=1,
            progress=False,
        )
        for split in part.sizes:
            found[name, split] = [
                [
                    len(image["annotations"]),
                    len(image["hoi_annotation"]),
                    image["annotations"][0]["bbox"],
                ]
                for image in json.loads((tmp_path / name / f"{split}.json").read_text())
            ]
    assert found == SCENES


def test_every_data_set_has_a_checksum():
    names = [name for name in DatasetCatalog.list() if name.startswith(f"{benchmark.FOLDER}_")]
    assert len(names) == 2 * len(benchmark.SHA256) == 32
    assert {benchmark.checksum_of(name) for name in names} == {*benchmark.SHA256.values()}
    sparse = benchmark.checksum_of("synthetic_benchmark_crowded_sparse_test_true_faces")
    assert sparse == benchmark.SHA256["crowded/test_sparse.json"]
    assert benchmark.checksum_of("synthetic_hoiw_train") is None


def test_faces_are_a_detectors_unless_asked_for(register_under, tmp_path):
    part = benchmark.Part({"val": 12}, TRAINED.image_size, TRAINED.style)
    make_dataset(
        tmp_path / benchmark.FOLDER,
        seed=benchmark.SEED,
        sizes=part.sizes,
        image_size=part.image_size,
        style=part.style,
        workers=1,
        progress=False,
    )
    register_under(tmp_path)
    found, true = (
        [face["score"] for record in DatasetCatalog.get(name) for face in record["faces"]]
        for name in ("synthetic_benchmark_val", "synthetic_benchmark_val_true_faces")
    )
    assert set(true) == {1.0} and max(found) < 1


def test_every_metric_is_asked_for():
    metadata = MetadataCatalog.get("synthetic_benchmark_sparse_test")
    assert metadata.evaluator_type == ("hoiw", "box_recall", "ranking")


def test_the_command_line_knows_it():
    options = parse_arguments(["--benchmark", "--root", "there"])
    assert (options.train, options.val, options.test) == tuple(TRAINED.sizes.values())
    assert options.seed == benchmark.SEED and options.size == TRAINED.image_size
