"""Pictures with odd sides: H.264 with 4:2:0 chroma has none, so the last column or row goes."""

from __future__ import annotations

from dataclasses import replace

from appliance.media.frame import Format, Frame


def even_format(format: Format) -> Format:
    """The same format with both sides even (at least 2)."""
    return replace(format, width=max(2, format.width & ~1), height=max(2, format.height & ~1))


def even_frame(frame: Frame) -> Frame:
    """``frame`` itself when both sides are even, else its even part (a view, memory kept)."""
    width, height = frame.width & ~1, frame.height & ~1
    if (width, height) == (frame.width, frame.height):
        return frame
    return replace(
        frame,
        y=frame.y[:height, :width],
        uv=frame.uv[: height // 2, : width // 2],
        owner=(frame.owner,),
    )
