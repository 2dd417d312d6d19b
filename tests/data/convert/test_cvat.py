import io
import zipfile

import numpy as np
import pycocotools.mask as mask_util
import pytest

from choi_d2.utils import InputError

HUMAN_BOX, BALL_BOX = (0, 0, 20, 40), (30, 10, 10, 10)
META = (
    "<meta><task><labels>"
    "<label><name>person</name><type>any</type></label>"
    "<label><name>ball</name></label>"
    "<label><name>wheel</name></label>"
    "<label><name>nose</name><type>points</type></label>"
    "</labels></task></meta>"
)


def shape(label, box, group=0, rotation=None, **attributes):
    x, y, width, height = box
    turned = f' rotation="{rotation}"' if rotation else ""
    inner = "".join(f'<attribute name="{k}">{v}</attribute>' for k, v in attributes.items())
    return (
        f'<box label="{label}" occluded="0" source="manual" xtl="{x}" ytl="{y}" '
        f'xbr="{x + width}" ybr="{y + height}" z_order="0" group_id="{group}"{turned}>{inner}</box>'
    )


def export(*shapes):
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{META}'
        f'<image id="0" name="a.png" width="60" height="40">{"".join(shapes)}</image>'
        '<image id="1" name="b.png" width="60" height="40"></image></annotations>'
    )


def person(group=0, box=HUMAN_BOX, **attributes):
    return shape("person", box, group, **attributes)


def ball(group=0, box=BALL_BOX, **attributes):
    return shape("ball", box, group, **attributes)


def found(done):
    return {(verb, human, thing and thing[1]) for _, verb, human, thing in done.triplets}


@pytest.fixture
def cvat(converted):
    def run(*shapes, **options):
        return converted(export(*shapes), "annotations.xml", **options)

    return run


@pytest.mark.parametrize(
    "shapes",
    [
        [person(1, action="kick"), ball(1)],
        [person(1), ball(1, action="kick")],
        [person(verb="kick", object_id="7"), ball(id="7")],
        [person(interactions="kick:7"), ball(id="7"), ball(id="8")],
        [person(1, Action="kick", age="old"), ball(1), ball(2)],
    ],
)
def test_ways_to_say_who_kicks_the_ball(cvat, shapes):
    done = cvat(*shapes, images=None)
    assert done.form == "cvat" and not done.problems.found and not done.loading.num_fatal
    assert found(done) == {("kick", HUMAN_BOX, BALL_BOX)}
    assert done.names == ["person", "ball", "wheel"] and len(done.records) == 2


def test_one_to_many_is_clear(cvat):
    second = (45, 10, 5, 5)
    done = cvat(person(1, verb="juggle"), ball(1), ball(1, second))
    assert found(done) == {("juggle", HUMAN_BOX, BALL_BOX), ("juggle", HUMAN_BOX, second)}
    done = cvat(person(verb="kick; look at", target="7"), ball(id="7"))
    assert found(done) == {("kick", HUMAN_BOX, BALL_BOX), ("look at", HUMAN_BOX, BALL_BOX)}
    other = (20, 0, 10, 40)
    done = cvat(person(1, verb="kick"), person(1, other, verb="hold"), ball(1))
    assert found(done) == {("kick", HUMAN_BOX, BALL_BOX), ("hold", other, BALL_BOX)}


def test_objects_with_verbs_of_their_own(cvat):
    second = (45, 10, 5, 5)
    done = cvat(person(1, verb="run"), ball(1, verb="kick"), ball(1, second, verb="look at"))
    assert found(done) == {
        ("run", HUMAN_BOX, None),
        ("kick", HUMAN_BOX, BALL_BOX),
        ("look at", HUMAN_BOX, second),
    }
    assert done.verbs == {"kick": True, "look at": True, "run": False}


def test_a_human_as_object(cvat):
    other = (20, 0, 10, 40)
    done = cvat(person(1, verb="hug"), person(1, other))
    assert found(done) == {("hug", HUMAN_BOX, other)}


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        ([person(1, verb="kick, hold"), ball(1), ball(1, (45, 1, 5, 5))], "unclear relation"),
        ([person(1), person(1, (20, 0, 9, 40)), ball(1, verb="kick")], "unclear relation"),
        ([ball(verb="kick")], "unclear relation"),
        ([person(verb="kick", target="7"), ball(id="7"), ball(id="7")], "unclear relation"),
        ([person(verb="kick", target="9"), ball(id="7")], "dangling id"),
        ([person(verb="kick", target="1", id="1")], "related to itself"),
        ([ball(verb="kick", target="1"), person(id="1")], "subject is no human"),
    ],
)
def test_what_is_not_clear_is_left_out_and_named(cvat, shapes, kind):
    done = cvat(*shapes, person(5, (50, 0, 10, 40), verb="kick"), ball(5, (55, 20, 4, 4)))
    assert done.problems.counts() == {kind: 1}
    assert found(done) == {("kick", (50, 0, 10, 40), (55, 20, 4, 4))}


def test_two_people_with_two_objects_are_not_clear(cvat):
    people = [person(1, verb="kick"), person(1, (20, 0, 10, 40), verb="kick")]
    with pytest.raises(InputError, match="no interaction"):
        cvat(*people, ball(1), ball(1, (45, 10, 5, 5)))


def test_no_verb_and_names_of_ones_own(cvat):
    done = cvat(
        person(1, verb="none", doing="kick", action="__undefined__"),
        ball(1),
        verb_attributes=["doing"],
    )
    assert found(done) == {("kick", HUMAN_BOX, BALL_BOX)}


def test_polygons_masks_ellipses_and_turned_boxes(cvat):
    polygon = '<polygon label="ball" points="30,10;40,10;40,20" group_id="1"/>'
    # 4 wide, 2 high: the first row from its second pixel on, the second row's first pixel.
    mask = '<mask label="ball" rle="1,4,3" left="5" top="6" width="4" height="2" group_id="1"/>'
    ellipse = '<ellipse label="ball" cx="30" cy="20" rx="5" ry="10" group_id="1"/>'
    turned = shape("ball", (20, 15, 20, 10), 1, rotation="90.0")
    points = '<points label="nose" points="3,4"/>'
    done = cvat(person(1, verb="kick"), polygon, mask, ellipse, turned, points)
    boxes = [tuple(each["bbox"]) for each in done.content["annotations"]]
    assert boxes[1:] == [(30, 10, 10, 10), (5, 6, 4, 2), (25, 10, 10, 20), (25, 10, 10, 20)]
    assert done.problems.counts() == {"region of another kind": 1, "rotated box": 1}
    assert done.content["annotations"][1]["segmentation"] == [[30, 10, 40, 10, 40, 20]]
    pixels = mask_util.decode(done.content["annotations"][2]["segmentation"])
    expected = np.zeros((40, 60), np.uint8)
    expected[6, 6:9] = expected[7, 5] = 1
    assert (pixels == expected).all()


def test_the_zip_as_it_is_downloaded(converted):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("annotations.xml", export(person(1, verb="kick"), ball(1)))
        archive.writestr("images/a.png", b"")
    assert len(converted(data.getvalue(), "task.zip").triplets) == 1
    with pytest.raises(InputError, match="archive cannot be read|expected annotations"):
        converted(data.getvalue()[:-40] + bytes(40), "task.zip")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (export(person(verb="run"))[:300], "expected XML.*copied whole"),
        (export(person(verb="run")).replace('xtl="0"', 'xtl="left"'), "xtl.*a number"),
        (export(person(verb="run")).replace('xtl="0"', 'xtl="nan"'), "xtl.*finite"),
        (export(person(verb="run")).replace(' width="60"', "", 1), "width.*missing"),
        ("<annotations><track id='0'/></annotations>", "tracks of a video.*CVAT for images"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', "definitions"),
        ("<annotations></annotations>", "no image is left"),
        ("<html></html>", "Its root is <html>"),
    ],
)
def test_broken_exports(converted, text, message):
    with pytest.raises(InputError, match=message):
        converted(text, "annotations.xml")


def test_broken_masks_and_polygons_are_counted(cvat):
    mask = '<mask label="ball" rle="1,4" left="5" top="6" width="4" height="2" group_id="1"/>'
    line = '<polygon label="ball" points="1,2;3,4" group_id="1"/>'
    done = cvat(person(1, verb="kick"), mask, line)
    assert done.problems.counts() == {"bad mask": 1, "bad polygon": 1}
    assert found(done) == {("kick", HUMAN_BOX, (5, 6, 4, 2))}
