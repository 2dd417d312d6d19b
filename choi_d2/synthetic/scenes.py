"""Scenes: units placed on a background, painted, and their ground truth read off the painting."""

from __future__ import annotations

import math

import numpy as np

from choi_d2.categories.hoiw import OBJECTS

from .backgrounds import draw_background, weather
from .canvas import FACE, Color, Painting, Pen, Shape, moved, paint
from .layout import Placed, choose_units, place
from .scene import PersonInfo, Scene, SceneStyle
from .units import ground_shadow

_ATTEMPTS = 200


def draw_scene(
    seed: np.random.SeedSequence | int,
    image_size: tuple[int, int] = (320, 240),
    style: SceneStyle | None = None,
    verb: str | None = None,
) -> Scene:
    """Draw one scene.

    Args:
        seed: everything random follows from it.
        image_size: width, height.
        style: what makes the scene easy or hard.
        verb: a key of `VERB_ACTIVITIES`; one person then does that.
    """
    rng = np.random.default_rng(seed)
    style = style or SceneStyle()
    for _ in range(_ATTEMPTS):
        scene = _try_scene(rng, image_size, style, verb)
        if scene is not None:
            return scene
    raise RuntimeError(f"no valid scene in {_ATTEMPTS} attempts for style {style}")


def _try_scene(rng, size: tuple[int, int], style: SceneStyle, verb: str | None) -> Scene | None:
    units = choose_units(rng, style, verb)
    placed = place(rng, units, size, style)
    while placed is None and not units[-1].people:
        # Rather fewer loose things than fewer of the wide units: horses, bikes, desks.
        units.pop()
        placed = place(rng, units, size, style)
    if placed is None:
        return None
    background, shadow, horizon = draw_background(rng, *size)
    placed.sort(key=lambda p: p.offset[1])
    shapes, count = shapes_of(placed, shadow)
    painting = paint(background, shapes)
    keep = _visible(painting, placed, count)
    if keep is None:
        return None
    if not all(keep):
        # What hardly shows is left out of the picture, too.
        dropped = {k + 1 for k in range(count) if not keep[k]}
        painting = paint(background, [s for s in shapes if s.owner not in dropped])
    return read_off(painting, placed, keep, weather(rng, painting.image, style.noise))


def shapes_of(placed: list[Placed], shadow: Color) -> tuple[list[Shape], int]:
    """Everything that is placed, far to near, in the picture's frame.

    Args:
        placed: the farthest first; each learns the number of its ``first`` instance.
        shadow: the colour of shadows on the ground.

    Returns:
        the shapes, and how many instances there are.
    """
    shapes, count = [], 0
    for depth, item in enumerate(placed):
        item.first = count
        count += len(item.unit.categories)
        left, right, _ = item.unit.extent()
        where = {"scale": item.scale, "mirror": item.mirror, "offset": item.offset}
        shadows: list[Shape] = []
        pen = Pen(shadows).at(((left + right) / 2, 0))
        ground_shadow(pen, shadow, (right - left) * 0.42)
        for shape in (*item.unit.shapes, *shadows):
            shapes.append(moved(shape, **where, z=depth, first_owner=item.first))
    return shapes, count


def _visible(painting: Painting, placed: list[Placed], count: int) -> list[bool] | None:
    """Which instances show enough; None if one that belongs to a pair, or a human, does not."""
    seen = np.bincount(painting.owners.ravel(), minlength=count + 1)
    height, width = painting.owners.shape
    keep = []
    for item in placed:
        unit = item.unit
        in_pairs = {k for pair in unit.pairs for k in pair}
        for k, category in enumerate(unit.categories):
            owner = item.first + k + 1
            mask = painting.full.get(owner)
            area = int(mask.sum()) if mask is not None else 0
            enough = area > 0 and seen[owner] >= (0.4 if category == "person" else 0.5) * area
            if category == "person":
                x, y = item.to_image(unit.people[k].head.center)
                enough &= 0 <= x < width and 0 <= y < height
            elif k in unit.centers:
                x, y = item.to_image(unit.centers[k])
                enough &= 0 <= x < width and 0 <= y < height
            if not enough and (k in in_pairs or category == "person"):
                return None
            keep.append(bool(enough))
    return keep


def read_off(
    painting: Painting, placed: list[Placed], keep: list[bool], image: np.ndarray
) -> Scene:
    """The ground truth of a painting.

    Args:
        painting: of the shapes of ``placed``.
        placed: what is in it.
        keep: which of its instances the ground truth has.
        image: the picture, (H, W, 3) uint8, BGR.
    """
    new_index = np.cumsum(keep) - 1
    owners = np.flatnonzero(keep) + 1
    masks = painting.owners[None] == owners[:, None, None]
    boxes = np.array([_tight(mask) for mask in masks], dtype=float).reshape(-1, 4)
    scene = Scene(
        image=image,
        classes=np.zeros(len(owners), np.int64),
        boxes=boxes,
        masks=masks,
        depths=np.zeros(len(owners)),
        activities=tuple(item.unit.activity for item in placed),
    )
    for depth, item in enumerate(placed):
        unit = item.unit
        for k, category in enumerate(unit.categories):
            if not keep[item.first + k]:
                continue
            index = int(new_index[item.first + k])
            scene.classes[index] = OBJECTS.index(category)
            scene.depths[index] = depth
            if k in unit.people:
                scene.people[index] = _person_info(item, k)
                face = _face(painting, item, k, boxes[index])
                if face is not None:
                    scene.faces[index] = face
            if k in unit.centers:
                scene.centers[index] = tuple(float(c) for c in item.to_image(unit.centers[k]))
        for (human, thing), verbs in unit.pairs.items():
            if not (keep[item.first + human] and keep[item.first + thing]):
                continue
            pair = int(new_index[item.first + human]), int(new_index[item.first + thing])
            scene.pairs[pair] = verbs
    return scene


def _tight(mask: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return xs[0], ys[0], xs[-1] + 1, ys[-1] + 1


def _person_info(item: Placed, k: int) -> PersonInfo:
    person = item.unit.people[k]
    sign = -1.0 if item.mirror else 1.0
    view = person.view if person.view != "side" else ("left" if item.mirror else "right")
    gaze = person.head.forward * (sign, 1, 1)
    return PersonInfo(
        pose=person.pose,
        view=view,
        gaze=tuple(float(g) for g in gaze),
        head=tuple(float(c) for c in item.to_image(person.head.center)),
        mouth=tuple(float(c) for c in item.to_image(person.head.mouth)),
        head_radius=item.scale,
        hands=item.to_image(np.array(person.hands)),
    )


def _face(painting: Painting, item: Placed, k: int, human_box: np.ndarray) -> list[float] | None:
    """The face's box, inside the human's, if a detector could be expected to find the face."""
    head = item.unit.people[k].head
    if not head.has_face:
        return None
    x1, y1, x2, y2 = head.face_box()
    corners = item.to_image([(x1, y1), (x2, y2)])
    (x1, x2), (y1, y2) = sorted(corners[:, 0]), sorted(corners[:, 1])
    area = (x2 - x1) * (y2 - y1)
    x1, y1 = max(x1, human_box[0]), max(y1, human_box[1])
    x2, y2 = min(x2, human_box[2]), min(y2, human_box[3])
    if x2 - x1 < 4 or y2 - y1 < 4 or (x2 - x1) * (y2 - y1) < 0.5 * area:
        return None
    window = np.s_[math.floor(y1) : math.ceil(y2), math.floor(x1) : math.ceil(x2)]
    own = (painting.owners[window] == item.first + k + 1) & (painting.parts[window] == FACE)
    if own.sum() < 0.4 * own.size:
        return None
    return [round(float(v), 1) for v in (x1, y1, x2, y2)]
