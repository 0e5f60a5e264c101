"""Photographs with alphas out of a pack, for views of them as they were taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.data.material import at_most
from export.data.pack import read_weighted
from export.synthesis.views import Photograph

LONGEST = 512


def load_photographs(pack: Path, person: str, but: str | None = None) -> list[Photograph]:
    """Those of kind `real` whose person begins so, and does not begin with `but`.

    What is to be drawn twice as often is in the list twice.
    """
    found = []
    for entry, colour, alpha, weight in read_weighted(pack):
        if entry.kind != "real" or alpha is None or not entry.person.startswith(person):
            continue
        if but is not None and entry.person.startswith(but):
            continue
        believed = np.full_like(alpha, 255) if weight is None else weight
        planes = (at_most(plane, LONGEST) for plane in (colour, alpha, believed))
        found += [Photograph(*planes)] * max(1, round(entry.often))
    return found
