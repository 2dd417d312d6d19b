"""Looking inside: values in the picture's pixels, and figures, also of what is not there."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "modeling"))
from tiny import NUM_VERBS, tiny_config, tiny_model  # noqa: E402

from choi_d2.cli.main import main  # noqa: E402
from choi_d2.data.faces import Faces  # noqa: E402
from choi_d2.engine import HOICheckpointer  # noqa: E402
from choi_d2.engine.model_card import ModelCard  # noqa: E402
from choi_d2.inference import Detections, HOIPredictor, Picture  # noqa: E402
from choi_d2.inspection.inner_attention import draw_attention  # noqa: E402
from choi_d2.inspection.inner_faces import draw_faces  # noqa: E402
from choi_d2.inspection.inner_ranking import draw_ranking  # noqa: E402
from choi_d2.inspection.inner_view import InnerView, look_inside  # noqa: E402
from choi_d2.structures import Vocabulary  # noqa: E402
from choi_d2.utils import InputError  # noqa: E402

VERBS = ("ride$x_1$", "hold", "乗る", "kick", "read")
VOCABULARY = Vocabulary(("person", "bike", "ball", "dog"), VERBS[:NUM_VERBS])


def view(**changes):
    """Two people, one with a face, a bike and a dog; five pairs, of which three were classified."""
    rng = np.random.default_rng(0)
    attention = rng.random((2, 3, 3, 3, 3)).astype(np.float32)
    attention /= attention.sum(axis=(3, 4), keepdims=True)
    scores = rng.uniform(0.1, 0.9, (5, len(VERBS))).astype(np.float32)
    scores[3:] = np.nan
    fields = {
        "image": np.full((60, 90, 3), 120, np.uint8),
        "vocabulary": Vocabulary(("person", "bike", "dog"), VERBS),
        "boxes": np.array(
            [[0, 0, 30, 60], [20, 30, 80, 58], [50, 3, 80, 57], [5, 40, 20, 55]], np.float32
        ),
        "classes": np.array([0, 1, 0, 2]),
        "scores": np.array([0.9, 0.8, 0.7, 0.6], np.float32),
        "pairs": np.array([[0, 1], [0, 3], [2, 1], [2, 3], [2, 2]]),
        "ranks": np.array([0.9, 0.2, 0.6, 0.1, 0.3], np.float32),
        "triplet_scores": scores,
        "humans": np.array([0, 2]),
        "attention": attention,
        "faces": np.array([[10, 2, 20, 14], [40, 2, 50, 12]], np.float32),
        "face_of": np.array([0, -1]),
        "alphas": rng.random((5, 2)).astype(np.float32),
    }
    return InnerView(**{**fields, **changes})


def nothing():
    empty = np.zeros((0, 2), np.int64)
    return view(pairs=empty, ranks=np.zeros(0), triplet_scores=np.zeros((0, 5)),
                humans=empty[:, 0], attention=np.zeros((0, 3, 3, 3, 3)), face_of=empty[:, 0],
                alphas=np.zeros((0, 2)))  # fmt: skip


def texts(figure):
    """All words of a figure."""
    from matplotlib.text import Text

    return " | ".join(x.get_text() for x in figure.findobj(Text) if x.get_text())


def rendered(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def test_a_point_finds_its_human_and_position():
    inner = view()
    assert inner.human_at((5, 5)) == 0 and inner.human_at((60, 10)) == 1
    assert inner.human_at((89, 59)) is None
    # Where boxes overlap it is the smaller one.
    overlapping = view(
        boxes=np.array([[0, 0, 80, 60], [0, 0, 1, 1], [10, 10, 30, 30], [0, 0, 1, 1]])
    )
    assert overlapping.human_at((15, 15)) == 1 and overlapping.human_at((50, 50)) == 0
    assert inner.position(0, (5, 5)) == (0, 0) and inner.position(0, (15, 59)) == (2, 1)
    assert inner.position(0, (300, -5)) == (0, 2)


def test_the_ranking_has_all_pairs_with_their_verbs():
    figure = draw_ranking(view())
    told = texts(figure)
    assert all(f"{rank:.2f}" in told for rank in view().ranks)
    assert "alone" in told and "person 0" in told and "dog 3" in told and "3 classified" in told
    assert "kick" in told or "hold" in told or "read" in told
    assert rendered(figure).std() > 10
    assert "hold" not in texts(draw_ranking(view(), score_thresh=1.0))


def test_of_a_crowd_the_best_ranked_are_shown():
    count = 40
    pairs = np.array([(h, o) for h in range(count) for o in range(count, 2 * count)])
    boxes = np.tile(np.array([[2, 2, 20, 40]], np.float32), (2 * count, 1))
    boxes += np.linspace(0, 40, 2 * count, dtype=np.float32)[:, None]
    crowd = view(
        boxes=boxes,
        classes=np.repeat([0, 1], count),
        scores=np.ones(2 * count),
        pairs=pairs,
        ranks=np.linspace(1, 0, len(pairs)),
        triplet_scores=np.full((len(pairs), 5), np.nan),
        humans=np.arange(count),
        attention=np.full((count, 3, 3, 3, 3), 1 / 9),
        face_of=np.full(count, -1),
        alphas=np.ones((len(pairs), 2)),
    )
    assert "best 10 humans and 12 objects" in texts(draw_ranking(crowd))
    assert "14 best ranked of 1600" in texts(draw_faces(crowd))
    assert texts(draw_attention(crowd)).count("itself") == 9


def test_the_map_of_a_point_and_of_three_positions():
    inner = view()
    figure = draw_attention(inner, (15, 59))
    assert f"itself {inner.attention[0, 2, 1, 2, 1]:.2f}" in texts(figure)
    assert rendered(figure).std() > 10
    told = texts(draw_attention(inner))
    assert told.count("upper") == told.count("middle") == told.count("lower") == 2
    figure = draw_attention(inner, (89, 59))
    assert "nobody at (89, 59)" in texts(figure)
    rendered(figure)


def test_the_faces_and_what_they_count():
    told = texts(draw_faces(view()))
    assert "2 face(s) found; 1 of 2 humans have none" in told and "nobody's" in told
    assert told.count("no face") == 3
    alphas = view().alphas
    assert f"{alphas[0, 0]:.2f}" in told and f"{alphas[4, 1]:.2f}" in told
    rendered(draw_faces(view(faces=None, face_of=np.array([-1, -1]))))


@pytest.mark.parametrize("draw", [draw_ranking, draw_attention, draw_faces])
def test_no_pair(draw):
    told = texts(draw(nothing()))
    assert "no pair" in told or "nobody" in told.lower()
    assert rendered(draw(nothing())).std() > 5


@pytest.mark.parametrize(
    "draw, absent, words",
    [
        (draw_ranking, "ranks", "RRM.ENABLED False"),
        (draw_attention, "attention", "IHSM.ENABLED False"),
        (draw_faces, "alphas", "EFRA.ENABLED False"),
    ],
)
def test_a_part_that_the_model_lacks(draw, absent, words):
    assert words in texts(draw(view(**{absent: None})))


def test_a_narrow_picture_and_boxes_out_of_it():
    narrow = view(image=np.zeros((400, 3, 3), np.uint8), boxes=view().boxes * 50 - 30)
    for draw in (draw_ranking, draw_attention, draw_faces):
        rendered(draw(narrow))


class OneFace:
    """A detector that finds one face everywhere."""

    def __call__(self, image_bgr, *, file_name=None):
        return Faces(np.array([[4.0, 4, 30, 30]], np.float32), np.ones(1, np.float32))


def save_model(folder, *opts):
    torch.manual_seed(0)
    opts = ["MODEL.ROI_INTERACTION_HEAD.SCORE_THRESH_TEST", 0.0, *opts]
    card = ModelCard.of(tiny_config(*opts), VOCABULARY)
    HOICheckpointer(tiny_model(*opts), str(folder), card=card).save("model_final")
    return folder / "model_final.pth"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


def test_looking_gives_what_predicting_gives(model):
    predictor = HOIPredictor.from_pretrained(model, device="cpu", faces=OneFace())
    image = np.random.default_rng(0).integers(0, 255, (90, 150, 3), np.uint8)
    boxes = np.array([[3, 4, 70, 80], [60, 8, 120, 88], [30, 40, 60, 70], [90, 9, 140, 60]], "f4")
    given = Detections(boxes, ["person", "person", "bike", "dog"], np.full(4, 0.9, np.float32))
    inner = look_inside(predictor, image, detections=given)
    (outputs,) = predictor._outputs([Picture(image, None, "x")], [given])
    instances, interactions = outputs["instances"], outputs["interactions"]
    np.testing.assert_allclose(inner.boxes, boxes, atol=1e-3)
    np.testing.assert_allclose(inner.boxes, instances.pred_boxes.tensor, atol=1e-3)
    assert inner.classes.tolist() == instances.pred_classes.tolist()
    found = {tuple(pair): row for row, pair in enumerate(inner.pairs.tolist())}
    assert len(found) == len(inner.pairs) >= len(interactions) > 0
    for row, pair in enumerate(interactions.pair_indices.tolist()):
        mine = found[tuple(pair)]
        assert inner.ranks[mine] == pytest.approx(float(interactions.rank_scores[row]), abs=1e-5)
        np.testing.assert_allclose(
            inner.triplet_scores[mine], interactions.triplet_scores[row], atol=1e-5
        )
    assert inner.attention.shape[0] == len(inner.humans) == len(inner.face_of)
    np.testing.assert_allclose(inner.attention.sum(axis=(3, 4)), 1, atol=1e-4)
    np.testing.assert_allclose(inner.faces, [[4, 4, 30, 30]], atol=1e-3)
    assert set(inner.face_of.tolist()) <= {-1, 0}
    content = json.loads(json.dumps(inner.to_dict(), allow_nan=False))
    assert len(content["pairs"]) == len(inner.pairs)
    ranks = [pair["rank_score"] for pair in content["pairs"]]
    assert ranks == sorted(ranks, reverse=True)
    with pytest.raises(InputError, match="found 2"):
        look_inside(predictor, [image, image])


def test_the_command(model, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        image = rng.integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    opts = ["--opts", "INPUT.FACES.DETECTOR", "none", "MODEL.DEVICE", "cpu"]
    words = ["show", "inner", str(tmp_path), "--model", str(model), "--output", str(tmp_path / "o")]
    assert main([*words, "--point", "40", "30", *opts]) == 1
    out, error = capsys.readouterr()
    assert "broken.png" in error and out.count("a: ") == out.count("b: ") == 1
    names = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert names == [f"{x}_{y}.png" for x in "ab" for y in ("faces", "ihsm", "ranking")]
    with Image.open(tmp_path / "o" / "a_ranking.png") as figure:
        assert min(figure.size) > 300
    (tmp_path / "broken.png").unlink()
    assert main([*words, "--format", "svg", "--json", *opts]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["failed"] == [] and len(content["pictures"]) == 2
    assert content["pictures"][0]["figures"][0].endswith("a_ranking.svg")


def test_a_model_without_interaction_networks(tmp_path):
    model = save_model(tmp_path, "MODEL.INTERACTION_ON", False)
    predictor = HOIPredictor.from_pretrained(model, device="cpu", faces="none")
    with pytest.raises(InputError, match="MODEL.INTERACTION_ON"):
        look_inside(predictor, np.zeros((40, 50, 3), np.uint8))
