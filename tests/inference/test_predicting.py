"""HOIPredictor on sources: one result a picture, in order, the same in batches."""

import cv2
import numpy as np
import pytest

from choi_d2.inference import Detections
from choi_d2.utils import InputError


def pictures(sizes):
    generator = np.random.default_rng(0)
    return [generator.integers(0, 255, (*size, 3), np.uint8) for size in sizes]


def given(count):
    """Boxes of two people, a dog and a ball, which a model of random weights does not find."""
    boxes = np.array([[2, 2, 20, 40], [12, 5, 30, 30], [5, 20, 25, 31], [1, 1, 9, 9]], np.float32)
    names = ["person", "person", "dog", "ball"]
    return [Detections(boxes + i, names, [0.9, 0.8, 0.7, 0.6]) for i in range(count)]


@pytest.mark.parametrize("detections", [None, given(5)], ids=["its own boxes", "given boxes"])
def test_batches_give_what_single_pictures_give(predictor, detections):
    """Of several sizes, in their order, however many go together."""
    images = pictures([(60, 80), (80, 60), (60, 80), (33, 47), (60, 80)])
    kwargs = {"score_thresh": 0.0, "max_triplets": None, "detections": detections}
    singles = predictor(images, **kwargs)
    for batch_size in (2, 5, 8):
        batched = predictor(images, batch_size=batch_size, **kwargs)
        assert len(batched) == len(images)
        for single, each in zip(singles, batched):
            assert each.image_size == single.image_size
            np.testing.assert_allclose(each.boxes, single.boxes, atol=1e-4 * 80)
            np.testing.assert_allclose(each.scores, single.scores, atol=1e-4)
            np.testing.assert_allclose(each.triplet_scores, single.triplet_scores, atol=1e-4)
    assert all(len(x.boxes) for x in singles)
    assert detections is None or all(len(x) for x in singles)


def test_streams_work_while_they_are_read(predictor, tmp_path):
    for number, image in enumerate(pictures([(40, 50)] * 3)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    read = []

    def paths():
        for path in sorted(tmp_path.glob("*.png")):
            read.append(path.name)
            yield path

    results = predictor(paths(), stream=True)
    assert next(results).file_name.endswith("0.png")
    assert read == ["0.png"]
    assert [x.file_name[-5:] for x in results] == ["1.png", "2.png"]


def test_bad_pictures_are_told_and_left_out(predictor, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), pictures([(40, 50)])[0])
    (tmp_path / "b.png").write_bytes(b"nothing")
    errors = []
    (result,) = predictor(tmp_path, on_error=errors.append)
    assert result.file_name.endswith("a.png")
    assert "b.png" in str(errors[0])
    with pytest.raises(InputError, match="b.png"):
        predictor(tmp_path)


def test_results_can_do_without_their_picture(predictor):
    (image,) = pictures([(40, 50)])
    assert predictor(image, keep_image=False)[0].image is None
    np.testing.assert_array_equal(predictor(image)[0].image, image[:, :, ::-1])


def test_other_detectors_boxes(predictor):
    """The pairs are those of the given boxes; what the model detects itself is not asked."""
    image = pictures([(60, 80)])[0]
    boxes = np.array([[5.0, 5.0, 30.0, 55.0], [20.0, 30.0, 60.0, 58.0]], np.float32)
    given = Detections(boxes, ["dog", "person"], [0.9, 0.8])
    (result,) = predictor(image, detections=[given], score_thresh=0.0, max_triplets=None)
    np.testing.assert_allclose(result.boxes, boxes, atol=1e-3)
    assert result.names == ["dog", "person"]
    assert len(result) > 0
    assert np.unique(result.pairs, axis=0).tolist() == [[1, 0]]
    nothing = Detections([], [], [])
    (result,) = predictor(image, detections=lambda picture: nothing, score_thresh=0.0)
    assert len(result.boxes) == len(result) == 0


def test_batches_of_nothing(predictor):
    assert predictor([]) == []
    with pytest.raises(InputError, match="batch_size.*at least 1"):
        predictor([], batch_size=0)
