"""Heads: a ball with hair and a face, turned by a 3D gaze, so that a look tells where it goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import FACE, Color, Pen, ellipse, hull, shade

# fmt: off
_SKINS = ((168, 200, 240), (140, 180, 228), (110, 150, 205), (80, 118, 172), (58, 86, 132))
_HAIRS = ((20, 22, 28), (28, 48, 84), (36, 84, 132), (70, 160, 205), (30, 60, 150), (150, 150, 150))
_SHIRTS = (
    (60, 60, 200), (190, 110, 40), (70, 150, 60), (60, 190, 230), (150, 70, 140), (200, 190, 180),
    (50, 110, 220), (120, 60, 50), (170, 170, 60), (90, 90, 95), (235, 235, 235), (160, 120, 230),
)
_TROUSERS = (
    (110, 70, 45), (60, 55, 50), (120, 120, 120), (70, 100, 130), (150, 110, 80), (45, 75, 45),
)
_SHOES = ((40, 40, 45), (50, 70, 110), (225, 225, 225), (50, 50, 170))
# fmt: on
_HAIR_CAP = {"short": (0.6, 95.0), "long": (0.5, 98.0), "hat": (0.45, 92.0)}
"""How far back the middle of the hair lies, and how far the hair reaches from there (degrees)."""
_HAIR_STYLES = {"short": 0.42, "long": 0.33, "bald": 0.1, "hat": 0.15}
_FACE_OPENING = 62.0
_ANGLES = np.linspace(0, 2 * np.pi, 36, endpoint=False)
_TURNS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])[..., None]
_LIMB = _TURNS[..., 0].T


@dataclass(frozen=True)
class Look:
    """What a person looks like, whatever they do."""

    skin: Color
    hair: Color
    hair_style: str  # a key of _HAIR_STYLES
    shirt: Color
    trousers: Color
    shoes: Color
    long_sleeves: bool
    shorts: bool
    striped: bool
    hat: Color


def draw_look(rng: np.random.Generator) -> Look:
    """A random look."""

    def pick(options):
        return options[rng.integers(len(options))]

    return Look(
        skin=pick(_SKINS),
        hair=pick(_HAIRS),
        hair_style=str(rng.choice(list(_HAIR_STYLES), p=list(_HAIR_STYLES.values()))),
        shirt=pick(_SHIRTS),
        trousers=pick(_TROUSERS),
        shoes=pick(_SHOES),
        long_sleeves=bool(rng.random() < 0.5),
        shorts=bool(rng.random() < 0.25),
        striped=bool(rng.random() < 0.25),
        hat=pick(_SHIRTS),
    )


def unit(vector) -> np.ndarray:
    """The vector at length 1."""
    vector = np.asarray(vector, dtype=float)
    return vector / max(np.linalg.norm(vector), 1e-9)


def _cross(a, b) -> np.ndarray:
    """Of two single vectors; np.cross takes ten times as long for these."""
    return np.array(
        (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    )


class Head:
    """A head of radius 1 at ``center``; ``gaze``: x right, y down, z to the viewer."""

    def __init__(self, center, gaze):
        self.center = np.asarray(center, dtype=float)
        self.forward = unit(gaze)
        right = _cross((0.0, -1.0, 0.0), self.forward)
        self.right = unit(right) if np.linalg.norm(right) > 0.05 else np.array((-1.0, 0.0, 0.0))
        self.down = -_cross(self.forward, self.right)

    def point(self, u: float, v: float, w: float, radius: float = 1.0) -> np.ndarray:
        """(x, y, z) on the ball, relative to the center: u to a side, v down, w forward."""
        return radius * unit(u * self.right + v * self.down + w * self.forward)

    @property
    def mouth(self) -> np.ndarray:
        """(x, y) of the mouth."""
        return self.center + self.point(0, 0.55, 0.83)[:2]

    def ear(self, side: float) -> np.ndarray:
        """(x, y) of the ear that lies further to ``side`` (-1 left, 1 right in the picture)."""
        x, y, z = self.right
        sign = np.sign(x * side) if abs(x) > 0.2 else np.sign(z)
        return self.center + (sign or 1.0) * self.right[:2]

    @property
    def has_face(self) -> bool:
        """Whether the head shows enough of a face to speak of one: front to profile."""
        return bool(self.forward[2] > -0.15)

    def _cap(self, axis: np.ndarray, opening: float) -> np.ndarray:
        """What the viewer sees of a spherical cap, (V, 2) relative to the center; V = 0: nothing.

        Args:
            axis: (3,), the cap's middle.
            opening: degrees between the axis and the cap's rim.
        """
        axis, limit = unit(axis), np.cos(np.radians(opening))
        side = unit(_cross(axis, self.right))
        across = _cross(side, axis)
        rim = limit * axis + np.sqrt(1 - limit**2) * (_TURNS[0] * side + _TURNS[1] * across)
        seen = rim[:, 2] >= 0
        limb = _LIMB[_LIMB @ axis[:2] > limit]
        if seen.all() or not seen.any():
            return rim[:, :2] if seen.all() else limb
        # The seen arc of the rim in one piece, closed along the limb.
        rim = np.roll(rim, -int(np.flatnonzero(seen & ~np.roll(seen, 1))[0]), axis=0)
        arc = rim[rim[:, 2] >= 0][:, :2]
        start, end = (np.arctan2(point[1], point[0]) for point in (arc[-1], arc[0]))
        turn = (end - start) % (2 * np.pi)
        middle = start + turn / 2
        if np.array((np.cos(middle), np.sin(middle))) @ axis[:2] < limit:
            turn -= 2 * np.pi
        angles = start + turn * np.linspace(0, 1, 20)
        return np.concatenate([arc, np.stack([np.cos(angles), np.sin(angles)], axis=1)])

    def face_box(self) -> np.ndarray:
        """[x1, y1, x2, y2] of brows to chin, ear to ear, as far as the viewer sees them."""
        rim = self._cap(self.forward + 0.2 * self.down, _FACE_OPENING) + self.center
        return np.concatenate([rim.min(axis=0), rim.max(axis=0)])

    def draw(self, pen: Pen, look: Look, *, mouth_open: bool = False) -> None:
        """Draw at ``pen``'s frame; the face is marked as the part FACE."""
        pen_head = pen.at(self.center)
        skin, hair = look.skin, look.hair
        if look.hair_style == "long":
            back = -0.4 * self.forward[:2] * (1, 0.3)
            pen_head.on(z=pen.z - 5 if self.forward[2] > -0.3 else pen.z + 1).fill(
                hull(
                    [
                        (back + (0, -0.1), 1.0),
                        (back + (-0.45, 1.15), 0.5),
                        (back + (0.45, 1.15), 0.5),
                    ]
                ),
                hair,
            )
        pen_head.disc((0, 0), 1.0, skin, outline=True)
        face = self._cap(self.forward + 0.2 * self.down, _FACE_OPENING)
        if self.has_face and len(face):
            pen_head.on(part=FACE).fill(face, skin)
        if look.hair_style != "bald":
            back, opening = _HAIR_CAP[look.hair_style]
            cap = self._cap(-back * self.forward - 0.8 * self.down, opening)
            if len(cap):
                pen_head.fill(
                    cap * 1.05, look.hat if look.hair_style == "hat" else hair, outline=True
                )
        for side in (-1, 1):
            x, y, z = self.point(side, 0.12, -0.05)
            if z > -0.4:
                pen_head.disc((x, y), 0.22, shade(skin, 0.86))
        if look.hair_style == "hat":
            x, y, z = self.point(0, -0.75, 1.0)
            if z > -0.3:
                brim = ellipse(
                    (x * 1.12, y * 1.1 - 0.05), 0.75, 0.22, float(np.degrees(self.forward[1] * x))
                )
                pen_head.fill(brim, shade(look.hat, 0.8))
        self._draw_features(pen_head.on(part=FACE), look, mouth_open)

    def _draw_features(self, pen: Pen, look: Look, mouth_open: bool) -> None:
        skin = look.skin
        for side in (-1, 1):
            x, y, z = self.point(0.42 * side, -0.02, 0.9)
            if z < 0.12:
                continue
            eye = np.array((x, y)) * 0.94
            wide = 0.13 + 0.15 * min(1.0, z * 1.3)
            pen.fill(ellipse(eye, wide, 0.27), (250, 250, 250))
            pen.disc(eye + self.forward[:2] * (0.12, 0.14), 0.155, (25, 20, 20))
            bx, by, bz = self.point(0.42 * side, -0.36, 0.9)
            if bz > 0:
                pen.line([(bx - 0.2, by + 0.02), (bx + 0.2, by + 0.02)], shade(look.hair, 0.6), 0.1)
        x, y, z = self.point(0, 0.22, 1.0)
        if z > -0.1:
            tip = np.array((x, y)) * (1.0 + 0.22 * (1 - max(z, 0)))
            pen.limb(np.array((x, y)) * 0.9, tip, 0.14, 0.13, shade(skin, 0.78))
        x, y, z = self.point(0, 0.58, 0.83)
        if z > 0.02:
            if mouth_open:
                pen.fill(ellipse((x, y), 0.1 + 0.14 * z, 0.17), (40, 30, 110))
            else:
                ends = [self.point(u, 0.58, 0.83)[:2] for u in (-0.28, 0.0, 0.28)]
                pen.line(ends, (50, 40, 130), 0.1)
