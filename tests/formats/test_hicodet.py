import copy
import json

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from choi_d2.evaluation.findings import Findings
from choi_d2.formats.hicodet import read_annotations, read_image_labels
from choi_d2.utils import InputError

FILES = {
    "train": ("trainval_hico.json", "instances_train2015.json", "anno_bbox.mat"),
    "test": ("test_hico.json", "instances_test2015.json", "anno_bbox.mat"),
}


@pytest.fixture(scope="module")
def fixtures(repository):
    return repository / "tests" / "fixtures"


@pytest.mark.parametrize("split", FILES)
@pytest.mark.parametrize("name", ["hicodet", "hicodet_edge"])
def test_all_forms_hold_the_same(fixtures, name, split):
    findings = Findings()
    hoia, *others = (read_annotations(fixtures / name / f, split, findings) for f in FILES[split])
    assert not findings.messages() and len(hoia) > 50
    assert [hoia.form, *(other.form for other in others)] == ["hoia", "instances", "mat"]
    for other in others:
        assert list(other.names) == list(hoia.names)
        for key in ("images", "hoi_ids", "human_boxes", "object_boxes"):
            np.testing.assert_array_equal(getattr(other, key), getattr(hoia, key))
        np.testing.assert_array_equal(other.counts, hoia.counts)
    np.testing.assert_array_equal(others[0].sizes, others[1].sizes)
    np.testing.assert_array_equal(others[0].rare, read_rare_by_counts(fixtures / name))


def read_rare_by_counts(folder):
    return read_annotations(folder / "trainval_hico.json", "train", Findings()).counts < 10


def test_invisible_pairs_are_told_by_the_matlab_file(fixtures):
    edge = read_annotations(fixtures / "hicodet_edge" / "anno_bbox.mat", "test", Findings())
    assert [tuple(row) for row in edge.invisible] == [(21, 67), (28, 284), (30, 87)]
    assert (
        len(
            read_annotations(
                fixtures / "hicodet_edge" / FILES["test"][0], "test", Findings()
            ).invisible
        )
        == 0
    )


@pytest.mark.parametrize("name", ["hicodet", "hicodet_edge"])
def test_labels_of_both_forms(fixtures, name):
    names, labels = read_image_labels(fixtures / name / "anno.mat", "test")
    json_names, json_labels = read_image_labels(fixtures / name / "image_labels_test.json", "test")
    assert names == json_names
    np.testing.assert_array_equal(labels, json_labels)
    names, labels = read_image_labels(fixtures / name / "anno.mat", "train")
    assert labels.shape == (len(names), 600) and labels.any()


# One image: one person boards an airplane (class 1), and inspects another (class 5).
HOIA = [
    {
        "file_name": "a.jpg",
        "annotations": [
            {"bbox": [0, 0, 9, 19], "category_id": 1},
            {"bbox": [5, 5, 29, 29], "category_id": 5},
            {"bbox": [6, 5, 29, 29], "category_id": 5},
        ],
        "hoi_annotation": [
            {"subject_id": 0, "object_id": 1, "category_id": 5, "hoi_category_id": 1},
            {"subject_id": 0, "object_id": 2, "category_id": 42, "hoi_category_id": 5},
        ],
    }
]
INSTANCES = {
    "annotation": [
        {
            "boxes_h": [[1, 1, 10, 20], [1, 1, 10, 20]],
            "boxes_o": [[6, 6, 30, 30], [7, 6, 30, 30]],
            "hoi": [0, 4],
            "object": [0, 0],
            "verb": [4, 41],
        }
    ],
    "filenames": ["a.jpg"],
    "size": [[30, 30]],
    "rare": [8],
}


def changed(content, path, value):
    """A copy with one value replaced; ``DELETE`` takes it out."""
    content = copy.deepcopy(content)
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


DELETE = object()
PAIR, BOX = (0, "hoi_annotation", 1), (0, "annotations", 1)
ROW = ("annotation", 0)


def read(tmp_path, content, split="test"):
    path = tmp_path / "gt.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    findings = Findings()
    return read_annotations(path, split, findings), findings.messages()


def test_the_small_files_are_sound(tmp_path):
    (hoia, notes), (instances, other_notes) = read(tmp_path, HOIA), read(tmp_path, INSTANCES)
    assert notes == other_notes == []
    np.testing.assert_array_equal(hoia.human_boxes, instances.human_boxes)
    np.testing.assert_array_equal(hoia.object_boxes, instances.object_boxes)
    assert hoia.hoi_ids.tolist() == instances.hoi_ids.tolist() == [1, 5]
    assert hoia.place(1)["field"] == "hoi_annotation[1]"
    assert instances.place(1)["field"] == "hoi[1]"
    assert instances.rare.tolist() == [i == 8 for i in range(600)]


def test_classes_are_made_of_verb_and_object_where_the_file_has_none(tmp_path):
    content = copy.deepcopy(HOIA)
    for pair in content[0]["hoi_annotation"]:
        del pair["hoi_category_id"]
    assert read(tmp_path, content)[0].hoi_ids.tolist() == [1, 5]
    with pytest.raises(InputError, match=r"hoi_annotation\[1\].*expected an HOI class 1..600"):
        read(tmp_path, changed(content, (*PAIR, "category_id"), 1))


BROKEN = {
    "empty": (b"", "empty file"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\xff", "binary"),
    "not JSON": (b"boxes: none", "expected JSON"),
    "another object": ({"images": []}, "expected HICO-DET's annotations.*'images'"),
    "no object": (7, "expected HICO-DET's annotations"),
    "no image": ([], "the data set is empty"),
    "twice": (HOIA * 2, "image 'a.jpg': this file name occurs more than once"),
    "file name": (changed(HOIA, (0, "file_name"), 3), r"'\[0\].file_name'"),
    "missing list": (changed(HOIA, (0, "annotations"), DELETE), "'annotations' is missing"),
    "three numbers": (changed(HOIA, (*BOX, "bbox"), [1, 2, 3]), r"annotations\[1\].bbox.*four"),
    "nan": (changed(HOIA, (*BOX, "bbox"), [1, 2, 3, float("nan")]), r"annotations\[1\].bbox.*four"),
    "no such box": (changed(HOIA, (*PAIR, "object_id"), 3), r"one of the image's 3 boxes, found 3"),
    "negative": (changed(HOIA, (*PAIR, "subject_id"), -1), r"one of the image's 3 boxes, found -1"),
    "class 0": (changed(HOIA, (*PAIR, "hoi_category_id"), 0), "1..600, found 0"),
    "class 601": (changed(HOIA, (*PAIR, "hoi_category_id"), 601), "1..600, found 601"),
    "class 600 of 0..599": (changed(INSTANCES, (*ROW, "hoi", 1), 600), "0..599, found 600"),
    "unlike lists": (changed(INSTANCES, (*ROW, "boxes_o"), [[1, 1, 2, 2]]), "'boxes_o'.*2 elem"),
    "names": (changed(INSTANCES, ("filenames",), ["a.jpg", "b.jpg"]), "'filenames'.*expected 1"),
    "a name": (changed(INSTANCES, ("filenames", 0), 4), r"'filenames\[0\]'.*expected a file name"),
    "sizes": (changed(INSTANCES, ("size",), []), "'size'.*expected 1"),
    "a size": (changed(INSTANCES, ("size", 0), [30]), "'size'.*a width and a height"),
    "rare": (changed(INSTANCES, ("rare", 0), 600), r"'rare\[0\]'.*0..599"),
    "other lists": (changed(INSTANCES, ("verbs",), ["run"]), "'verbs'.*HICO-DET's list of 117"),
    "no annotation": (changed(INSTANCES, ("annotation",), 7), "'annotation'.*expected a list"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files_are_one_clear_error(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, content)
    assert "gt.json" in str(error.value)


TOLERATED = {
    "0-based": (
        changed(INSTANCES, (*ROW, "boxes_h", 0, 0), 0),
        "before the first pixel (this form counts pixels from 1; does the file count from 0?)",
    ),
    "outside": (changed(INSTANCES, (*ROW, "boxes_o", 1, 2), 31), "ends after the last pixel"),
    "before 0": (changed(HOIA, (*BOX, "bbox", 0), -1), "counts pixels from 0"),
    "inside out": (changed(HOIA, (*BOX, "bbox", 0), 30), "ends before it begins"),
    "another object": (changed(HOIA, (*BOX, "category_id"), 6), "object or verb is not its HOI"),
    "another verb": (changed(INSTANCES, (*ROW, "verb", 0), 7), "object or verb is not its HOI"),
}


@pytest.mark.parametrize(("content", "message"), TOLERATED.values(), ids=TOLERATED.keys())
def test_what_is_odd_is_counted(tmp_path, content, message):
    annotations, notes = read(tmp_path, content)
    assert annotations.hoi_ids.tolist() == [1, 5]
    assert len(notes) == 1 and message in notes[0] and ": 1 (first:" in notes[0]


def test_a_box_one_pixel_wide_is_sound(tmp_path):
    assert read(tmp_path, changed(INSTANCES, (*ROW, "boxes_h", 0), [1, 1, 1, 1]))[1] == []


@pytest.fixture
def mat(fixtures):
    """The variables of a Matlab file, to change and write anew."""
    return loadmat(fixtures / "hicodet_edge" / "anno_bbox.mat")


def written(tmp_path, variables):
    path = tmp_path / "anno_bbox.mat"
    savemat(path, {key: value for key, value in variables.items() if key[:2] != "__"})
    return path


def test_matlab_files_of_another_layout(tmp_path, mat, fixtures):
    def fails(variables, message):
        path = variables if isinstance(variables, type(tmp_path)) else written(tmp_path, variables)
        with pytest.raises(InputError, match=message):
            read_annotations(path, "test", Findings())

    fails({"boxes": 1}, "expected the variable bbox_test, found boxes")
    fails(
        {"bbox_test": np.zeros((2, 3))},
        "expected a struct array of filename, size, hoi, found float64",
    )
    fails({"bbox_test": {"name": "a"}}, "found a struct of name")
    fails(fixtures / "hicodet_edge" / "detections.mat", "found all_boxes")
    connection = mat["bbox_test"]["hoi"][0, 0]["connection"]
    connection[0, 0] = np.array([[1.0, 2.0]])
    fails(mat, r"bbox_test\(1\).hoi\(1\)'.*\(1, 2\) is none between 1 humans and 1 objects")
    connection[0, 0] = np.array([[1.0, 1.0, 1.0]])
    fails(mat, r"expected pairs \(human, object\)")
    connection[0, 0] = np.array([[1.0, 1.0]])
    mat["bbox_test"]["hoi"][0, 0]["id"][0, 0] = np.array([[601.0]])
    fails(mat, "expected an HOI class 1..600, found 601")
    mat["bbox_test"]["filename"][0, 0] = np.zeros(3)
    fails(mat, "expected a file name")
    (tmp_path / "half.mat").write_bytes(
        (fixtures / "hicodet_edge" / "anno_bbox.mat").read_bytes()[:3000]
    )
    fails(tmp_path / "half.mat", "half of one|expected the variable")
    for place in range(1000, 8000, 500):
        damaged = bytearray((fixtures / "hicodet_edge" / "anno_bbox.mat").read_bytes())
        damaged[place] ^= 0x10
        (tmp_path / "damaged.mat").write_bytes(damaged)
        fails(tmp_path / "damaged.mat", "expected a Matlab file")
    (tmp_path / "text.mat").write_bytes(b"not Matlab's")
    fails(tmp_path / "text.mat", "expected a Matlab file")
    (tmp_path / "hdf.mat").write_bytes(
        b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400)
    )
    fails(tmp_path / "hdf.mat", "7.3 is not read")
    fails(tmp_path / "none.mat", "no such file")


def test_labels_of_another_layout(tmp_path, fixtures):
    with pytest.raises(InputError, match="expected the variable anno_test"):
        read_image_labels(fixtures / "hicodet" / "anno_bbox.mat", "test")
    names = np.array(["a.jpg"], object).reshape(1, 1)
    savemat(tmp_path / "anno.mat", {"anno_test": np.zeros((600, 2)), "list_test": names})
    with pytest.raises(InputError, match=r"'anno_test'.*600 x 1, found float64 of \(600, 2\)"):
        read_image_labels(tmp_path / "anno.mat", "test")
    (tmp_path / "labels.json").write_text(json.dumps([{"file_name": "a", "positive": [0]}]))
    with pytest.raises(InputError, match=r"positive\[0\].*1..600, found 0"):
        read_image_labels(tmp_path / "labels.json", "test")


def test_the_real_files(shared):
    findings = Findings()
    path = shared / "hicodet_real" / "instances_test2015.json"
    annotations = read_annotations(path, "test", findings)
    assert (len(annotations.names), len(annotations)) == (9658, 33405)
    assert findings.messages() == [] and annotations.rare.sum() == 138
    names, labels = read_image_labels(shared / "hicodet_real" / "anno.mat", "test")
    assert names == list(annotations.names) and labels.shape == (9658, 600)
