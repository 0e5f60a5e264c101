"""How a part of the frame lies in the network's input: stretched a little, black bars beyond."""

from __future__ import annotations

from appliance.media.frame import Rect
from appliance.networks.manifest import InputSpec

# The network sees a part of another shape stretched by this much at most; beyond, black bars.
_MOST_STRETCH = 1.5


def inner_rect(roi: Rect, spec: InputSpec) -> Rect:
    """Where in the network's input the part ``roi`` of the frame goes; the rest is black bars."""
    stretch = (roi.width / roi.height) / (spec.width / spec.height)
    width = min(1.0, stretch * _MOST_STRETCH)
    height = min(1.0, _MOST_STRETCH / stretch)
    columns = max(2, round(spec.width * width / 2) * 2)
    rows = max(2, round(spec.height * height / 2) * 2)
    return Rect((spec.width - columns) // 2, (spec.height - rows) // 2, columns, rows)
