"""Hardware decoders: preferred by rank, and left out once they have failed.

decodebin picks the highest-ranked decoder that claims to fit: NVDEC's, VA's or a Jetson's before
FFmpeg's. One that then fails (a driver of another version, a profile it does not know, no memory
left on the GPU) would be picked again each time.
"""

from __future__ import annotations

from typing import Any

import structlog

from appliance.errors import SourceError
from appliance.media.gst import Gst

log = structlog.get_logger(__name__)


class DecoderFailed(SourceError):
    """A hardware decoder failed and is left out from now on: reopening takes another."""


def hardware() -> list[str]:
    """The hardware decoders for H.264 that would be used here, first choice first."""
    found = Gst.ElementFactory.list_get_elements(
        Gst.ELEMENT_FACTORY_TYPE_DECODER, Gst.Rank.MARGINAL
    )
    h264 = Gst.Caps.from_string("video/x-h264")
    fit = [f for f in found if is_hardware(f) and f.can_sink_any_caps(h264)]
    return [f.get_name() for f in sorted(fit, key=lambda f: -f.get_rank())]


def leave_out(source: Any) -> str | None:
    """Leave out the decoder that reported an error; returns its name, None for anything else.

    ``source`` is what a bus message came from. Holds for the whole process, until it ends.
    """
    factory = source.get_factory() if isinstance(source, Gst.Element) else None
    if factory is None or not is_hardware(factory):
        return None
    name = str(factory.get_name())
    if factory.get_rank() > Gst.Rank.NONE:
        factory.set_rank(Gst.Rank.NONE)
        log.warning("a hardware decoder failed; it is left out until the next start", decoder=name)
    return name


def is_hardware(factory: Any) -> bool:
    """Whether a factory's elements decode by other means than this machine's cores."""
    kinds = str(factory.get_metadata("klass")).split("/")
    # A Jetson's does not declare itself as hardware.
    return "Decoder" in kinds and ("Hardware" in kinds or factory.get_name().startswith("nvv4l2"))
