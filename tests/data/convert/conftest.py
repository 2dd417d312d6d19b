"""Files of each form, written on the spot."""

import json

import pytest

from choi_d2.data.convert import Options, convert
from choi_d2.data.datasets.hoi_json import load_hoi_json
from choi_d2.data.validation import Problems

SIZE = (40, 60)
"""Height and width of every image."""


class Converted:
    """A conversion with what the loader makes of it; triplets by name."""

    def __init__(self, done, output, images):
        self.form, self.content, self.problems = done.form.name, done.content, done.problems
        assert json.loads(output.read_text()) == done.content
        self.loading = Problems(output, collect=True)
        self.records = load_hoi_json(output, images, problems=self.loading)

    @property
    def triplets(self):
        """{(file name, verb, box of the human, class and box of the object, or None)}."""
        names = {each["id"]: each["name"] for each in self.content["categories"]}
        verbs = {each["id"]: each["name"] for each in self.content["verbs"]}
        images = {each["id"]: each["file_name"] for each in self.content["images"]}
        instances = {each["id"]: each for each in self.content["annotations"]}

        def one(entry):
            human, target = instances[entry["human_id"]], instances.get(entry["object_id"])
            assert names[human["category_id"]] == "person"
            thing = target and (names[target["category_id"]], tuple(target["bbox"]))
            image = images[human["image_id"]]
            return image, verbs[entry["verb_id"]], tuple(human["bbox"]), thing

        found = [one(entry) for entry in self.content["interactions"]]
        assert len(found) == len(set(found))
        return set(found)

    @property
    def names(self):
        return [each["name"] for each in self.content["categories"]]

    @property
    def verbs(self):
        return {each["name"]: each["takes_object"] for each in self.content["verbs"]}


@pytest.fixture
def images(tmp_path, write_image):
    """A folder with a.png, b.png and c.png."""
    for name in ("a.png", "b.png", "c.png"):
        write_image(tmp_path / "images" / name, *SIZE)
    return tmp_path / "images"


@pytest.fixture
def write(tmp_path):
    """``write(content, name)``: a file of JSON, text or bytes."""

    def write(content, name="source.json"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def converted(write, images, tmp_path):
    """``converted(content, name, form=None, **options)``: convert it, and load the result."""

    def run(content, name="source.json", form=None, **options):
        options = {"images": images, **options}
        output = tmp_path / "out" / "my.json"
        done = convert(write(content, name), output, form=form, options=Options(**options))
        return Converted(done, output, images)

    return run
