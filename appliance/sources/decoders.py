"""Decoders in hardware: taken first by rank, and left out once one has failed.

decodebin takes the decoder of the highest rank that says it can: NVDEC's, VA's or a Jetson's before
FFmpeg's. One that then fails (a driver of another version, a profile it does not know, no memory
left on the GPU) would be taken again each time.
"""

from __future__ import annotations

from typing import Any

import structlog

from appliance.errors import SourceError
from appliance.media.gst import Gst

log = structlog.get_logger(__name__)


class DecoderFailed(SourceError):
    """A hardware decoder failed and is left out from now on: to open anew takes another."""


def hardware() -> list[str]:
    """The H.264 decoders in hardware that would be taken here, the first choice first."""
    found = Gst.ElementFactory.list_get_elements(
        Gst.ELEMENT_FACTORY_TYPE_DECODER, Gst.Rank.MARGINAL
    )
    h264 = Gst.Caps.from_string("video/x-h264")
    fit = [f for f in found if _in_hardware(f) and f.can_sink_any_caps(h264)]
    return [f.get_name() for f in sorted(fit, key=lambda f: -f.get_rank())]


def leave_out(source: Any) -> str | None:
    """The name of the decoder that reported an error, left out by now; None for anything else.

    ``source`` is what a message of the bus came from. For the whole process, until it ends.
    """
    factory = source.get_factory() if isinstance(source, Gst.Element) else None
    if factory is None or not _in_hardware(factory):
        return None
    name = str(factory.get_name())
    if factory.get_rank() > Gst.Rank.NONE:
        factory.set_rank(Gst.Rank.NONE)
        log.warning("a hardware decoder failed; it is left out until the next start", decoder=name)
    return name


def _in_hardware(factory: Any) -> bool:
    kinds = str(factory.get_metadata("klass")).split("/")
    # A Jetson's calls itself only a decoder.
    return "Decoder" in kinds and ("Hardware" in kinds or factory.get_name().startswith("nvv4l2"))
