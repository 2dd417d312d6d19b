from collections import Counter

import numpy as np
import pytest

from choi_d2.categories.hoiw import OBJECTS, VERBS
from choi_d2.synthetic import SceneStyle, draw_scene
from choi_d2.synthetic import scenes as scenes_module

GRIPS = {
    "smoke": "cigarette",
    "call": "cellphone",
    "eat": "food",
    "drink": "drink",
    "read": "document",
}


def triplets(scenes, *verbs):
    """(scene, person, object index, verbs) of the pairs that have one of the verbs."""
    for scene in scenes:
        for (human, thing), of_pair in scene.pairs.items():
            if set(verbs) & set(of_pair):
                yield scene, scene.people[human], thing, of_pair


def distance(mask, point):
    """Pixels from a point to the nearest pixel of a mask."""
    ys, xs = np.nonzero(mask)
    return np.hypot(xs + 0.5 - point[0], ys + 0.5 - point[1]).min()


def gaze_angle(scene, person, thing):
    """Degrees in the picture from the gaze to a thing; 180 for a look at the viewer."""
    looks, way = np.array(person.gaze[:2]), np.array(scene.centers[thing]) - person.head
    if np.hypot(*looks) < 0.3:
        return 180.0
    cosine = looks @ way / np.hypot(*looks) / np.hypot(*way)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_same_seed_same_scene_other_seed_other_scene():
    first, again, other = draw_scene(3), draw_scene(3), draw_scene(4)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert first.pairs == again.pairs and first.faces == again.faces
    assert (first.image != other.image).any()


def test_boxes_are_tight_around_disjoint_masks(scenes):
    for scene in scenes:
        assert scene.masks.sum(axis=0).max() <= 1
        for box, mask in zip(scene.boxes, scene.masks, strict=True):
            ys, xs = np.nonzero(mask)
            assert tuple(box) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_nothing_is_too_small_to_learn(scenes):
    longest = Counter()
    for scene in scenes:
        for box, category in zip(scene.boxes, scene.classes, strict=True):
            sides = box[2:] - box[:2]
            assert sides.max() >= 16 and sides.min() >= (5 if category == 2 else 10)
            longest[category == 0, sides.max() >= 110] += 1
    assert longest[True, True] > 0.8 * (longest[True, True] + longest[True, False])


def test_pairs_join_a_person_and_an_object_with_a_verb_that_fits_it(scenes):
    fits = {
        **{verb: {category} for verb, category in GRIPS.items()},
        "play(cellphone)": {"cellphone"},
        "play(computer)": {"computer"},
        "kick": {"ball"},
        "ride": {"bike", "motorbike", "horse"},
        "hold": set(OBJECTS[1:]),
    }
    for scene in scenes:
        assert set(scene.people) == set(np.flatnonzero(scene.classes == 0))
        for (human, thing), verbs in scene.pairs.items():
            assert scene.classes[human] == 0 < scene.classes[thing]
            assert verbs and len(set(verbs)) == len(verbs)
            assert all(OBJECTS[scene.classes[thing]] in fits[verb] for verb in verbs)


def test_faces_lie_inside_their_humans_and_only_where_one_looks_this_way(scenes):
    count = 0
    for scene in scenes:
        for human, (x1, y1, x2, y2) in scene.faces.items():
            bx1, by1, bx2, by2 = scene.boxes[human]
            assert bx1 <= x1 < x2 <= bx2 and by1 <= y1 < y2 <= by2
            assert scene.people[human].view != "back" and scene.people[human].gaze[2] > -0.2
            count += 1
    people = sum(len(scene.people) for scene in scenes)
    assert 0.75 * people < count < people


def test_who_holds_has_a_hand_on_it(scenes):
    found = 0
    for scene, person, thing, _ in triplets(scenes, "hold"):
        gap = min(distance(scene.masks[thing], hand) for hand in person.hands)
        assert gap <= 1.0 * person.head_radius, scene.activities
        found += 1
    assert found > 100


def test_who_calls_has_the_phone_at_the_head(scenes):
    for scene, person, thing, _ in triplets(scenes, "call"):
        way = np.array(scene.centers[thing]) - person.head
        assert np.hypot(*way) <= 1.6 * person.head_radius


def test_who_smokes_eats_or_drinks_has_it_at_the_mouth(scenes):
    for scene, person, thing, verbs in triplets(scenes, "smoke", "eat", "drink"):
        assert distance(scene.masks[thing], person.mouth) <= 0.5 * person.head_radius
        lips_only = "hold" not in verbs
        assert not lips_only or "smoke" in verbs


def test_what_is_only_held_is_not_at_head_or_mouth(scenes):
    for scene, person, thing, verbs in triplets(scenes, "hold"):
        if verbs == ("hold",) and OBJECTS[scene.classes[thing]] in GRIPS.values():
            way = np.array(scene.centers[thing]) - person.head
            assert np.hypot(*way) > 1.6 * person.head_radius
            if OBJECTS[scene.classes[thing]] in ("cigarette", "drink", "food"):
                assert distance(scene.masks[thing], person.mouth) > 0.5 * person.head_radius


def test_gaze_tells_play_and_read_from_hold(scenes):
    for scene, person, thing, verbs in triplets(
        scenes, "play(cellphone)", "read", "play(computer)"
    ):
        assert gaze_angle(scene, person, thing) < 10, verbs
    checked = 0
    for scene, person, thing, verbs in triplets(scenes, "hold"):
        if verbs == ("hold",) and OBJECTS[scene.classes[thing]] in ("cellphone", "document"):
            in_front = scene.centers[thing][1] < person.head[1] + 3.5 * person.head_radius
            if in_front and person.view != "back":
                assert gaze_angle(scene, person, thing) > 50, scene.activities
                checked += 1
    assert checked > 10


def test_pose_tells_ride_and_kick(scenes):
    for scene, person, thing, _ in triplets(scenes, "ride", "kick"):
        vehicle = OBJECTS[scene.classes[thing]] != "ball"
        assert person.pose == ("riding" if vehicle else "kicking")
    for scene, person, thing, verbs in triplets(scenes, "hold"):
        assert (
            person.pose != "riding"
            or OBJECTS[scene.classes[thing]] in GRIPS.values()
            or ("ride" in verbs)
        )
    kicks_the_air = [s for s in scenes for a in s.activities if a == "near ball"]
    assert kicks_the_air


def test_every_class_and_verb_has_its_share(scenes):
    classes = Counter(OBJECTS[k] for scene in scenes for k in scene.classes)
    verbs = Counter(v for scene in scenes for of_pair in scene.pairs.values() for v in of_pair)
    assert set(classes) == set(OBJECTS) and min(classes.values()) >= 12
    # 20 of every verb in 200 scenes.
    assert set(verbs) == set(VERBS) and min(verbs.values()) >= 20 / 200 * len(scenes)
    assert any(len(v) > 1 for scene in scenes for v in scene.pairs.values())
    assert any(not scene.pairs for scene in scenes)


def test_verbs_do_not_follow_from_the_class(scenes):
    combinations, of_class = Counter(), {}
    for scene in scenes:
        for human in np.flatnonzero(scene.classes == 0):
            for thing in np.flatnonzero(scene.classes):
                category = OBJECTS[scene.classes[thing]]
                verbs = scene.pairs.get((human, thing), ())
                combinations[category] += 1
                of_class.setdefault(category, Counter()).update({*verbs, verbs})
    for category, counts in of_class.items():
        sets = [key for key in counts if isinstance(key, tuple)]
        assert len(sets) >= 3 and counts[()] > 0.5 * combinations[category]
        assert max(counts[verb] for verb in VERBS) <= 0.5 * combinations[category]


def test_a_prescribed_verb_occurs():
    for verb in ("smoke", "ride", "play(computer)"):
        scene = draw_scene(11, verb=verb)
        assert any(verb in verbs for verbs in scene.pairs.values())


@pytest.mark.parametrize("size", ((480, 360), (200, 200)))
def test_scenes_of_other_sizes(size):
    scene = draw_scene(5, size)
    assert scene.image.shape == (size[1], size[0], 3) and scene.masks.shape[1:] == size[::-1]


def test_look_alikes_have_the_posture_and_not_the_verb():
    style = SceneStyle(people=(1,), verb=0.0, posture=1.0, loose=(1,))
    found = Counter()
    for seed in range(24):
        scene = draw_scene(seed, style=style)
        (person,) = scene.people.values()
        (activity,) = scene.activities
        assert person.pose == ("riding" if activity.startswith("sit on") else "kicking")
        assert {v for verbs in scene.pairs.values() for v in verbs} <= {"hold"}
        found[person.pose] += 1
        if person.pose == "kicking":
            (ball,) = scene.centers.values()
            ahead = 1 if person.view == "right" else -1
            assert (ball[0] - person.head[0]) * ahead < 0, "the ball lies behind"
    assert min(found.values()) > 5


def test_rows_are_one_behind_the_other():
    style = SceneStyle(people=(0,) * 5 + (1,), loose=(1,), head_radius=(5.0, 7.0), rows=3)
    scene = draw_scene(1, (512, 384), style)
    grounds = sorted(scene.boxes[human][3] for human in scene.people)
    assert len(grounds) == 6 and grounds[-1] - grounds[0] > 384 * 0.4


def test_style_decides_how_many_people():
    style = SceneStyle(people=(0, 0, 1), loose=(1,))
    assert sum(draw_scene(6, style=style).classes == 0) == 3


def test_an_impossible_style_is_an_error(monkeypatch):
    monkeypatch.setattr(scenes_module, "_ATTEMPTS", 2)
    with pytest.raises(RuntimeError, match="no valid scene in 2 attempts"):
        draw_scene(0, style=SceneStyle(people=(0,) * 19 + (1,)))
