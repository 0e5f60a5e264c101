"""Which of a container's streams is the one to show: what its author has marked."""

from __future__ import annotations

from typing import Any

from appliance.media.gst import Gst

# Their demuxer marks the default track; the others mark at most those that are switched off.
_MARKING = ("matroskademux",)


def stands_back(pad: Gst.Pad, demuxer: Any) -> bool:
    """Whether another stream is to be taken before the one on this pad of a demuxer, if there is.

    In Matroska and WebM (FlagDefault, RFC 9559, 5.1.4.1.5) that is each track but the default one;
    in MP4 each that is not enabled (tkhd's flags, ISO/IEC 14496-12, 8.3.2). ``demuxer`` is the
    demuxer's factory.
    """
    event = pad.get_sticky_event(Gst.EventType.STREAM_START, 0)
    flags = int(event.parse_stream_flags()) if event is not None else 0
    if flags & int(Gst.StreamFlags.UNSELECT):
        return True
    return demuxer.get_name() in _MARKING and not flags & int(Gst.StreamFlags.SELECT)
