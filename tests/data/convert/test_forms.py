import json

import pytest

from choi_d2.cli import init_data
from choi_d2.cli.main import main
from choi_d2.data.convert import FORMS, Options, convert
from choi_d2.utils import InputError

CONTENT = {
    "categories": [{"id": 0, "name": "man"}, {"id": 5, "name": "horse"}, {"id": 7, "name": "hat"}],
    "rel_categories": [{"id": 0, "name": "on"}, {"id": 3, "name": "ride"}],
    "images": [{"id": 0, "file_name": "a.png", "height": 40, "width": 60}],
    "annotations": [
        {"id": own, "image_id": 0, "category_id": category, "bbox": [1, 2, 10, 20]}
        for own, category in enumerate((0, 5, 7))
    ],
    "rel_annotations": [
        {"id": 0, "image_id": 0, "subject_id": 0, "object_id": 1, "predicate_id": 3},
        {"id": 1, "image_id": 0, "subject_id": 2, "object_id": 0, "predicate_id": 0},
    ],
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"verbs": [], "interactions": []}, "this package's format already"),
        ({"images": [], "annotations": [], "categories": []}, "COCO without rel_annotations"),
        ([], "an empty list"),
        ({"a": 1, "b": 2}, r"Its keys are \['a', 'b'\]"),
        ([1, 2], "one of the forms hoia, instances"),
        ("{", "ends too early"),
        ("", "empty file"),
        (b"\x89PNG\r\n\x1a\n\x00", "a PNG picture"),
    ],
)
def test_files_of_no_form(converted, tmp_path, content, message):
    with pytest.raises(InputError, match=f"source.json.*{message}"):
        converted(content)
    assert not (tmp_path / "out").exists()


def test_a_file_that_may_be_of_two_forms(converted):
    with pytest.raises(InputError, match="may be instances or coco-relations.*--form"):
        converted({**CONTENT, "annotation": [], "filenames": []})
    both = {**CONTENT, "annotation": [], "filenames": []}
    assert converted(both, form="coco-relations", humans=["man"]).form == "coco-relations"


def test_a_form_that_it_is_not(converted):
    with pytest.raises(InputError, match="expected Label Studio's.*Is it coco-relations"):
        converted(CONTENT, form="label-studio")
    with pytest.raises(InputError, match="--form.*expected one of hoia, .*found 'coco'"):
        converted(CONTENT, form="coco")


def test_what_is_there_stays_where_nothing_comes_out(write, tmp_path):
    output = tmp_path / "my.json"
    output.write_text("before")
    with pytest.raises(InputError):
        convert(write(CONTENT), output)
    assert output.read_text() == "before"
    with pytest.raises(InputError, match="--output.*to be converted"):
        convert(output, output)


def test_missing_files_and_folders(write, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        convert(tmp_path / "no.json", tmp_path / "my.json")
    with pytest.raises(InputError, match="--images.*no such folder"):
        convert(write(CONTENT), tmp_path / "my.json", options=Options(images=tmp_path / "no"))
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "annotations.xml").write_text("<annotations/>")
    with pytest.raises(InputError, match="found a folder.*Did you mean .*annotations.xml"):
        convert(tmp_path / "export", tmp_path / "my.json")


def test_the_same_file_gives_the_same_json(write, tmp_path):
    source = write(CONTENT)
    outputs = [tmp_path / "1.json", tmp_path / "2.json"]
    for output in outputs:
        convert(source, output, options=Options(humans=["man"]))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_ids_of_an_earlier_conversion_are_kept(converted, write):
    first = {
        "categories": [{"id": 4, "name": "hat"}, {"id": 2, "name": "human"}],
        "verbs": [{"id": 9, "name": "ride"}, {"id": 3, "name": "on", "takes_object": False}],
    }
    done = converted(CONTENT, like=write(first, "first.json"), humans=["man"])
    assert [(e["id"], e["name"]) for e in done.content["categories"]] == [
        (4, "hat"),
        (2, "human"),
        (5, "horse"),
    ]
    assert done.content["verbs"] == [
        {"id": 9, "name": "ride", "takes_object": True},
        {"id": 3, "name": "on", "takes_object": False},
    ]
    assert done.content["interactions"] == [{"human_id": 1, "object_id": 2, "verb_id": 9}]
    with pytest.raises(InputError, match="first.json.*verbs"):
        converted(CONTENT, like=write({"categories": []}, "first.json"))


def test_the_command(write, tmp_path, capsys):
    source, output = str(write(CONTENT)), str(tmp_path / "my.json")
    words = ["init-data", source, "--output", output]
    assert main(words) == 2
    assert "--human" in capsys.readouterr().err
    assert main([*words, "--human", "man"]) == 0
    out, err = capsys.readouterr()
    assert "1 images, 3 instances, 1 triplets, 3 classes, 1 verbs; read as coco-relations" in out
    assert "1 x subject is no human (the pair is left out); first: " in err
    assert main([*words, "--human", "man", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["triplets"] == 1 and told["problems"] == {"subject is no human": 1}


def test_the_help_names_every_form():
    assert all(form.name in init_data.__doc__ for form in FORMS)
