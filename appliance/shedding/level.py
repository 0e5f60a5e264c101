"""The levels of shedding, and the means by which a frame's matte is made."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum


class Level(IntEnum):
    """What is left out. Each level leaves out what the one before does, and more."""

    FULL = 0
    """Nothing."""
    REUSE = 1
    """The network runs on every second frame; in between, the last matte follows the motion."""
    SMALL = 2
    """The network's input is smaller, too."""
    HALF = 3
    """Every second frame is left out, too."""


class Means(Enum):
    """What gave a frame its matte."""

    NETWORK = "network"
    SMALL = "small"
    CARRIED = "carried"


_WORDS = {
    Level.REUSE: "the network looks at every second frame only",
    Level.SMALL: "it sees a smaller picture",
    Level.HALF: "every second frame is left out",
}


def in_words(level: Level, levels: Sequence[Level] = tuple(Level)) -> str:
    """What ``level`` leaves out, given the ``levels`` there are: a clause without a full stop."""
    parts = [_WORDS[each] for each in levels if Level.FULL < each <= level]
    if not parts:
        return "nothing is left out"
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
