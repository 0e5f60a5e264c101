"""Who is trained on and who is kept back, by person, fixed for good."""

from __future__ import annotations

import hashlib

# The signing clips, by the person in them. Persons 1 and 2 train, 3 and 4 are kept back.
SIGNERS = {
    "again": 1, "brother": 1, "help": 1, "no": 1, "student": 1, "yes": 1,
    "bird": 2, "milk": 2, "please": 2, "sorry": 2, "thanks": 2,
    "eat": 3, "night": 3, "sister": 3,
    "hungry": 4,
}  # fmt: skip
HELD_OUT_SIGNERS = (3, 4)

# room-walkers.mp4: first and last frame of each of its six people. The first four train, cut
# out and never before their room; the last two and every empty frame are kept back.
WALKERS = ((86, 190), (240, 446), (520, 690), (760, 866), (940, 1190), (1262, 1350))
HELD_OUT_WALKERS = (4, 5)
EMPTY_STRETCHES = (
    (0, 55), (205, 228), (455, 507), (715, 750), (890, 926), (1222, 1240), (1375, 1393),
)  # fmt: skip

# Before no plain wall: their labels are wrong.
UNUSABLE_PORTRAITS = frozenset({"M000472"})


def _draw(name: str, salt: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    digest = hashlib.sha256(f"{salt}:{name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def is_held_out_portrait(name: str) -> bool:
    """Whether a portrait (by its file's stem; one person a file) is kept for evaluation."""
    return _draw(name, "portrait") < 0.10


def is_held_out_background(name: str) -> bool:
    """Whether a background (by its file's stem) is kept for evaluation.

    Faces of one cube map (…_posx, …_negz) show one place and stay together.
    """
    place = name
    for face in ("_posx", "_negx", "_posz", "_negz", "_posy", "_negy"):
        place = place.removesuffix(face)
    return _draw(place, "background") < 0.15


def is_held_out_stranger(group: str) -> bool:
    """Whether a group of `people/` (one person, event or folder) is kept for evaluation."""
    return _draw(group, "stranger") < 0.125
