"""The points at which processes die, and what the proof expects of each. Plain data, no Django."""

import random
from collections.abc import Callable
from typing import Any

LEASE = 300  # seconds, GIFTOPS_LEASE_SECONDS

COMMIT = ("before", "during", "after")
"""Of a commit: not sent yet; sent, and killed at a random moment; answered."""

PLACING = {
    "K1": ("call", "commit-before"),
    "K2": ("commit-during", "commit-after", "connect"),
    "K3": ("",),
    "K4": ("head", "half", "never", "late"),
    "K5": ("",),
    "K6": ("head", "half"),
    "K7": ("",),
    "K8": COMMIT,
    "K9": ("",),
    "K10": COMMIT,
    "K11": ("",),
    "K12": ("",),
}
COLLECTING = {
    "C1": ("",),
    "C2": ("",),
    "C3": ("",),
    "C4": COMMIT,
    "C5": ("",),
    "C6": COMMIT,
    "C7": ("",),
}
LOOKING_UP = {"L1": ("",), "L2": ("",), "L3": COMMIT, "L4": ("",)}
CHANCY = {"commit-during", "during", "half", "late"}
"""Variants in which chance has a say; the others are the same each time."""
WHERE = {
    "K1": "before the intent is committed",
    "K2": "intent committed, nothing connected",
    "K3": "connected, no byte sent",
    "K4": "bytes sent, the provider has not acted, or acts later",
    "K5": "the provider acted, no answer read",
    "K6": "half of the answer read",
    "K7": "the whole answer in memory only",
    "K8": "while the journal commits",
    "K9": "answer journaled, not applied",
    "K10": "while the answer is applied",
    "K11": "applied, job not finished",
    "K12": "job finished",
    "C1": "before asking how a placed order stands",
    "C2": "completed, codes not asked for",
    "C3": "the codes in memory only",
    "C4": "while the codes are journaled",
    "C5": "codes journaled, not stored",
    "C6": "while the codes are stored",
    "C7": "codes stored, job not finished",
    "L1": "before the look-up",
    "L2": "found, not taken over",
    "L3": "while it is taken over",
    "L4": "taken over, job not finished",
}

FIRST, AGAIN, FOUND = "sent for the first time", "absent, sent again", "found by look-up"
JOURNAL, FOLLOWED, NOTHING = "read from the journal", "followed on", "nothing to do"
RECOVERY: dict[tuple[str, str], set[str]] = {
    ("K1", "call"): {FIRST},
    ("K1", "commit-before"): {FIRST},
    ("K2", "commit-during"): {FIRST, AGAIN, FOUND, JOURNAL, FOLLOWED},
    ("K2", "commit-after"): {AGAIN},
    ("K2", "connect"): {AGAIN},
    ("K3", ""): {AGAIN},
    ("K4", "head"): {AGAIN},
    ("K4", "half"): {AGAIN},
    ("K4", "never"): {AGAIN},
    ("K4", "late"): {FOUND},
    ("K5", ""): {FOUND},
    ("K6", "head"): {FOUND},
    ("K6", "half"): {FOUND},
    ("K7", ""): {FOUND},
    ("K8", "before"): {FOUND},
    ("K8", "during"): {FOUND, JOURNAL, FOLLOWED},
    ("K8", "after"): {JOURNAL},
    ("K9", ""): {JOURNAL},
    ("K10", "before"): {JOURNAL},
    ("K10", "during"): {JOURNAL, FOLLOWED},
    ("K10", "after"): {FOLLOWED},
    ("K11", ""): {FOLLOWED},
    ("K12", ""): {FOLLOWED},
}
"""How a killed purchase may come home: the others must use what is there, no more and no less."""

Fault = Callable[[random.Random], tuple[str, dict[str, Any]]]
FAULTS: dict[tuple[str, str], Fault] = {
    ("K4", "never"): lambda chance: ("timeout_before_commit", {"seconds": 30.0}),
    ("K4", "late"): lambda chance: (
        "late_commit",
        {"delay": float(chance.randrange(5, 900)), "answer": "hang", "seconds": 30.0},
    ),
}
"""What the simulator does about the request, where the point needs it."""

OPERATIONS = {
    "reserve": ("reserveIds",),
    "create": ("createGiftcard",),
    "authorize": ("authorizeGiftcard",),
    "confirm": ("confirmAuthorization",),
    "cancel": ("cancelAuthorization",),
}
"""What an issuer is asked for while somebody dies, and what the simulator calls it."""

LOST_CODE = {"no_effect_seen", "held_code_lost", "ambiguous"}
HOLD_ENDS: dict[tuple[str, str], set[str]] = {
    ("K1", "call"): {"authorized"},
    ("K1", "commit-before"): {"authorized"},
    ("K2", "commit-during"): {"authorized", "no_effect_seen", "held_code_lost"},
    ("K2", "commit-after"): {"no_effect_seen"},
    ("K2", "connect"): {"no_effect_seen"},
    ("K3", ""): {"no_effect_seen"},
    ("K4", "head"): {"no_effect_seen"},
    ("K4", "half"): {"no_effect_seen"},
    ("K4", "never"): {"no_effect_seen"},
    ("K4", "late"): {"held_code_lost", "ambiguous"},
    ("K5", ""): {"held_code_lost"},
    ("K6", "head"): {"held_code_lost"},
    ("K6", "half"): {"held_code_lost"},
    ("K7", ""): {"held_code_lost"},
    ("K8", "before"): {"held_code_lost"},
    ("K8", "during"): {"held_code_lost", "authorized"},
}
"""How a hold may end whose sender died; from there on its code is in the journal and is found."""
ENDS = {
    "reserve": {"reserved"},
    "create": {"active"},
    "confirm": {"confirmed"},
    "cancel": {"released"},
}


def ends(write: str, trial: Any) -> set[str]:
    """The states in which what was asked for may be at the end."""
    return ENDS.get(write) or HOLD_ENDS.get(trial.at, {"authorized"})
