import importlib.util
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from choi_d2.categories.vcoco import ACTIONS
from choi_d2.data import prepare
from choi_d2.data.datasets.hoiw import load_hoiw_json
from choi_d2.data.datasets.vcoco import load_vcoco
from choi_d2.evaluation.findings import Findings
from choi_d2.formats.hicodet import read_annotations, read_image_labels
from choi_d2.utils import InputError


@pytest.fixture
def script(repository):
    """``script("hoiw")``: the module ``datasets/prepare_hoiw.py``."""

    def load(name):
        path = repository / f"datasets/prepare_{name}.py"
        spec = importlib.util.spec_from_file_location(f"prepare_{name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_hoiw_from_a_zip(script, hoiw, tmp_path):
    archive = tmp_path / "train_2019.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in hoiw.image_root.iterdir():
            file.write(path, f"some/folder/{path.name}")
        file.writestr("some/folder/not_in_the_json.png", b"")
    root = tmp_path / "root"
    arguments = ["--trainval", str(hoiw.json_file), "--trainval-images", str(archive)]
    arguments += ["--num-val", "1", "--root", str(root)]
    assert script("hoiw").main(arguments) == 0

    images = root / "hoiw/images/trainval"
    assert sorted(path.name for path in images.iterdir()) == ["a.png", "b.png", "c.png"]
    splits = [
        load_hoiw_json(root / f"hoiw/annotations/{split}.json", images)
        for split in ("trainval", "train", "val")
    ]
    names = [[record["image_id"] for record in records] for records in splits]
    assert names[0] == ["a.png", "b.png", "c.png"] == sorted(names[1] + names[2])
    assert len(names[2]) == 1
    report = (root / "hoiw/report.md").read_text()
    assert "| trainval images | 3 | 29842 (differs) |" in report
    assert "3 triplets: drink 1, hold 1, ride 1" in report

    # Once more: what is there stays, what was lost comes back.
    (images / "b.png").unlink()
    before = (images / "a.png").stat().st_mtime_ns
    assert script("hoiw").main(arguments) == 0
    assert (images / "b.png").exists() and (images / "a.png").stat().st_mtime_ns == before


def test_hoiw_files_that_are_already_split(script, hoiw, tmp_path):
    files = []
    for name, entries in (("one", hoiw.entries[:2]), ("two", hoiw.entries[2:])):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(entries))
    root = tmp_path / "root"
    arguments = ["--train", str(files[0]), "--val", str(files[1]), "--root", str(root)]
    arguments += ["--trainval-images", str(hoiw.image_root)]
    assert script("hoiw").main(arguments) == 0
    assert (root / "hoiw/images/trainval").resolve() == hoiw.image_root
    assert json.loads((root / "hoiw/annotations/trainval.json").read_text()) == hoiw.entries


def test_hoiw_split_depends_on_the_seed_and_the_names_alone(script):
    split = script("hoiw").split
    entries = [{"file_name": f"{i}.png"} for i in range(100)]
    train, val = split(entries, 30, seed=0)
    assert (len(train), len(val)) == (70, 30)
    names = {entry["file_name"] for entry in val}
    assert {entry["file_name"] for entry in split(entries[::-1], 30, seed=0)[1]} == names
    assert {entry["file_name"] for entry in split(entries, 30, seed=1)[1]} != names
    assert [entry["file_name"] for entry in val] == [
        entry["file_name"] for entry in entries if entry["file_name"] in names
    ]


@pytest.mark.parametrize(
    "arguments",
    [[], ["--trainval", "{json}"], ["--trainval", "no_such.json"], ["--trainval", "{image}"]],
)
def test_hoiw_bad_input(script, hoiw, arguments, capsys, tmp_path):
    image = str(hoiw.image_root / "a.png")
    given = [a.replace("{json}", str(hoiw.json_file)).replace("{image}", image) for a in arguments]
    # Three images cannot be split into 9,999 and others.
    assert script("hoiw").main([*given, "--root", str(tmp_path / "root")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "root").exists()


def test_pic(script, tmp_path, write_image):
    release, root = tmp_path / "release", tmp_path / "root"
    semantic, instance = np.zeros((2, 40, 60), np.uint8)
    semantic[:, :30], instance[:, :30] = 1, 5
    write_image(release / "image/train/a.jpg", 40, 60)
    for name, pixels in (("semantic", semantic), ("instance", instance)):
        (release / f"{name}/train").mkdir(parents=True)
        Image.fromarray(pixels).save(release / f"{name}/train/a.png")
    (release / "relations_train.json").write_text(json.dumps([{"name": "a.jpg", "relations": []}]))
    write_image(release / "image/test/b.jpg", 40, 60)
    arguments = ["--release", str(release), "--root", str(root)]
    assert script("pic").main(arguments) == 0 == script("pic").main(arguments)
    assert (root / "pic").resolve() == release
    report = (root / "pic_report.md").read_text()
    assert "| train images | 1 | 12654 (differs) |" in report
    assert "1 instances: human 1" in report and "val: there is no" in report

    assert script("pic").main(["--release", str(root), "--root", str(root)]) == 1


def action_file(people, held):
    """Everybody holds ``held`` and stands."""
    content = []
    for name, roles in ACTIONS:
        true = int(name in ("hold", "stand"))
        objects = [person for _, person in people]
        objects += [held if name == "hold" else 0] * len(people) * len(roles)
        content.append(
            {
                "action_name": name,
                "role_name": ["agent", *roles],
                "image_id": [image for image, _ in people],
                "ann_id": [person for _, person in people],
                "label": [true] * len(people),
                "role_object_id": objects,
            }
        )
    return content


@pytest.fixture
def vcoco_release(tmp_path, write_image):
    """A clone of V-COCO and a COCO with one image for each split, and one more."""
    vcoco, coco = tmp_path / "v-coco", tmp_path / "coco"
    for folder in (vcoco / "data/vcoco", vcoco / "data/splits", coco / "annotations"):
        folder.mkdir(parents=True)
    instances = {"train": [], "val": []}
    for image, (split, half) in enumerate(
        [("train", "train"), ("val", "train"), ("test", "val"), ("none", "val")], 1
    ):
        name = f"COCO_{half}2014_{image:012d}.jpg"
        write_image(coco / f"{half}2014" / name, 40, 60)
        instances[half].append((image, name))
        if split != "none":
            (vcoco / f"data/splits/vcoco_{split}.ids").write_text(f"{image}\n")
            people = [(image, 10 * image), (image, 10 * image + 1)]
            content = action_file(people, 10 * image + 2)
            (vcoco / f"data/vcoco/vcoco_{split}.json").write_text(json.dumps(content))
    for half, images in instances.items():
        content = {
            "categories": [{"id": 1, "name": "person"}, {"id": 49, "name": "knife"}],
            "images": [
                {"id": image, "file_name": name, "height": 40, "width": 60}
                for image, name in images
            ],
            "annotations": [
                {
                    "id": 10 * image + i,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [i, 0, 20, 20],
                    "iscrowd": 0,
                }
                for image, _ in images
                for i, category in enumerate((1, 1, 49))
            ],
        }
        (coco / f"annotations/instances_{half}2014.json").write_text(json.dumps(content))
    return vcoco, coco


def test_vcoco(script, vcoco_release, tmp_path):
    vcoco, coco = vcoco_release
    root = tmp_path / "root"
    arguments = ["--vcoco", str(vcoco), "--coco", str(coco), "--root", str(root)]
    assert script("vcoco").main(arguments) == 0 == script("vcoco").main(arguments)
    instances = root / "vcoco/annotations/instances_vcoco_all_2014.json"
    assert [image["id"] for image in json.loads(instances.read_text())["images"]] == [1, 2, 3]
    records = load_vcoco(
        root / "vcoco/annotations/vcoco_trainval.json",
        instances,
        root / "coco",
        root / "vcoco/splits/vcoco_trainval.ids",
    )
    assert [record["image_id"] for record in records] == [1, 2]
    for record in records:
        assert [(pair["human"], pair["object"]) for pair in record["interactions"]] == [
            (0, 2),
            (0, 0),
            (1, 2),
            (1, 1),
        ]
    report = (root / "vcoco/report.md").read_text()
    assert "| trainval images | 2 | 5400 (differs) |" in report
    assert "| people with actions | 6 | 16199 (differs) |" in report


def test_vcoco_bad_input(script, vcoco_release, tmp_path, capsys):
    vcoco, coco = vcoco_release
    (vcoco / "data/vcoco/vcoco_val.json").write_text("[{}]")
    arguments = ["--vcoco", str(vcoco), "--coco", str(coco), "--root", str(tmp_path / "root")]
    assert script("vcoco").main(arguments) == 1
    assert "vcoco_val.json" in capsys.readouterr().err


def test_a_folder_that_is_taken(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    with pytest.raises(InputError, match="is there already"):
        prepare.place_images(tmp_path / "source", tmp_path / "target", [])
    with pytest.raises(InputError, match="no such file or folder"):
        prepare.place_images(tmp_path / "gone", tmp_path / "target", [])
    (tmp_path / "text").write_text("x")
    with pytest.raises(InputError, match="a folder or a zip file"):
        prepare.place_images(tmp_path / "text", tmp_path / "target", [])


@pytest.fixture
def hicodet_release(repository, tmp_path, write_image):
    """The fixture's files and images in the folders of the official archive."""
    fixture, release = repository / "tests/fixtures/hicodet_edge", tmp_path / "release"
    for split in ("train", "test"):
        content = json.loads((fixture / f"instances_{split}2015.json").read_text())
        for name, (width, height) in zip(content["filenames"], content["size"], strict=True):
            write_image(release / f"images/{split}2015" / name, height, width)
    for name in ("anno_bbox.mat", "anno.mat"):
        (release / name).write_bytes((fixture / name).read_bytes())
    return release


def test_hicodet_from_the_official_archive(script, hicodet_release, repository, tmp_path):
    root = tmp_path / "root"
    arguments = ["--release", str(hicodet_release), "--root", str(root)]
    assert script("hicodet").main(arguments) == 0
    folder = root / "hicodet/annotations"
    fixture = repository / "tests/fixtures/hicodet_edge"
    for split in ("train", "test"):
        written = read_annotations(folder / f"{split}.json", split, Findings())
        official = read_annotations(fixture / "anno_bbox.mat", split, Findings())
        for key in ("names", "sizes", "images", "hoi_ids", "human_boxes", "object_boxes"):
            np.testing.assert_array_equal(getattr(written, key), getattr(official, key))
        names, labels = read_image_labels(folder / f"labels_{split}.json", split)
        expected = read_image_labels(fixture / "anno.mat", split)
        assert names == expected[0] and (labels == expected[1]).all()
        assert (root / f"hicodet/images/{split}2015").is_symlink()
    report = (root / "hicodet/report.md").read_text()
    assert "| test images | 49 | 9658 (differs) |" in report
    assert "| test pairs without boxes | 3 | |" in report.replace("|  |", "| |")


def test_hicodet_from_json_files(script, hicodet_release, repository, tmp_path):
    fixture = repository / "tests/fixtures/hicodet_edge"
    images = str(hicodet_release / "images/test2015")
    root = tmp_path / "root"
    arguments = ["--test", str(fixture / "test_hico.json"), "--test-images", images]
    assert script("hicodet").main([*arguments, "--root", str(root)]) == 0
    copied = json.loads((root / "hicodet/annotations/test.json").read_text())
    assert copied == json.loads((fixture / "test_hico.json").read_text())
    assert not list((root / "hicodet/annotations").glob("*train*"))


def test_hicodet_without_annotations(script, tmp_path, capsys):
    assert script("hicodet").main(["--release", str(tmp_path), "--root", str(tmp_path)]) == 1
    assert "anno_bbox.mat or one of instances_train2015.json" in capsys.readouterr().err
