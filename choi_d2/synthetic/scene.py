"""What a scene is: the picture, its ground truth, and what makes it easy or hard."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class SceneStyle:
    """What makes scenes easy or hard.

    Attributes:
        people: probabilities of 1, 2, 3, ... people.
        verb, hold, tempting: how often a person does something that has a verb, only holds
            something, or does nothing that has a verb (relative weights).
        look_away: how often somebody who does no such thing has a phone, document or computer as if
            to use it, and looks elsewhere: what only face and gaze tell.
        posture: how often somebody who does no such thing takes the posture of one who rides or
            kicks, but for where head and trunk face: what only the body as a whole tells.
        one_acts: do the weights hold for all but the first person, who always does something that
            has a verb? Otherwise that is so only where a verb is prescribed.
        loose: probabilities of 0, 1, 2, ... further places with things that nobody uses.
        rows: how many rows of people and places there are, one behind the other.
        head_radius: smallest and largest radius of a head, for pictures of 320 x 240.
        overlap: share of a neighbour's width that may be covered when people are placed.
        close_up: how often the feet of people lie below the picture.
        noise: standard deviation of the grain, in grey levels.
    """

    people: tuple[float, ...] = (0.28, 0.5, 0.22)
    verb: float = 0.38
    hold: float = 0.38
    tempting: float = 0.24
    look_away: float = 0.0
    posture: float = 0.0
    one_acts: bool = False
    loose: tuple[float, ...] = (0.3, 0.5, 0.2)
    rows: int = 1
    head_radius: tuple[float, float] = (14.0, 24.0)
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
