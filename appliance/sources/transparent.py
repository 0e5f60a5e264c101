"""Videos with alpha (VP8, VP9, ProRes 4444, PNG, QuickTime's RLE), laid on black.

What is transparent has colours, too, which nobody is to see: a converter that drops the alpha shows
them. So such a stream keeps it up to the appsink.
"""

from __future__ import annotations

import time

import numpy as np

from appliance.media.frame import Colour, Frame, Range
from appliance.media.gst import Gst, GstVideo
from appliance.sources.planes import planes_of

ALPHA_FORMAT = "A420"
"""What these streams are delivered in, as GStreamer calls it."""


def has_alpha(info: GstVideo.VideoInfo) -> bool:
    """Whether pictures of these caps may be transparent."""
    return bool(info.finfo.flags & GstVideo.VideoFormatFlags.ALPHA)


def on_black(
    sample: Gst.Sample, colour: Colour, *, pts: int, serial: int, discontinuity: bool
) -> Frame:
    """The sample as a frame in memory of its own, its colours as ``colour`` says already.

    Raises SourceError.
    """
    from appliance.pixels.cpu.over_black import over_black

    mapping, (y, cb, cr, alpha) = planes_of(sample, np.uint8)
    out_y = np.empty(y.shape, np.uint8)
    out_uv = np.empty((*cb.shape, 2), np.uint8)
    black = np.int32(16 if colour.range is Range.LIMITED else 0)
    over_black(y, cb, cr, alpha, black, out_y, out_uv)
    mapping.unmap()
    return Frame(out_y, out_uv, colour, pts, time.monotonic_ns(), serial, discontinuity)
