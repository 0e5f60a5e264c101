"""How a part of the frame fits into the network's input: a little stretch, then black bars."""

from __future__ import annotations

import math

from appliance.media.frame import Rect
from appliance.networks.manifest import InputSpec

# A part of another shape is stretched by at most this factor; black bars make up the rest.
_MOST_STRETCH = 1.5


def detail(roi: Rect, aspect: float) -> float:
    """How finely an input sees the frame's part ``roi``: its pixels for one of the frame's.

    Those in the direction that gets fewer. ``aspect``: the input's width over height; it is taken
    to have one pixel in all, so that only inputs with as many pixels as each other compare.
    """
    stretch = (roi.width / roi.height) / aspect
    across = min(1.0, stretch * _MOST_STRETCH) * math.sqrt(aspect) / roi.width
    down = min(1.0, _MOST_STRETCH / stretch) / math.sqrt(aspect) / roi.height
    return min(across, down)


def inner_rect(roi: Rect, spec: InputSpec) -> Rect:
    """Where in the network's input the frame's part ``roi`` goes; the rest is black bars."""
    return fitted(roi, spec.width, spec.height)


def fitted(roi: Rect, width: int, height: int) -> Rect:
    """Where in ``width`` x ``height`` pixels the frame's part ``roi`` goes, its sides even."""
    stretch = (roi.width / roi.height) / (width / height)
    columns = max(2, round(width * min(1.0, stretch * _MOST_STRETCH) / 2) * 2)
    rows = max(2, round(height * min(1.0, _MOST_STRETCH / stretch) / 2) * 2)
    return Rect((width - columns) // 2, (height - rows) // 2, columns, rows)
