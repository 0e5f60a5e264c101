"""Where somebody may be, where nobody can be, and where nothing fades."""

from __future__ import annotations

import math
from collections.abc import Sequence

from appliance.media.frame import Rect

# Alpha of somebody who is in view, and the part of the picture that a mistake may cover.
SOMEBODY, NOBODY_SHARE = 0.8, 0.004
# Alpha from which somebody may be there, and how far around it they may be, grid pixels.
TAKEN, MARGIN = 0.03, 1
# A look at the whole frame tells where nobody is, beside the ROI, for so long ...
LOOK_NS = 2_500_000_000
# ... with so much room around whom it found, as a part of the grid's width: people walk.
_ROOM = 0.08


def margin_of_look(columns: int) -> int:
    """The margin around whom a look at the whole frame found, in pixels of its grid."""
    return max(2, round(_ROOM * columns))


def parts_on_grid(
    seen: Sequence[Rect], rect: Rect, shape: tuple[int, ...]
) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom, on a grid (rows, columns) over ``rect``, of what was seen."""
    rows, columns = shape
    made = []
    for part in seen:
        left, right = ((x - rect.x) * columns / rect.width for x in (part.x, part.right))
        top, bottom = ((y - rect.y) * rows / rect.height for y in (part.y, part.bottom))
        made.append((max(0, int(left) + 1), max(0, int(top) + 1), int(right), int(bottom)))
    return made


def unramped(rect: Rect, whole: Rect, ramp: float) -> Rect:
    """The part of the ROI where nothing fades, even."""
    x, y = (2 * math.ceil(side * ramp / 2) for side in (rect.width, rect.height))
    left, top = rect.x + x * (rect.x > 0), rect.y + y * (rect.y > 0)
    right = rect.right - x * (rect.right < whole.width)
    bottom = rect.bottom - y * (rect.bottom < whole.height)
    return Rect(left, top, max(0, right - left), max(0, bottom - top))


def refused(share: float) -> str:
    """Why the room is not learnt at once: so much of what is looked at is somebody."""
    return f"somebody is in view: {share:.0%} of what is looked at; step aside and try again"
