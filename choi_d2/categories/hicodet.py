"""HICO-DET: 80 objects (COCO's, alphabetical), 117 verbs, and the 600 classes that it scores.

A class ("HOI") is a verb with an object. Official ids are positions, from 1; the release of
``instances_*.json`` has the same numbers from 0.
"""

from __future__ import annotations

from typing import NamedTuple

# fmt: off
OBJECTS = (
    "airplane", "apple", "backpack", "banana", "baseball_bat", "baseball_glove", "bear", "bed",
    "bench", "bicycle", "bird", "boat", "book", "bottle", "bowl", "broccoli", "bus", "cake", "car",
    "carrot", "cat", "cell_phone", "chair", "clock", "couch", "cow", "cup", "dining_table", "dog",
    "donut", "elephant", "fire_hydrant", "fork", "frisbee", "giraffe", "hair_drier", "handbag",
    "horse", "hot_dog", "keyboard", "kite", "knife", "laptop", "microwave", "motorcycle", "mouse",
    "orange", "oven", "parking_meter", "person", "pizza", "potted_plant", "refrigerator", "remote",
    "sandwich", "scissors", "sheep", "sink", "skateboard", "skis", "snowboard", "spoon",
    "sports_ball", "stop_sign", "suitcase", "surfboard", "teddy_bear", "tennis_racket", "tie",
    "toaster", "toilet", "toothbrush", "traffic_light", "train", "truck", "tv", "umbrella", "vase",
    "wine_glass", "zebra",
)
COCO_IDS = (
    5, 53, 27, 52, 39, 40, 23, 65, 15, 2, 16, 9, 84, 44, 51, 56, 6, 61, 3, 57, 17, 77, 62, 85, 63,
    21, 47, 67, 18, 60, 22, 11, 48, 34, 25, 89, 31, 19, 58, 76, 38, 49, 73, 78, 4, 74, 55, 79, 14,
    1, 59, 64, 82, 75, 54, 87, 20, 81, 41, 35, 36, 50, 37, 13, 33, 42, 88, 43, 32, 80, 70, 90, 10,
    7, 8, 72, 28, 86, 46, 24,
)
"""COCO's category ids 1..90 of the objects."""

VERBS = (
    "adjust", "assemble", "block", "blow", "board", "break", "brush_with", "buy", "carry", "catch",
    "chase", "check", "clean", "control", "cook", "cut", "cut_with", "direct", "drag", "dribble",
    "drink_with", "drive", "dry", "eat", "eat_at", "exit", "feed", "fill", "flip", "flush", "fly",
    "greet", "grind", "groom", "herd", "hit", "hold", "hop_on", "hose", "hug", "hunt", "inspect",
    "install", "jump", "kick", "kiss", "lasso", "launch", "lick", "lie_on", "lift", "light", "load",
    "lose", "make", "milk", "move", "no_interaction", "open", "operate", "pack", "paint", "park",
    "pay", "peel", "pet", "pick", "pick_up", "point", "pour", "pull", "push", "race", "read",
    "release", "repair", "ride", "row", "run", "sail", "scratch", "serve", "set", "shear", "sign",
    "sip", "sit_at", "sit_on", "slide", "smell", "spin", "squeeze", "stab", "stand_on",
    "stand_under", "stick", "stir", "stop_at", "straddle", "swing", "tag", "talk_on", "teach",
    "text_on", "throw", "tie", "toast", "train", "turn", "type_on", "walk", "wash", "watch", "wave",
    "wear", "wield", "zip",
)

_VERBS_OF_OBJECT = {
    "airplane": "board direct exit fly inspect load ride sit_on wash",
    "bicycle": "carry hold inspect jump hop_on park push repair ride sit_on straddle walk wash",
    "bird": "chase feed hold pet release watch",
    "boat": "board drive exit inspect jump launch repair ride row sail sit_on stand_on tie wash",
    "bottle": "carry drink_with hold inspect lick open pour",
    "bus": "board direct drive exit inspect load ride sit_on wash wave",
    "car": "board direct drive hose inspect jump load park ride wash",
    "cat": "dry feed hold hug kiss pet scratch wash chase",
    "chair": "carry hold lie_on sit_on stand_on",
    "couch": "carry lie_on sit_on",
    "cow": "feed herd hold hug kiss lasso milk pet ride walk",
    "dining_table": "clean eat_at sit_at",
    "dog": (
        "carry dry feed groom hold hose hug inspect kiss pet run scratch straddle train walk wash "
        "chase"
    ),
    "horse": "feed groom hold hug jump kiss load hop_on pet race ride run straddle train walk wash",
    "motorcycle": "hold inspect jump hop_on park push race ride sit_on straddle turn walk wash",
    "person": "carry greet hold hug kiss stab tag teach lick",
    "potted_plant": "carry hold hose",
    "sheep": "carry feed herd hold hug kiss pet ride shear walk wash",
    "train": "board drive exit load ride sit_on wash",
    "tv": "control repair watch",
    "apple": "buy cut eat hold inspect peel pick smell wash",
    "backpack": "carry hold inspect open wear",
    "banana": "buy carry cut eat hold inspect peel pick smell",
    "baseball_bat": "break carry hold sign swing throw wield",
    "baseball_glove": "hold wear",
    "bear": "feed hunt watch",
    "bed": "clean lie_on sit_on",
    "bench": "inspect lie_on sit_on",
    "book": "carry hold open read",
    "bowl": "hold stir wash lick",
    "broccoli": "cut eat hold smell stir wash",
    "cake": "blow carry cut eat hold light make pick_up",
    "carrot": "carry cook cut eat hold peel smell stir wash",
    "cell_phone": "carry hold read repair talk_on text_on",
    "clock": "check hold repair set",
    "cup": "carry drink_with hold inspect pour sip smell fill wash",
    "donut": "buy carry eat hold make pick_up smell",
    "elephant": "feed hold hose hug kiss hop_on pet ride walk wash watch",
    "fire_hydrant": "hug inspect open paint",
    "fork": "hold lift stick lick wash",
    "frisbee": "block catch hold spin throw",
    "giraffe": "feed kiss pet ride watch",
    "hair_drier": "hold operate repair",
    "handbag": "carry hold inspect",
    "hot_dog": "carry cook cut eat hold make",
    "keyboard": "carry clean hold type_on",
    "kite": "assemble carry fly hold inspect launch pull",
    "knife": "cut_with hold stick wash wield lick",
    "laptop": "hold open read repair type_on",
    "microwave": "clean open operate",
    "mouse": "control hold repair",
    "orange": "buy cut eat hold inspect peel pick squeeze wash",
    "oven": "clean hold inspect open repair operate",
    "parking_meter": "check pay repair",
    "pizza": "buy carry cook cut eat hold make pick_up slide smell",
    "refrigerator": "clean hold move open",
    "remote": "hold point swing",
    "sandwich": "carry cook cut eat hold make",
    "scissors": "cut_with hold open",
    "sink": "clean repair wash",
    "skateboard": "carry flip grind hold jump pick_up ride sit_on stand_on",
    "skis": "adjust carry hold inspect jump pick_up repair ride stand_on wear",
    "snowboard": "adjust carry grind hold jump ride stand_on wear",
    "spoon": "hold lick wash sip",
    "sports_ball": "block carry catch dribble hit hold inspect kick pick_up serve sign spin throw",
    "stop_sign": "hold stand_under stop_at",
    "suitcase": "carry drag hold hug load open pack pick_up zip",
    "surfboard": "carry drag hold inspect jump lie_on load ride stand_on sit_on wash",
    "teddy_bear": "carry hold hug kiss",
    "tennis_racket": "carry hold inspect swing",
    "tie": "adjust cut hold inspect pull tie wear",
    "toaster": "hold operate repair",
    "toilet": "clean flush open repair sit_on stand_on wash",
    "toothbrush": "brush_with hold wash",
    "traffic_light": "install repair stand_under stop_at",
    "truck": "direct drive inspect load repair ride sit_on wash",
    "umbrella": "carry hold lose open repair set stand_under",
    "vase": "hold make paint",
    "wine_glass": "fill hold sip toast lick wash",
    "zebra": "feed hold pet watch",
}
"""In the order of the ids; every object's last class is ``no_interaction``."""
# fmt: on

NO_INTERACTION = VERBS.index("no_interaction")


class HOI(NamedTuple):
    """One of the 600 classes; positions in ``OBJECTS`` and ``VERBS``."""

    object: int
    verb: int

    @property
    def name(self) -> str:
        """``"ride bicycle"``."""
        return f"{VERBS[self.verb]} {OBJECTS[self.object]}"


HOIS = tuple(
    HOI(OBJECTS.index(name), VERBS.index(verb))
    for name, verbs in _VERBS_OF_OBJECT.items()
    for verb in (*verbs.split(), "no_interaction")
)

# fmt: off
RARE_HOI_IDS = (
    9, 23, 28, 45, 51, 56, 63, 64, 67, 71, 77, 78, 81, 84, 85, 91, 100, 101, 105, 108, 113, 128,
    136, 137, 150, 159, 166, 167, 169, 173, 180, 182, 185, 189, 190, 193, 196, 199, 206, 207, 215,
    217, 223, 228, 230, 239, 240, 255, 256, 258, 261, 262, 263, 275, 280, 281, 282, 287, 290, 293,
    304, 312, 316, 318, 326, 329, 334, 335, 346, 351, 352, 355, 359, 365, 380, 382, 390, 391, 392,
    396, 398, 399, 400, 402, 403, 404, 405, 406, 408, 411, 417, 419, 427, 428, 430, 432, 437, 440,
    441, 450, 452, 464, 470, 475, 483, 486, 499, 500, 505, 510, 515, 518, 521, 523, 527, 532, 536,
    540, 547, 548, 549, 550, 551, 552, 553, 556, 557, 561, 579, 581, 582, 587, 593, 594, 596, 597,
    598, 600,
)
"""Fewer than 10 pairs in the training annotations: 138 of the 600."""

_RARE_FIRST = (
    9, 23, 28, 45, 51, 56, 63, 67, 71, 77, 78, 81, 84, 85, 91, 100, 101, 105, 108, 128, 136, 137,
    150, 159, 169, 180, 182, 185, 189, 190, 193, 196, 199, 206, 207, 217, 223, 230, 239, 240, 255,
    256, 258, 261, 262, 263, 275, 280, 281, 282, 287, 290, 293, 304, 312, 316, 318, 326, 334, 335,
    346, 351, 352, 355, 359, 365, 380, 382, 390, 391, 392, 396, 398, 399, 400, 402, 403, 404, 406,
    408, 411, 417, 419, 428, 430, 437, 440, 441, 450, 464, 470, 475, 483, 486, 499, 500, 505, 510,
    518, 521, 523, 527, 532, 536, 540, 547, 548, 549, 553, 556, 557, 561, 582, 587, 593, 594, 596,
    597, 598, 600,
)
_NON_RARE_FIRST = (
    7, 8, 10, 12, 19, 20, 21, 24, 26, 30, 39, 42, 43, 46, 49, 54, 55, 57, 61, 62, 65, 68, 74, 76,
    90, 92, 94, 95, 107, 111, 116, 132, 140, 141, 142, 147, 153, 154, 155, 156, 160, 163, 164, 170,
    174, 177, 186, 191, 192, 194, 198, 209, 213, 216, 219, 224, 227, 229, 231, 241, 246, 247, 249,
    250, 251, 267, 285, 295, 298, 305, 309, 313, 321, 324, 330, 338, 339, 341, 347, 371, 372, 375,
    378, 384, 386, 388, 418, 447, 456, 457, 458, 460, 462, 471, 472, 473, 479, 480, 481, 482, 484,
    494, 507, 509, 516, 517, 519, 530, 535, 545, 560, 567, 573, 576, 577, 578, 583, 584, 590, 595,
)
_UNSEEN_OBJECTS = (
    "baseball_bat", "clock", "dog", "elephant", "frisbee", "pizza", "refrigerator", "skateboard",
    "skis", "tennis_racket", "toothbrush", "zebra",
)
_UNSEEN_VERBS = (
    "block", "dribble", "feed", "herd", "hose", "inspect", "install", "move", "park", "ride",
    "sail", "scratch", "sign", "squeeze", "stab", "stop_at", "swing", "tag", "toast", "wear",
)
# fmt: on

ZERO_SHOT = {
    "RF-UC": _RARE_FIRST,
    "NF-UC": _NON_RARE_FIRST,
    "UO": tuple(i for i, hoi in enumerate(HOIS, 1) if OBJECTS[hoi.object] in _UNSEEN_OBJECTS),
    "UV": tuple(i for i, hoi in enumerate(HOIS, 1) if VERBS[hoi.verb] in _UNSEEN_VERBS),
}
"""Zero-shot split -> its unseen HOI ids: combinations (rare or frequent first), objects, verbs."""
