"""Scenes: units placed on a background, painted, and their ground truth read off the painting."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..datasets.hoiw_categories import OBJECTS
from .activities import HOLD_ACTIVITIES, TEMPTING_ACTIVITIES, VERB_ACTIVITIES
from .backgrounds import draw_background, weather
from .canvas import FACE, Painting, moved, paint
from .units import Unit, ground_shadow, loose_unit, pick, table_unit

_TABLE_THINGS = ("cellphone", "cigarette", "drink", "food", "document", "computer")
_GROUND_THINGS = ("ball", "bike", "motorbike", "horse")
_ATTEMPTS = 200


@dataclass(frozen=True)
class SceneStyle:
    """What makes scenes easy or hard.

    Attributes:
        people: probabilities of 1, 2, 3, ... people.
        verb, hold, tempting: how often a person does something that has a verb, only holds
            something, or does nothing that has a verb (relative weights).
        loose: probabilities of 0, 1, 2, ... further places with things that nobody uses.
        head_radius: smallest and largest radius of a head, for pictures of 320 x 240.
        overlap: share of a neighbour's width that may be covered when people are placed.
        close_up: how often the feet of people lie below the picture.
        noise: standard deviation of the grain, in grey levels.
    """

    people: tuple[float, ...] = (0.25, 0.5, 0.25)
    verb: float = 0.56
    hold: float = 0.22
    tempting: float = 0.22
    loose: tuple[float, ...] = (0.3, 0.5, 0.2)
    head_radius: tuple[float, float] = (13.2, 24.0)
    overlap: float = 0.3
    close_up: float = 0.3
    noise: float = 4.0


@dataclass(frozen=True)
class PersonInfo:
    """What is known about a human instance beyond its box; image frame, pixels.

    Attributes:
        pose: "standing", "walking", "sitting", "riding" or "kicking".
        view: "left", "right" (where a sideways person faces), "front" or "back".
        gaze: (x, y, z), unit length, z to the viewer.
        head, mouth: (x, y).
        head_radius: pixels.
        hands: (2, 2) array of (x, y).
    """

    pose: str
    view: str
    gaze: tuple[float, float, float]
    head: tuple[float, float]
    mouth: tuple[float, float]
    head_radius: float
    hands: np.ndarray


@dataclass
class Scene:
    """One picture with its ground truth. R: number of instances; H, W: image size.

    Attributes:
        image: (H, W, 3) uint8, BGR.
        classes: (R,) int64, positions in HOIW's OBJECTS; 0 is a person.
        boxes: (R, 4) float, [x1, y1, x2, y2], tight around the masks, x2 and y2 exclusive.
        masks: (R, H, W) bool, the visible pixels.
        depths: (R,) float; greater is nearer.
        pairs: {(human, object): verb names}.
        faces: {human: [x1, y1, x2, y2]} of the visible faces.
        people: {human: PersonInfo}.
        centers: {object: (x, y)}, the middle of a handled thing as if nothing hid it.
        activities: words for what goes on.
    """

    image: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray
    masks: np.ndarray
    depths: np.ndarray
    pairs: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    faces: dict[int, list[float]] = field(default_factory=dict)
    people: dict[int, PersonInfo] = field(default_factory=dict)
    centers: dict[int, tuple[float, float]] = field(default_factory=dict)
    activities: tuple[str, ...] = ()


@dataclass
class _Placed:
    unit: Unit
    scale: float
    mirror: bool
    offset: np.ndarray
    first: int = 0

    def to_image(self, points) -> np.ndarray:
        sign = -1.0 if self.mirror else 1.0
        return np.asarray(points, float) * (sign * self.scale, self.scale) + self.offset


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


def _choose_units(rng: np.random.Generator, style: SceneStyle, verb: str | None) -> list[Unit]:
    units = []
    weights = np.array((style.verb, style.hold, style.tempting))
    for k in range(1 + int(rng.choice(len(style.people), p=style.people))):
        kind = int(rng.choice(3, p=weights / weights.sum()))
        if k == 0 and verb is not None:
            build = pick(rng, VERB_ACTIVITIES[verb])
        elif kind == 0:
            build = pick(rng, pick(rng, list(VERB_ACTIVITIES.values())))
        else:
            build = pick(rng, HOLD_ACTIVITIES if kind == 1 else TEMPTING_ACTIVITIES)
        units.append(build(rng))
    used = [c for unit in units for c in unit.categories if c != "person"]
    for _ in range(int(rng.choice(len(style.loose), p=style.loose))):
        # Half of the loose things are of a kind that somebody in the picture uses.
        first = pick(rng, used) if used and rng.random() < 0.5 else pick(rng, OBJECTS[1:])
        if first in _GROUND_THINGS:
            units.append(loose_unit(rng, first))
        else:
            more = [pick(rng, _TABLE_THINGS)] if rng.random() < 0.4 else []
            units.append(table_unit(rng, [first, *more]))
    return units


def _place(
    rng, units: list[Unit], size: tuple[int, int], style: SceneStyle
) -> list[_Placed] | None:
    """Side by side in random order, or None where that does not fit."""
    width, height = size
    zoom = min(width / 320, height / 240)
    extents = [unit.extent() for unit in units]
    spans = np.array([right - left for left, right, _ in extents])
    low, high = (r * zoom for r in style.head_radius)
    close_up = rng.random() < style.close_up and all(unit.crop > 0 for unit in units)
    if close_up:
        high *= 1.2
    room = width * (1 + style.overlap)
    fits = min(high, room / spans.sum(), *(0.97 * height / -top for _, _, top in extents))
    if close_up:
        fits = min(high, room / spans.sum())
    if fits < low:
        return None
    radius = rng.uniform(max(low, 0.8 * fits), fits)
    order = rng.permutation(len(units))
    gaps = rng.dirichlet(np.ones(len(units) + 1)) * max(width - spans.sum() * radius, 0)
    squeeze = min(1.0, width / (spans.sum() * radius))
    cursor, placed = gaps[0], []
    for k, gap in zip(order, gaps[1:], strict=True):
        left, right, top = extents[k]
        scale = radius * rng.uniform(0.93, 1.0)
        mirror = bool(rng.random() < 0.5)
        span = spans[k] * radius * squeeze
        middle = cursor + span / 2 + rng.uniform(-0.04, 0.04) * span
        cursor += span + gap
        x = middle - (-(left + right) if mirror else (left + right)) / 2 * scale
        if close_up:
            y = height + units[k].crop * scale * rng.uniform(0.4, 1.0)
        else:
            y = height * rng.uniform(0.9, 0.985)
        if y + top * scale < -0.01 * height:
            y = -top * scale + 0.01 * height
        placed.append(_Placed(units[k], scale, mirror, np.array((x, y))))
    return placed


def _try_scene(rng, size: tuple[int, int], style: SceneStyle, verb: str | None) -> Scene | None:
    units = _choose_units(rng, style, verb)
    placed = _place(rng, units, size, style)
    if placed is None:
        return None
    background, shadow, horizon = draw_background(rng, *size)
    placed.sort(key=lambda p: p.offset[1])
    shapes, count = [], 0
    for depth, item in enumerate(placed):
        item.first = count
        count += len(item.unit.categories)
        left, right, _ = item.unit.extent()
        ground_shadow(item.unit.pen().at(((left + right) / 2, 0)), shadow, (right - left) * 0.42)
        where = {"scale": item.scale, "mirror": item.mirror, "offset": item.offset}
        shapes += [moved(s, **where, z=depth, first_owner=item.first) for s in item.unit.shapes]
    painting = paint(background, shapes)
    keep = _visible(painting, placed, count)
    if keep is None:
        return None
    if not all(keep):
        # What hardly shows is left out of the picture, too.
        dropped = {k + 1 for k in range(count) if not keep[k]}
        painting = paint(background, [s for s in shapes if s.owner not in dropped])
    return _read_off(painting, placed, keep, weather(rng, painting.image, style.noise))


def _visible(painting: Painting, placed: list[_Placed], count: int) -> list[bool] | None:
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


def _read_off(
    painting: Painting, placed: list[_Placed], keep: list[bool], image: np.ndarray
) -> Scene:
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
            pair = int(new_index[item.first + human]), int(new_index[item.first + thing])
            scene.pairs[pair] = verbs
    return scene


def _tight(mask: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return xs[0], ys[0], xs[-1] + 1, ys[-1] + 1


def _person_info(item: _Placed, k: int) -> PersonInfo:
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


def _face(painting: Painting, item: _Placed, k: int, human_box: np.ndarray) -> list[float] | None:
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
