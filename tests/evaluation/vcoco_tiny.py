"""A V-COCO of two people, and ways to break it."""

import copy

from choi_d2.categories.vcoco import ACTION_ROLES, ACTIONS

NAN = float("nan")
DELETE = object()


def vsrl():
    """Two people, 11 and 12; 11 holds 13 and walks, 12 hits something with an instrument unseen."""
    doing = {"hold": (11, {"obj": 13}), "walk": (11, {}), "hit": (12, {"obj": 14})}
    entries = []
    for name, roles in ACTIONS:
        doer, fillers = doing.get(name, (None, {}))
        rows = [[11, 12], *([fillers.get(r, 0) * (p == doer) for p in (11, 12)] for r in roles)]
        entries.append(
            {
                "action_name": name,
                "role_name": ["agent", *roles],
                "image_id": [5, 9],
                "ann_id": [11, 12],
                "label": [int(person == doer) for person in (11, 12)],
                "role_object_id": [i for row in rows for i in row],
            }
        )
    return entries


def coco():
    boxes = {11: (5, [10, 10, 40, 80]), 13: (5, [30, 30, 20, 20])}
    boxes |= {12: (9, [10, 10, 40, 80]), 14: (9, [60, 30, 20, 20])}
    return {
        "images": [{"id": i, "width": 100, "height": 100} for i in (5, 7, 9)],
        "categories": [{"id": 1, "name": "person"}, {"id": 44, "name": "bottle"}],
        "annotations": [
            {
                "id": i,
                "image_id": image,
                "category_id": 1 if i < 13 else 44,
                "bbox": box,
                "area": 400,
                "iscrowd": 0,
            }
            for i, (image, box) in boxes.items()
        ],
    }


def detection(image_id, **found):
    entry = {"image_id": image_id, "person_box": [10, 10, 49, 89]}
    entry |= {f"{name}_agent": NAN for name, _ in ACTIONS}
    entry |= {role: [NAN] * 5 for role in ACTION_ROLES}
    return entry | found


def predictions():
    held, hit = [30, 30, 49, 49], [60, 30, 79, 49]
    return [
        detection(5, hold_agent=0.9, hold_obj=[*held, 0.8], walk_agent=0.7),
        detection(9, hit_agent=0.6, hit_obj=[*hit, 0.5], hit_instr=[*hit, 0.4]),
    ]


def changed(content, *path, to):
    content = copy.deepcopy(content)
    place = content
    for step in path[:-1]:
        place = place[step]
    if to is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return content


def action(name):
    return [a for a, _ in ACTIONS].index(name)


def fails_with(outcome, *messages):
    assert outcome.code == 1 and outcome.metrics is None
    assert outcome.error.count("\n") == 1
    for message in messages:
        assert message in outcome.error
