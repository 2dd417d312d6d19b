import json

import pytest

from choi_d2.cli.main import main as choi
from choi_d2.data.validate import main


def hoiw_arguments(hoiw):
    return ["hoiw", "--annotations", str(hoiw.json_file), "--images", str(hoiw.image_root)]


def test_nothing_wrong(hoiw, capsys):
    hoiw.entries[2]["annotations"] = hoiw.entries[1]["annotations"]
    hoiw.write()
    assert main(hoiw_arguments(hoiw)) == 0
    text = capsys.readouterr().out
    assert "3 images, 5 instances, 2 pairs, 3 triplets can be used" in text
    assert "no problem found" in text


def test_every_problem_is_listed(hoiw, tmp_path, capsys):
    annotations = hoiw.entries[0]["annotations"]
    annotations[0]["category_id"] = "12"
    annotations[1]["bbox"] = [1, 2, 3]
    hoiw.entries[1].pop("hoi_annotation")
    hoiw.write()
    output = tmp_path / "problems.json"
    assert main([*hoiw_arguments(hoiw), "--output", str(output)]) == 1
    text = capsys.readouterr().out
    place = f"{hoiw.json_file}, image 'a.png', field 'annotations[1].bbox'"
    assert f"fatal: bad box: {place}: expected four finite numbers, found [1, 2, 3]" in text
    assert "fatal: missing key" in text and "tolerated: unknown category" in text
    report = json.loads(output.read_text())
    assert report["loadable"] is False
    assert report["counts"]["pair of a left-out instance"] == 3
    assert len(report["problems"]) == sum(report["counts"].values())
    assert report["problems"][0].keys() == {"fatal", "kind", "file", "image", "field", "why"}


@pytest.mark.parametrize("word", ["--json", "--output=-"])
def test_a_result_for_programs(hoiw, capfd, word):
    hoiw.entries[0]["annotations"][0]["category_id"] = "12"
    hoiw.write()
    assert choi(["validate", *hoiw_arguments(hoiw), word]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["file"] == str(hoiw.json_file) and report["loadable"] is True
    assert report["usable"]["images"] == 3
    assert report["counts"]["unknown category"] == 1


def test_a_split_for_programs(register_under, tmp_path, capfd):
    register_under(tmp_path)
    for name in ("hoiw", "vcoco"):
        assert choi(["validate", name, "--split", "trainval", "--json"]) == 1
        assert json.loads(capfd.readouterr().out)["counts"]["unreadable file"] == 1


def test_the_older_name_of_the_annotations(hoiw, capfd):
    words = ["hoiw", "--json", str(hoiw.json_file), "--images", str(hoiw.image_root)]
    main(words)
    in_words = capfd.readouterr().out
    main([*words, "--json"])
    assert json.loads(capfd.readouterr().out)["file"] in in_words


def test_tolerated_problems_are_not_fatal(hoiw):
    (hoiw.image_root / "b.png").unlink()
    assert main(hoiw_arguments(hoiw)) == 0


def test_pixels(hoiw, capsys):
    path = hoiw.image_root / "b.png"
    path.write_bytes(path.read_bytes()[:300])
    assert main(hoiw_arguments(hoiw)) == 0
    assert "broken image" not in capsys.readouterr().out
    assert main([*hoiw_arguments(hoiw), "--pixels"]) == 0
    assert "tolerated: broken image" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["hoiw", "--annotations", "{missing}", "--images", "."],
        ["pic", "--root", "{missing}", "--split", "train"],
        ["pic", "--relations", "{missing}", "--images", ".", "--semantic", ".", "--instance", "."],
        ["vcoco", "--vsrl", "{missing}", "--coco", "{missing}", "--images", "."],
        ["hicodet", "--annotations", "{missing}", "--images", "."],
        ["hicodet", "--annotations", "{missing}.mat", "--split", "train", "--images", "."],
        ["hoi", "--annotations", "{missing}", "--images", "."],
    ],
)
def test_missing_files(arguments, tmp_path, capsys):
    missing = str(tmp_path / "missing.json")
    assert main([argument.replace("{missing}", missing) for argument in arguments]) == 1
    assert "fatal: unreadable file" in capsys.readouterr().out


def test_files_of_a_split(capsys, register_under, tmp_path):
    register_under(tmp_path)
    assert main(["hoiw", "--split", "trainval"]) == 1
    assert "annotations/trainval.json: no such file" in capsys.readouterr().out


def test_a_matlab_file_holds_two_splits(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CHOI_D2_CACHE", str(tmp_path))
    file = str(repository / "tests/fixtures/hicodet_edge/anno_bbox.mat")
    arguments = ["hicodet", "--annotations", file, "--images", "."]
    assert main(arguments) == 2
    assert "--split train or --split test" in capsys.readouterr().err
    assert main([*arguments, "--split", "test"]) == 1
    found = capsys.readouterr().out
    assert "fatal: no image found" in found and "3 x invisible pair" in found


@pytest.mark.parametrize("name", ["hoiw", "pic", "vcoco", "hicodet"])
def test_neither_files_nor_a_split(name, capsys):
    assert main([name]) == 2
    assert "is not given" in capsys.readouterr().err
    assert main([name, "--split", "no_such_split"]) == 2


def test_a_data_set_of_ones_own_needs_its_file(capsys):
    assert main(["hoi", "--json", "--images", "."]) == 2
    assert "'--annotations': is not given" in capsys.readouterr().err


def test_a_wrong_format_is_a_usage_error():
    with pytest.raises(SystemExit) as error:
        main(["coco"])
    assert error.value.code == 2
