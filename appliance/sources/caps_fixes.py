"""What GStreamer's caps get wrong about a stream, put right before anything acts on it.

- A colorimetry with a known range and an unknown matrix (an H.264 stream that says "full range" and
  nothing else, as many webcams' recordings do) is discarded entirely by GStreamer's converters.
- Pixels that are square except for rounding (5776/5769) would have the picture scaled by a column.
- The MP4 demuxer overlooks the full-range flag, and then takes precedence over the stream itself.
"""

from __future__ import annotations

import re

from appliance.media.frame import Matrix
from appliance.media.gst import Gst, first_structure
from appliance.sources.elements import make

_PAR_TOLERANCE = 0.02


def default_matrix(height: int) -> Matrix:
    """The matrix of a stream that does not say: BT.601 up to 576 lines, else BT.709."""
    return Matrix.BT709 if height > 576 else Matrix.BT601


def mended(caps: Gst.Caps) -> Gst.Caps:
    """A copy of fixed raw video caps, with what is wrong in them put right."""
    text = _corrections(caps)
    copy = caps.copy()
    for name, value in text.items():
        copy.set_value(name, value)
    return copy


def mender() -> Gst.Element:
    """An element that does the same to the caps passing through it, even when they change."""
    element = make("capssetter", caps=Gst.Caps.from_string("video/x-raw"), join=True)
    sink = element.get_static_pad("sink")
    sink.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, _before_caps)
    return element


def _before_caps(pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
    event = info.get_event()
    if event.type == Gst.EventType.CAPS:
        change = Gst.Caps.new_empty_simple("video/x-raw")
        for name, value in _corrections(event.parse_caps()).items():
            change.set_value(name, value)
        # Asked for, not handed in: a pad that holds its own element keeps it for ever.
        pad.get_parent_element().set_property("caps", change)
    return Gst.PadProbeReturn.OK


def _corrections(caps: Gst.Caps) -> dict[str, object]:
    structure = first_structure(caps)
    found: dict[str, object] = {}
    colours = re.fullmatch(r"([12]):0:(\d+):(\d+)", structure.get_string("colorimetry") or "")
    is_yuv = not re.search("RGB|BGR|GRAY", structure.get_string("format") or "")
    if colours and is_yuv:
        bt601 = default_matrix(structure.get_int("height").value) is Matrix.BT601
        # Such a combination in GStreamer's own spelling: 2:4:16:4 is "bt601".
        limited = "bt601" if bt601 else "bt709"
        full = "1:4:16:4" if bt601 else "1:3:5:1"
        found["colorimetry"] = limited if colours[1] == "2" else full
    has, numerator, denominator = structure.get_fraction("pixel-aspect-ratio")
    if has and denominator and abs(numerator / denominator - 1) < _PAR_TOLERANCE:
        found["pixel-aspect-ratio"] = Gst.Fraction(1, 1)
    return found


def trust_the_stream(parser: Gst.Element) -> None:
    """Have an H.264 or H.265 parser read the colours in the stream, not the container's."""
    sink = parser.get_static_pad("sink")
    sink.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, _without_colorimetry)


def _without_colorimetry(pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
    event = info.get_event()
    if event.type != Gst.EventType.CAPS or not first_structure(event.parse_caps()).has_field(
        "colorimetry"
    ):
        return Gst.PadProbeReturn.OK
    caps = event.parse_caps().copy()
    plain = first_structure(caps).copy()
    plain.remove_field("colorimetry")
    replaced = Gst.Caps.new_empty()
    replaced.append_structure(plain)
    # The bindings cannot change an event: another takes its place.
    pad.send_event(Gst.Event.new_caps(replaced))
    return Gst.PadProbeReturn.DROP
