import math

import pytest
import torch

from choi_d2.modeling.interaction.box_maps import box_maps
from choi_d2.modeling.interaction.geometric import GeometricEncoder
from choi_d2.modeling.interaction.geometry import assign_faces, box_coverage, union_boxes


def random_boxes(count, low=0, high=50):
    corners = torch.rand(count, 2, 2) * (high - low) + low
    return torch.cat([corners.min(dim=1).values, corners.max(dim=1).values], dim=1)


def covered_part(box, cell):
    """Area of the intersection over the area of the cell, one number at a time."""
    width = max(0.0, min(box[2], cell[2]) - max(box[0], cell[0]))
    height = max(0.0, min(box[3], cell[3]) - max(box[1], cell[1]))
    return width * height / ((cell[2] - cell[0]) * (cell[3] - cell[1]))


def test_union_boxes():
    humans, objects = random_boxes(20), random_boxes(20)
    for h, o, u in zip(humans.tolist(), objects.tolist(), union_boxes(humans, objects).tolist()):
        assert u == [min(h[0], o[0]), min(h[1], o[1]), max(h[2], o[2]), max(h[3], o[3])]


@pytest.mark.parametrize("resolution", [1, 3, 7])
def test_box_coverage_against_a_loop(resolution):
    boxes, frames = random_boxes(12).double(), random_boxes(12, 10, 60).double()
    coverage = box_coverage(boxes, frames, resolution)
    for p, (box, frame) in enumerate(zip(boxes.tolist(), frames.tolist())):
        width, height = (frame[2] - frame[0]) / resolution, (frame[3] - frame[1]) / resolution
        for row in range(resolution):
            for column in range(resolution):
                x, y = frame[0] + column * width, frame[1] + row * height
                expected = covered_part(box, (x, y, x + width, y + height))
                assert coverage[p, row, column].item() == pytest.approx(expected, abs=1e-9)


def test_box_coverage_of_frames_without_area_is_finite():
    frames = torch.tensor([[5.0, 5, 5, 5], [3, 3, 3, 9]])
    coverage = box_coverage(torch.tensor([[0.0, 0, 9, 9]]).expand(2, 4), frames, 3)
    assert torch.isfinite(coverage).all() and (coverage >= 0).all() and (coverage <= 1 + 1e-6).all()


def test_box_maps_put_the_human_first_in_the_union_frame():
    human, object_ = torch.tensor([[0.0, 0, 4, 8]]), torch.tensor([[4.0, 4, 8, 8]])
    maps = box_maps(human, object_, 4).whole()
    assert maps[0, 0].tolist() == [[1, 1, 0, 0]] * 4
    assert maps[0, 1].tolist() == [[0, 0, 0, 0]] * 2 + [[0, 0, 1, 1]] * 2


def test_geometric_encoder_against_its_layers_on_all_maps_at_once():
    """Whatever the layout of the maps and however many are encoded at a time."""
    encoder = GeometricEncoder(resolution=16, conv_dims=(4, 6), dim=10).double()
    humans, objects = random_boxes(37).double(), random_boxes(37).double()
    of_boxes = box_maps(humans, objects, 16)
    maps = of_boxes.whole()
    assert maps.is_contiguous(memory_format=torch.channels_last)
    first, second = encoder.convs[0], encoder.convs[2]
    weights = torch.rand(37, 10, dtype=torch.float64)

    x = torch.nn.functional.max_pool2d(first(maps.contiguous()).relu(), 2)
    x = torch.nn.functional.max_pool2d(second(x).relu(), 2)
    plain = encoder.fc(x.flatten(1)).relu()
    parameters = list(encoder.parameters())
    plain_gradients = torch.autograd.grad((plain * weights).sum(), parameters)
    for layout in (of_boxes, maps, maps.contiguous()):
        encoded = encoder(layout)
        gradients = torch.autograd.grad((encoded * weights).sum(), parameters)
        torch.testing.assert_close(encoded, plain)
        torch.testing.assert_close(gradients, plain_gradients)


def test_geometric_encoder_without_pairs_still_reaches_its_parameters():
    encoder = GeometricEncoder(resolution=16, conv_dims=(4, 6), dim=10)
    assert encoder(torch.rand(3, 2, 16, 16)).shape == (3, 10)
    encoder(torch.zeros(0, 2, 16, 16)).sum().backward()
    assert all((p.grad == 0).all() for p in encoder.parameters())


class TestAssignFaces:
    human = torch.tensor([[10.0, 10, 50, 110]])

    def test_the_larger_part_inside_wins(self):
        faces = torch.tensor([[45.0, 20, 65, 40], [40, 20, 60, 40]])  # a quarter, a half inside
        assert assign_faces(self.human, faces, torch.tensor([0.9, 0.5])).tolist() == [1]

    def test_of_two_faces_inside_the_one_at_the_head_wins_whatever_the_scores(self):
        faces = torch.tensor([[20.0, 60, 30, 70], [25.0, 15, 35, 25]])
        for scores in ([0.9, 0.5], [0.5, 0.9], [0.7, 0.7]):
            assert assign_faces(self.human, faces, torch.tensor(scores)).tolist() == [1]

    def test_at_the_same_distance_the_score_decides(self):
        faces = torch.tensor([[18.0, 15, 28, 25], [32.0, 15, 42, 25]])
        for scores in ([0.9, 0.5], [0.5, 0.9]):
            best = scores.index(0.9)
            assert assign_faces(self.human, faces, torch.tensor(scores)).tolist() == [best]

    def test_two_people_of_whom_one_stands_in_the_others_box(self):
        grown_up, child = [10.0, 10, 60, 110], [30.0, 50, 55, 110]
        faces = torch.tensor([[28.0, 14, 40, 28], [38.0, 52, 48, 64]])
        humans = torch.tensor([grown_up, child])
        assert assign_faces(humans, faces, torch.tensor([0.6, 0.95])).tolist() == [0, 1]

    def test_no_face_that_touches(self):
        faces = torch.tensor([[200.0, 20, 220, 40], [20, 20, 20, 40]])  # far; without area
        assert assign_faces(self.human, faces, torch.tensor([1.0, 1.0])).tolist() == [-1]

    def test_nobody_and_no_face(self):
        none = torch.zeros(0, 4)
        assert assign_faces(self.human, none, torch.zeros(0)).tolist() == [-1]
        assert assign_faces(none, self.human, torch.ones(1)).tolist() == []

    def test_against_a_loop(self):
        humans, faces, scores = random_boxes(15), random_boxes(9), torch.rand(9)
        humans[:3] = torch.tensor([-1.0, -1, 51, 51])  # all faces inside
        humans[1] += 3
        for human, choice in zip(humans.tolist(), assign_faces(humans, faces, scores).tolist()):
            head = (human[0] + human[2]) / 2, human[1]
            ranks = []
            for face, score in zip(faces.tolist(), scores.tolist()):
                middle = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
                part = round(covered_part(human, face), 4)
                ranks.append((part, -math.dist(head, middle), score))
            best = ranks.index(max(ranks))
            assert choice == (best if ranks[best][0] > 0 else -1)
