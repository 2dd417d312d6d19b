"""PIC: categories and relations of its two releases; id = position, from 1 (0 is background).

The file formats of v1 and v2 are the same, the ids are not: never read one with the other's lists.
"""

# fmt: off
V1_CATEGORIES = (
    "human", "floor", "bed", "window", "cabinet", "door", "table", "potting-plant", "curtain",
    "chair", "sofa", "shelf", "rug", "lamp", "fridge", "stairs", "pillow", "kitchen-island",
    "sculpture", "sink", "document", "painting/poster", "barrel", "basket", "poke", "stool",
    "clothes", "bottle", "plate", "cellphone", "toy", "cushion", "box", "display", "blanket", "pot",
    "nameplate", "banners/flag", "cup", "pen", "digital", "cooker", "umbrella", "decoration",
    "straw", "certificate", "food", "club", "towel", "pet/animals", "tool", "household-appliances",
    "pram", "car/bus/truck", "grass", "vegetation", "water", "ground", "road", "street-light",
    "railing/fence", "stand", "steps", "pillar", "awnings/tent", "building", "mountrain/hill",
    "stone", "bridge", "bicycle", "motorcycle", "airplane", "boat/ship", "balls",
    "swimming-equipment", "body-building-apparatus", "gun", "smoke", "rope", "amusement-facilities",
    "prop", "military-equipment", "bag", "instruments",
)
V1_RELATIONS = (
    "hold", "touch", "drive", "eat", "drink", "play", "look", "throw", "ride", "talk", "carry",
    "use", "pull", "push", "hit", "feed", "kick", "wear", "in-front-of", "next-to", "on-top-of",
    "behind", "on", "with", "in", "sit-on", "stand-on", "lie-in", "squat", "other",
)
V1_GEOMETRIC_IDS = (19, 20, 21, 22, 23, 25)

V2_CATEGORIES = (
    "human", "hat", "racket", "plant", "flag", "food", "cushion", "tent", "stick", "bag", "pot",
    "flower", "rug", "blackboard", "window", "phone", "car", "ball", "PC", "instrument", "fan",
    "rope", "electronics", "kitchen_island", "pillar", "horse", "basket", "book", "poke", "lamp",
    "guardrail", "floor", "scissor", "stairs", "kitchenware", "decoration", "document", "pen",
    "curtain", "microphone", "bottle", "towel", "brand", "digital", "tableware", "certificate",
    "box", "barrel", "umbrella", "bicycle", "pillow", "luggage", "tool", "toy", "cup", "cigarette",
    "door", "stalls", "money_coin", "building", "cabin", "ice", "stone", "track", "train", "prop",
    "road", "street_light", "body_building_apparatus", "military_equipment", "glass", "parachute",
    "ground", "snow", "amusement_facilities", "motorcycle", "net", "sidewalk", "shovel", "property",
    "wood", "beach", "water", "paddle", "straw", "skis", "field", "animal", "bridge", "bench",
    "grass", "mountain", "surfboard", "wall", "aircraft", "bulletin", "tree", "hoe", "bucket",
    "steps", "swimming_things", "fishing_rod", "table", "skateboard", "laptop", "radiator",
    "refrigerator", "painting/poster", "emblem", "stool", "handcart", "nameplate", "showcase",
    "lighter", "sculpture", "shelf", "chair", "cabinet", "clothes", "sink", "apparel", "gun",
    "stand", "sofa", "bed", "sled", "bird", "cat", "pram", "plate", "blender", "remote_control",
    "vase", "toaster", "boat", "blanket", "camel", "dog", "vegetation", "display", "banner",
    "elephant", "squirrel",
)
V2_RELATIONS = (
    "in front of", "behind", "talk", "next-to", "hold", "drink", "sit-on", "stand-on", "look",
    "touch", "wear", "carry", "in", "others", "use", "lie-down", "eat", "hit", "with", "drive",
    "ride", "squat", "pull", "on-the-top-of", "on", "kick", "throw", "play", "push", "feed",
)
V2_GEOMETRIC_IDS = (1, 2, 4, 13, 24, 25)
# fmt: on
