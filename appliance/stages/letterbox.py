"""How a part of the frame fits into the network's input: a little stretch, then black bars."""

from __future__ import annotations

from appliance.media.frame import Rect
from appliance.networks.manifest import InputSpec
from appliance.stages.shape import MOST_STRETCH


def inner_rect(roi: Rect, spec: InputSpec) -> Rect:
    """Where in the network's input the frame's part ``roi`` goes; the rest is black bars."""
    return fitted(roi, spec.width, spec.height)


def fitted(roi: Rect, width: int, height: int) -> Rect:
    """Where in ``width`` x ``height`` pixels the frame's part ``roi`` goes, its sides even."""
    stretch = (roi.width / roi.height) / (width / height)
    columns = max(2, round(width * min(1.0, stretch * MOST_STRETCH) / 2) * 2)
    rows = max(2, round(height * min(1.0, MOST_STRETCH / stretch) / 2) * 2)
    return Rect((width - columns) // 2, (height - rows) // 2, columns, rows)
