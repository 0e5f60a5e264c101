"""The levels of shedding, and the means by which a frame's matte is made."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum


class Level(IntEnum):
    """What is left out. Each level leaves out what the one before does, and more."""

    FULL = 0
    """Nothing."""
    SPARE = 1
    """Optional stages look half as often, and no frames are made between those of the source."""
    PLAIN = 2
    """Optional stages that only embellish are left out, too."""
    REUSE = 3
    """The network runs on every second frame; in between, the last matte follows the motion."""
    SMALL = 4
    """The network's input is smaller, too."""
    HALF = 5
    """Every second frame is left out, too."""


NETWORK_LEVELS = (Level.FULL, Level.REUSE, Level.SMALL, Level.HALF)
"""The levels without those that concern optional stages."""


class Means(Enum):
    """What gave a frame its matte."""

    NETWORK = "network"
    SMALL = "small"
    CARRIED = "carried"


_WORDS = {
    Level.SPARE: "optional stages look half as often",
    Level.PLAIN: "those that only embellish are left out",
    Level.REUSE: "the network looks at every second frame only",
    Level.SMALL: "it sees a smaller picture",
    Level.HALF: "every second frame is left out",
}


def in_words(level: Level, levels: Sequence[Level] = NETWORK_LEVELS) -> str:
    """What ``level`` leaves out, given the ``levels`` there are: a clause without a full stop."""
    parts = [_WORDS[each] for each in levels if Level.FULL < each <= level]
    if not parts:
        return "nothing is left out"
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
