import json

import numpy as np
import pytest
from PIL import Image

from choi_d2.inference import HOIResult
from choi_d2.inspection.result_pictures import at_least, draw_result, read_results
from choi_d2.structures import Vocabulary
from choi_d2.utils import InputError
from choi_d2.utils.output_names import OutputNames


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((60, 80, 3), 100, np.uint8)).save(path)
    return HOIResult(
        boxes=np.array([[5, 5, 40, 55], [30, 20, 50, 40]], np.float32),
        classes=np.array([0, 1]),
        scores=np.array([0.9, 0.8], np.float32),
        pairs=np.array([[0, 1], [0, 1]]),
        verbs=np.array([0, 1]),
        triplet_scores=np.array([0.6, 0.2], np.float32),
        image_size=(60, 80),
        vocabulary=Vocabulary(("person", "cup"), ("hold", "drink"), 0),
        file_name=str(path),
    )


def test_lines_are_read_filtered_and_drawn(result, tmp_path):
    file = tmp_path / "results.jsonl"
    file.write_text(f"{result.to_json()}\n\n{result.to_json()}\n")
    read = list(read_results(file))
    assert [str(x) for x in read] == [str(result)] * 2
    strong = at_least(read[0], 0.5)
    assert strong.triplets.verbs == ["hold"]
    names = OutputNames()
    paths = [draw_result(x, tmp_path / "out", names) for x in (strong, read[1])]
    assert [path.name for path in paths] == ["photo.jpg", "photo_2.jpg"]
    with Image.open(paths[0]) as drawing:
        assert np.asarray(drawing).std() > 5


def test_pictures_that_were_moved_or_are_others(result, tmp_path):
    (tmp_path / "moved").mkdir()
    (tmp_path / "photo.png").rename(tmp_path / "moved" / "photo.png")
    with pytest.raises(InputError, match="photo.png"):
        draw_result(result, tmp_path / "out", OutputNames())
    assert draw_result(result, tmp_path / "out", OutputNames(), images=tmp_path / "moved").is_file()
    Image.new("RGB", (10, 10)).save(tmp_path / "moved" / "photo.png")
    with pytest.raises(InputError, match="10"):
        draw_result(result, tmp_path / "out", OutputNames(), images=tmp_path / "moved")


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"vocabulary": 3}'])
def test_a_broken_line_is_named(result, tmp_path, line):
    file = tmp_path / "results.jsonl"
    file.write_text(f"{result.to_json()}\n{line}\n")
    with pytest.raises(InputError, match="results.jsonl, field 'line 2"):
        list(read_results(file))


def test_one_picture_with_indentation_is_no_line(result, tmp_path):
    file = tmp_path / "photo.json"
    file.write_text(json.dumps(result.to_dict(), indent=1))
    assert len(list(read_results(file))) == 1
