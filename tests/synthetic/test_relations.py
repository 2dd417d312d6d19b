from collections import Counter

import numpy as np

from choi_d2.synthetic.relations import SHARED, geometric_relations, looked_at


def shared_width(scene, first, second):
    (a1, _, a2, _), (b1, _, b2, _) = scene.boxes[first], scene.boxes[second]
    return (min(a2, b2) - max(a1, b1)) / min(a2 - a1, b2 - b1)


def test_all_kinds_occur_also_between_humans(scenes):
    relations = Counter(
        (relation, other in scene.people)
        for scene in scenes
        for (_, other), relation in geometric_relations(scene).items()
    )
    assert all(relations[r, True] >= 10 for r in ("in front of", "behind", "next-to"))
    assert all(relations[r, False] >= 10 for r in ("in front of", "behind", "next-to", "on"))


def test_subjects_are_humans_and_nobody_is_related_to_themselves(scenes):
    for scene in scenes:
        for human, other in geometric_relations(scene):
            assert human in scene.people and human != other


def test_between_humans_next_to_is_symmetric_and_in_front_of_is_the_inverse_of_behind(scenes):
    inverse = {"in front of": "behind", "behind": "in front of", "next-to": "next-to"}
    for scene in scenes:
        relations = geometric_relations(scene)
        for (human, other), relation in relations.items():
            if other in scene.people:
                assert relations[other, human] == inverse[relation]


def test_the_nearer_one_is_in_front_and_hides_the_other(scenes):
    for scene in scenes:
        for (human, other), relation in geometric_relations(scene).items():
            if relation in ("in front of", "behind"):
                assert shared_width(scene, human, other) >= SHARED
                nearer = scene.depths[human] > scene.depths[other]
                assert nearer == (relation == "in front of")
            elif relation == "next-to":
                assert shared_width(scene, human, other) < SHARED


def test_on_is_what_they_ride(scenes):
    for scene in scenes:
        on = {pair for pair, relation in geometric_relations(scene).items() if relation == "on"}
        assert on == {pair for pair, verbs in scene.pairs.items() if "ride" in verbs}


def test_who_reads_or_plays_looks_at_it(scenes):
    for scene in scenes:
        gazes = looked_at(scene)
        for (human, thing), verbs in scene.pairs.items():
            if {"read", "play(cellphone)", "play(computer)"} & set(verbs):
                assert gazes[human] == thing


def test_a_gaze_goes_to_a_thing_of_the_own_unit_and_some_go_nowhere(scenes):
    looking = 0
    for scene in scenes:
        for human, thing in looked_at(scene).items():
            assert scene.depths[human] == scene.depths[thing] and thing not in scene.people
            way = np.array(scene.centers[thing]) - scene.people[human].head
            assert np.dot(way, scene.people[human].gaze[:2]) > 0
            looking += 1
    people = sum(len(scene.people) for scene in scenes)
    assert 0.1 * people < looking < 0.9 * people
