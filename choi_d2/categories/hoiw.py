"""HOIW (= HOI-A): 11 object and 10 verb categories; id = position, from 1.

Objects 10 and 11 are computer and document: C-HOI's own list swaps the names, the data do not.
"""

# fmt: off
OBJECTS = (
    "person", "cellphone", "cigarette", "drink", "food", "bike", "motorbike", "horse", "ball",
    "computer", "document",
)
VERBS = (
    "smoke", "call", "play(cellphone)", "eat", "drink", "ride", "hold", "kick", "read",
    "play(computer)",
)
# fmt: on
