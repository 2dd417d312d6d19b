import numpy as np
import pytest
import torch
from detectron2.structures import Boxes, Instances
from PIL import Image

from choi_d2.structures import HOIAnnotations
from choi_d2.utils import InputError
from choi_d2.visualization import TripletVisualizer, palette
from choi_d2.visualization import labels as label_writing


def has_color(image, color):
    return bool((image == color).all(-1).any())


@pytest.fixture
def labels(monkeypatch):
    """The words of the labels that are drawn, line by line."""
    drawn = []
    render = label_writing.render_label

    def spy(lines, *args):
        drawn.append(["".join(words for words, _ in line) for line in lines])
        return render(lines, *args)

    monkeypatch.setattr(label_writing, "render_label", spy)
    return drawn


def test_ground_truth_in_words_and_colours(image, metadata, record, labels):
    drawing = TripletVisualizer(image, metadata).draw_ground_truth(record).get_image()
    assert ["human hold bike", "human ride bike"] in labels
    assert ["human walk"] in labels
    assert has_color(drawing, palette.HUMANS[0]) and has_color(drawing, palette.OBJECT)
    assert has_color(drawing, palette.HUMANS[1])


def test_predictions_have_scores(image, metadata, instances, interactions, labels):
    TripletVisualizer(image, metadata).draw_predictions(
        instances, interactions, score_thresh=0.3, max_triplets=2
    )
    assert ["human ride bike 0.90", "human hold bike 0.60"] in labels
    assert not any("walk" in line for label in labels for line in label)


def test_a_threshold_above_all_leaves_the_picture(image, metadata, instances, interactions):
    drawing = TripletVisualizer(image, metadata, scale=1.0).draw_predictions(
        instances, interactions, score_thresh=5.0
    )
    assert np.array_equal(drawing.get_image(), image)


def test_instances_without_triplet_only_where_asked_for(image, metadata, record, labels):
    record["interactions"] = record["interactions"][:1]
    drawn = TripletVisualizer(image, metadata).draw_ground_truth(record).get_image()
    assert ["human"] in labels
    labels.clear()
    less = TripletVisualizer(image, metadata).draw_ground_truth(record, all_instances=False)
    assert ["human"] not in labels
    assert has_color(drawn, palette.BYSTANDER) and not has_color(
        less.get_image(), palette.BYSTANDER
    )


def test_unsure_instances_are_not_outlined(image, metadata, instances, interactions, labels):
    none = interactions[torch.zeros(3, dtype=torch.bool)]
    TripletVisualizer(image, metadata).draw_predictions(
        instances, none, score_thresh=0.75, all_instances=True
    )
    assert labels == [["human"], ["bike"]]


def test_masks_and_faces(image, metadata, record):
    boxes = TripletVisualizer(image, metadata).draw_ground_truth(record).get_image()
    masks = TripletVisualizer(image, metadata).draw_ground_truth(record, masks=True).get_image()
    faces = TripletVisualizer(image, metadata).draw_ground_truth(record, faces=True).get_image()
    lower_left = (slice(560, 570), slice(48, 56))  # of human 0's box, outside of its mask
    assert has_color(boxes[lower_left], palette.HUMANS[0])
    assert not has_color(masks[lower_left], palette.HUMANS[0])
    inside_mask = masks[150, 90].astype(int)
    assert inside_mask[0] > 128 > inside_mask[2]
    assert has_color(faces, palette.FACE) and not has_color(boxes, palette.FACE)


@pytest.mark.parametrize("all_instances", [True, False])
def test_pairs_without_a_verb_are_grey_lines(image, metadata, all_instances):
    truth = Instances((240, 320))
    truth.gt_boxes = Boxes(
        torch.tensor([[20.0, 30, 120, 230], [90, 100, 180, 200], [200, 40, 300, 230]])
    )
    truth.gt_classes = torch.tensor([0, 2, 0])
    annotations = HOIAnnotations(torch.tensor([[0, 1]]), torch.tensor([[1.0, 0, 0]]))
    drawings = [
        TripletVisualizer(image, metadata, scale=1.0)
        .draw_sample(
            {"instances": truth, "interactions": annotations},
            all_instances=all_instances,
            other_pairs=pairs,
        )
        .get_image()
        for pairs in (None, torch.tensor([[2, 1], [0, 0]]))
    ]
    assert [has_color(drawing, palette.OTHER_PAIR) for drawing in drawings] == [False, True]
    # Half way from the middle of the second human to that of the bike.
    around = (slice(110, 180), slice(170, 215))
    assert has_color(drawings[1][around], palette.OTHER_PAIR)


def test_predicted_faces(image, metadata, instances, interactions):
    faces = Instances((240, 320), boxes=Boxes(torch.tensor([[50.0, 35.0, 80.0, 75.0]])))
    drawing = TripletVisualizer(image, metadata).draw_predictions(
        instances, interactions, faces=faces
    )
    assert has_color(drawing.get_image(), palette.FACE)


@pytest.mark.parametrize(
    "size, expected",
    [
        ((30, 40), (600, 800)),
        ((600, 800), (600, 800)),
        ((1, 1), (800, 800)),
        ((3, 600), (12, 2400)),
        ((1200, 900), (1200, 900)),
    ],
)
def test_small_pictures_are_enlarged(metadata, record, size, expected):
    height, width = size
    for annotation in record["annotations"]:
        x1, y1, x2, y2 = annotation["bbox"]
        annotation["bbox"] = [
            x1 * width / 320, y1 * height / 240, x2 * width / 320, y2 * height / 240
        ]  # fmt: skip
    drawing = TripletVisualizer(np.zeros((*size, 3), np.uint8), metadata).draw_ground_truth(record)
    assert drawing.get_image().shape == (*expected, 3)
    assert has_color(drawing.get_image(), palette.TEXT)


def test_pictures_without_anything(image, metadata):
    drawing = TripletVisualizer(image, metadata, scale=1.0).draw_ground_truth({}, masks=True)
    assert np.array_equal(drawing.get_image(), image)


def test_a_human_on_top_of_its_object_and_boxes_outside(image, metadata, record):
    record["annotations"][1]["bbox"] = record["annotations"][0]["bbox"]
    record["annotations"][2]["bbox"] = [-500.0, -500.0, 5000.0, 5000.0]
    record["interactions"].append({"human": 2, "object": 0, "verbs": [0]})
    drawing = TripletVisualizer(image, metadata).draw_ground_truth(record, masks=True)
    assert has_color(drawing.get_image(), palette.TEXT)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3), np.float32), np.zeros((5, 5, 4), np.uint8)],
)
def test_no_rgb_picture(wrong, metadata):
    with pytest.raises(ValueError, match="uint8"):
        TripletVisualizer(wrong, metadata)


def test_no_names(image):
    with pytest.raises(InputError, match="thing_classes"):
        TripletVisualizer(image, object())


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_save(image, metadata, record, tmp_path, name):
    drawing = TripletVisualizer(image, metadata).draw_ground_truth(record)
    drawing.save(tmp_path / "new" / name)
    with Image.open(tmp_path / "new" / name) as written:
        difference = np.abs(np.asarray(written).astype(int) - drawing.get_image())
    assert difference.mean() < 3
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]
