"""What networks are for: each has one task, and each setting takes networks of one task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Task = Literal["alpha", "classes", "flow", "between", "picture", "pose", "face", "find-face"]
"""What a network gives: the person's matte, a class for each pixel, how the picture moved,
a picture between two others, another picture, the joints of a person, the points of a face, or
where faces are."""

GIVES: Mapping[Task, str] = {
    "alpha": "a person's matte",
    "classes": "a class for each pixel",
    "flow": "how the picture moved",
    "between": "a picture between two others",
    "picture": "another picture",
    "pose": "the joints of a person",
    "face": "the points of a face",
    "find-face": "where faces are",
}

PLACES: Mapping[Task, str] = {
    "alpha": "matting.model",
    "classes": "stages.select.model",
    "flow": "stages.motion.model",
    "between": "stages.interpolate.model",
    "picture": "stages.style.model",
    "pose": "the source puppet://",
    "face": "mattebox avatar make",
    "find-face": "mattebox avatar make",
}
"""The setting that takes the networks of a task; a stage that takes others adds its own here."""


def wrong_task(found: Task, wanted: Task | None) -> str | None:
    """Why a network of task ``found`` cannot be taken for ``wanted``; None where it can.

    ``wanted`` None takes any.
    """
    if wanted is None or found == wanted:
        return None
    place = PLACES.get(found)
    home = f"this one is for {place}" if place else "no setting takes this one"
    return (
        f"found {found} (it gives {GIVES[found]}), expected {wanted} ({GIVES[wanted]}); name "
        f"another network here: {home}"
    )
