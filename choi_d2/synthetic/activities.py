"""The catalogue of what people do: which builders make which verbs.

The rule behind the verbs: a hand that grips a thing holds it, whatever else happens. `call` is a
phone at the ear; `play(cellphone)` a phone in the hand and `read` a document in the hands, and the
gaze on it; `smoke`, `drink`, `eat` a thing at the mouth; `ride` sitting on it, to its front; `kick`
a leg stretched to the front, its foot at the ball; `play(computer)` hands on the keyboard and the
gaze on the computer. Typing does not grip. Every builder takes a random generator and returns a
`Unit` with its annotated pairs.
"""

from __future__ import annotations

from collections.abc import Callable

from .handheld import with_small_thing
from .look_alikes import kick_backwards, sit_backwards
from .pastimes import at_computer, carry_computer, hold_ball, idle, kick, near_ball
from .rides import beside_vehicle, riding

VERB_ACTIVITIES: dict[str, tuple[Callable, ...]] = {
    "smoke": (
        with_small_thing("smoke", "cigarette", "mouth", ("smoke", "hold"), "any"),
        with_small_thing("smoke", "cigarette", "lips", ("smoke",), "any"),
    ),
    "call": (with_small_thing("call", "cellphone", "ear", ("call", "hold"), "any"),),
    "play(cellphone)": (
        with_small_thing(
            "play(cellphone)",
            "cellphone",
            "front|front|out|both",
            ("play(cellphone)", "hold"),
            "on",
        ),
    ),
    "eat": (with_small_thing("eat", "food", "mouth", ("eat", "hold"), "any"),),
    "drink": (with_small_thing("drink", "drink", "mouth", ("drink", "hold"), "any"),),
    "ride": tuple(riding(c) for c in ("bike", "motorbike", "horse")),
    "kick": (kick,),
    "read": (with_small_thing("read", "document", "both|both|front", ("read", "hold"), "on"),),
    "play(computer)": (at_computer("play(computer)", hands=True, gaze=True),),
}
"""Builders by verb; hold comes with most of the others and with `HOLD_ACTIVITIES`."""

LOOK_AWAY_ACTIVITIES: tuple[Callable, ...] = (
    with_small_thing("hold cellphone", "cellphone", "front|both|out", ("hold",), "away"),
    with_small_thing("hold document", "document", "both|both|front", ("hold",), "away"),
    at_computer("ignore computer", hands=True, gaze=False),
)
"""What only the gaze tells from play and read."""

POSTURE_ACTIVITIES: tuple[Callable, ...] = (
    *(kick_backwards,) * 3,
    *(sit_backwards(c) for c in ("bike", "motorbike", "horse")),
)
"""What only head, trunk and limbs together tell from kick and ride."""

HOLD_ACTIVITIES: tuple[Callable, ...] = (
    *LOOK_AWAY_ACTIVITIES[:1] * 3,
    *LOOK_AWAY_ACTIVITIES[1:2] * 3,
    with_small_thing("hold cellphone", "cellphone", "low", ("hold",), "any"),
    with_small_thing("hold document", "document", "low", ("hold",), "any"),
    *(with_small_thing("hold cigarette", "cigarette", "front|low|out", ("hold",), "any"),) * 2,
    *(with_small_thing("hold drink", "drink", "front|low|out", ("hold",), "any"),) * 2,
    *(with_small_thing("hold food", "food", "front|low|out", ("hold",), "any"),) * 2,
    *(hold_ball, carry_computer) * 2,
    *(beside_vehicle(c, grips=True) for c in ("bike", "motorbike", "horse")),
)
"""Somebody holds something and does no more with it."""

TEMPTING_ACTIVITIES: tuple[Callable, ...] = (
    *(near_ball,) * 2,
    *LOOK_AWAY_ACTIVITIES[2:] * 2,
    at_computer("watch computer", hands=False, gaze=True),
    *(beside_vehicle(c, grips=False) for c in ("bike", "motorbike", "horse")),
    idle,
    idle,
)
"""Nothing that has a verb, however much it may look like it."""
