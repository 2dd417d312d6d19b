"""V-COCO: 26 actions with their roles; id = position, from 0.

A verb of the model is an action-role ("cut_instr", "cut_obj"): 25 with an object, and 4 actions
without one (stand, walk, run, smile).
"""

ACTIONS = (
    ("hold", ("obj",)),
    ("stand", ()),
    ("sit", ("instr",)),
    ("ride", ("instr",)),
    ("walk", ()),
    ("look", ("obj",)),
    ("hit", ("instr", "obj")),
    ("eat", ("obj", "instr")),
    ("jump", ("instr",)),
    ("lay", ("instr",)),
    ("talk_on_phone", ("instr",)),
    ("carry", ("obj",)),
    ("throw", ("obj",)),
    ("catch", ("obj",)),
    ("cut", ("instr", "obj")),
    ("run", ()),
    ("work_on_computer", ("instr",)),
    ("ski", ("instr",)),
    ("surf", ("instr",)),
    ("skateboard", ("instr",)),
    ("smile", ()),
    ("drink", ("instr",)),
    ("kick", ("obj",)),
    ("point", ("instr",)),
    ("read", ("obj",)),
    ("snowboard", ("instr",)),
)
"""(action, its roles other than the agent), in the official order."""

ACTION_ROLES = tuple(f"{action}_{role}" for action, roles in ACTIONS for role in roles)
"""The 25 action-roles, in the official order."""

OBJECTLESS_ACTIONS = tuple(action for action, roles in ACTIONS if not roles)
"""stand, walk, run, smile: only an agent."""

VERBS = ACTION_ROLES + OBJECTLESS_ACTIONS
"""The model's 29 verbs."""
