"""People: a skeleton of two-segment limbs put together from a few decisions, and its drawing.

The frame: origin on the ground below the hip, x to where a sideways person faces, y down; the unit
is the head's radius, a standing person is about 8.7 tall. Arm and leg 0 are the far ones of a
person seen from the side (the left ones in the picture otherwise), 1 the near ones (right).
"""

from __future__ import annotations

import math

import numpy as np

from .canvas import Pen, hull, shade
from .heads import Head, Look, unit

UPPER_ARM, FOREARM, THIGH, SHIN, TORSO = 1.45, 1.4, 1.83, 1.83, 2.35
STANDING_HIP = -3.92
SEAT = -2.35

Z_FAR_LEG, Z_FAR_ARM, Z_FAR_OBJECT, Z_FAR_HAND = 10, 12, 14, 16
Z_LEGS, Z_TORSO, Z_HEAD, Z_ARM, Z_OBJECT, Z_HAND = 20, 30, 40, 45, 50, 55


def joint(start, end, first: float, second: float, bend: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a two-segment limb bends, and where it ends.

    Args:
        start, end: (x, y); ``end`` is pulled in where the limb cannot reach it.
        first, second: lengths of the segments.
        bend: 1 or -1, the side of the line start-end that the joint lies on.

    Returns:
        joint, end: (x, y) each.
    """
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    way = end - start
    distance = float(np.linalg.norm(way))
    reach = min(max(distance, abs(first - second) + 0.05), (first + second) * 0.995)
    direction = unit(way) if distance > 1e-6 else np.array((0.0, 1.0))
    end = start + direction * min(distance, reach) if distance > reach else end
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    across = math.sqrt(max(first**2 - along**2, 0.0))
    normal = np.array((-direction[1], direction[0]))
    return start + direction * along + normal * across * bend, end


class Person:
    """One person of a unit: pose first, then head, hands, then `draw`.

    Args:
        rng: decides the small things (stance width, swing of arms).
        look: clothes, skin and hair.
        view: "side" (faces +x), "front" or "back".
        pose: "standing", "walking", "sitting", "riding" or "kicking".
        hip: (x, y); by default where the pose puts it.
        lean: degrees that the trunk leans towards +x.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        look: Look,
        view: str,
        pose: str,
        *,
        hip=None,
        lean: float | None = None,
    ):
        self.rng, self.look, self.view, self.pose = rng, look, view, pose
        if hip is None:
            hip = (0.0, {"sitting": SEAT, "walking": STANDING_HIP + 0.15}.get(pose, STANDING_HIP))
        self.hip = np.asarray(hip, dtype=float)
        if lean is None:
            lean = {"kicking": -14.0, "walking": 4.0}.get(pose, 0.0) + rng.uniform(-3, 3)
        angle = math.radians(lean if view == "side" else lean * 0.3)
        self.spine = np.array((math.sin(angle), -math.cos(angle)))
        self.neck = self.hip + TORSO * self.spine
        self.head = Head(self.neck + 1.22 * unit(self.spine + (0, -1)), (0.0, 0.0, 1.0))
        self.head.center = self.head.center + (0.18 if view == "side" else 0.0, 0.0)
        spread = 0.12 if view == "side" else 0.86
        self.shoulders = [self.neck + (s * spread, 0.34) for s in (-1, 1)]
        self.hands: list[np.ndarray | None] = [None, None]
        self.arm_z: list[float | None] = [None, None]
        self.mouth_open = False
        self.feet = self._feet()
        for arm in (0, 1):
            self.hang(arm)

    # -- decisions ------------------------------------------------------------------------------

    def look_along(self, gaze) -> None:
        """Turn the head: ``gaze`` (x, y, z), z to the viewer."""
        self.head = Head(self.head.center, gaze)

    def look_at(self, target, depth: float = 0.55) -> None:
        """Turn the head to ``target`` (x, y); ``depth``: how much it looks to the viewer, too."""
        way = unit(np.asarray(target, dtype=float) - self.head.center)
        self.look_along((*(way * math.sqrt(1 - depth**2)), depth))

    def put_hand(self, arm: int, target, z: float | None = None) -> np.ndarray:
        """Send a hand to ``target``, or as near as the arm reaches.

        Args:
            z: depth to draw the arm at instead of the usual.

        Returns:
            Where the hand is.
        """
        _, end = joint(self.shoulders[arm], target, UPPER_ARM, FOREARM, 1)
        self.hands[arm], self.arm_z[arm] = end, z
        return end

    def hang(self, arm: int) -> np.ndarray:
        """Let an arm hang down, swinging a little."""
        out = self.side(arm) * 0.4 if self.view != "side" else 0.0
        swing = 0.0
        if self.view == "side":
            swing = {"walking": 0.9, "kicking": 1.5}.get(self.pose, 0.15) * (1 if arm == 0 else -1)
            swing += self.rng.uniform(-0.15, 0.15)
        return self.put_hand(arm, self.shoulders[arm] + (out + swing, 2.62 - 0.35 * abs(swing)))

    def side(self, arm: int) -> int:
        """-1 for the left arm in the picture, 1 for the right one (front and back view)."""
        return -1 if arm == 0 else 1

    def toe(self, leg: int) -> np.ndarray:
        """(x, y) of the tip of the foot of a person seen from the side."""
        _, foot = joint(self._hip_joint(leg), self.feet[leg], THIGH, SHIN, -1)
        return foot + self._foot_way(leg) * 0.62

    def _hip_joint(self, leg: int) -> np.ndarray:
        return self.hip + (self.side(leg) * (0.08 if self.view == "side" else 0.42), 0.1)

    def _foot_way(self, leg: int) -> np.ndarray:
        return unit((1.0, -0.45 if self.pose == "kicking" and leg == 1 else 0.12))

    def is_near(self, arm: int) -> bool:
        """Whether an arm is drawn before the trunk."""
        return self.view == "front" or (self.view == "side" and arm == 1)

    def _feet(self) -> list[np.ndarray]:
        rng = self.rng
        if self.view != "side":
            stance = rng.uniform(0.45, 0.75)
            drop = 0.0 if self.pose != "sitting" else 0.1
            return [self.hip * (1, 0) + (s * stance, -0.3 + drop) for s in (-1, 1)]
        if self.pose == "walking":
            step = rng.uniform(0.75, 1.1)
            return [self.hip * (1, 0) + (step, -0.32), self.hip * (1, 0) + (-step, -0.3)]
        if self.pose == "sitting":
            return [self.hip + (1.95 + rng.uniform(-0.3, 0.3), -SEAT - 0.3) for _ in (0, 1)]
        if self.pose == "kicking":
            return [
                self.hip * (1, 0) + (-0.35, -0.3),
                self.hip + (2.9, 2.1 + rng.uniform(-0.6, 0.5)),
            ]
        return [self.hip * (1, 0) + (d, -0.3) for d in (0.2, -0.15)]

    # -- drawing --------------------------------------------------------------------------------

    def draw(self, pen: Pen) -> None:
        """Draw everything; ``pen`` belongs to the person's owner number."""
        for leg in (0, 1):
            self._draw_leg(pen.on(z=Z_FAR_LEG if self.view == "side" and leg == 0 else Z_LEGS), leg)
        self._draw_trunk(pen.on(z=Z_TORSO))
        self.head.draw(pen.on(z=Z_HEAD), self.look, mouth_open=self.mouth_open)
        for arm in (0, 1):
            self._draw_arm(pen, arm)

    def _draw_leg(self, pen: Pen, leg: int) -> None:
        start, foot = self._hip_joint(leg), self.feet[leg]
        trousers = shade(self.look.trousers, 0.82 if leg == 0 else 1.0)
        shin = self.look.skin if self.look.shorts else trousers
        if self.view == "side":
            knee, foot = joint(start, foot, THIGH, SHIN, -1)
            toe = foot + self._foot_way(leg) * 0.62
        else:
            thigh = 0.75 if self.pose in ("sitting", "riding") else THIGH
            if thigh == THIGH:
                knee, foot = joint(start, foot, THIGH, SHIN, -self.side(leg))
            else:
                knee = start + (self.side(leg) * 0.35, thigh)
            toe = foot + (self.side(leg) * 0.22, 0.08)
        pen.limb(knee, foot, 0.37, 0.27, shin, outline=True)
        pen.limb(start, knee, 0.52, 0.4, trousers, outline=True)
        pen.limb(foot + (-0.08, 0.06), toe, 0.26, 0.22, self.look.shoes, outline=True)

    def _draw_trunk(self, pen: Pen) -> None:
        neck, hip, look = self.neck, self.hip, self.look
        throat = pen.on(z=Z_HEAD - 3)
        throat.limb(neck + (0, 0.15), self.head.center, 0.38, 0.36, shade(look.skin, 0.85))
        if self.view == "side":
            trunk = [(neck + (0, 0.45), 0.56), (hip + (0, -0.15), 0.55)]
        else:
            trunk = [(neck + (s * 0.72, 0.42), 0.36) for s in (-1, 1)]
            trunk += [(hip + (s * 0.42, -0.1), 0.4) for s in (-1, 1)]
        pen.fill(hull(trunk), look.shirt, outline=True)
        if look.striped:
            half = 0.5 if self.view == "side" else 0.88
            for part in (0.3, 0.55, 0.8):
                center = hip + (neck - hip) * part
                across = np.array((-self.spine[1], self.spine[0])) * half * (0.75 + 0.25 * part)
                pen.line([center - across, center + across], shade(look.shirt, 0.55), 0.16)
        belt = hip + (0, 0.02)
        half = 0.5 if self.view == "side" else 0.74
        pen.limb(belt - (half - 0.2, 0), belt + (half - 0.2, 0), 0.28, 0.28, look.trousers)

    def _draw_arm(self, pen: Pen, arm: int) -> None:
        start, end = self.shoulders[arm], self.hands[arm]
        bend = 1 if self.view == "side" else -self.side(arm)
        elbow, end = joint(start, end, UPPER_ARM, FOREARM, bend)
        if self.view != "side" and end[1] < start[1] + 0.5:
            # A raised hand: the elbow points to the side and to the viewer, so it looks shorter.
            elbow = (start + end) / 2 + (self.side(arm) * 0.6, 0.55)
        z_arm, z_hand = (Z_ARM, Z_HAND) if self.is_near(arm) else (Z_FAR_ARM, Z_FAR_HAND)
        if self.view == "back" and end[1] < start[1] + 0.8:
            z_arm, z_hand = Z_ARM, Z_HAND
        if self.arm_z[arm] is not None:
            z_arm = z_hand = self.arm_z[arm]
        if self.view == "side" and end[1] < start[1] - 0.3 and abs(end[0] - start[0]) < 0.85:
            # A hand at the ear: the same, and the face stays free.
            elbow = (start + end) / 2 + (0.5, 0.75)
        look = self.look
        sleeve = shade(look.shirt, 0.88 if self.is_near(arm) else 0.75)
        fore = sleeve if look.long_sleeves else look.skin
        pen.on(z=z_arm).limb(elbow, end, 0.3, 0.25, fore, outline=True)
        pen.on(z=z_arm).limb(start, elbow, 0.36, 0.31, sleeve, outline=True)
        pen.on(z=z_hand).disc(end, 0.34, look.skin, outline=True)
