"""How a part of the frame fits into the network's input: a little stretch, then black bars."""

from __future__ import annotations

from appliance.media.frame import Rect
from appliance.networks.manifest import InputSpec
from appliance.stages.shape import MOST_STRETCH


def inner_rect(roi: Rect, spec: InputSpec) -> Rect:
    """Where in the network's input the frame's part ``roi`` goes; the rest is black bars."""
    stretch = (roi.width / roi.height) / (spec.width / spec.height)
    width = min(1.0, stretch * MOST_STRETCH)
    height = min(1.0, MOST_STRETCH / stretch)
    columns = max(2, round(spec.width * width / 2) * 2)
    rows = max(2, round(spec.height * height / 2) * 2)
    return Rect((spec.width - columns) // 2, (spec.height - rows) // 2, columns, rows)
