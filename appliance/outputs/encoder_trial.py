"""Whether a piece of a launch line, from raw NV12 to H.264, works on this machine."""

from __future__ import annotations

import threading
from typing import Any

from appliance.media.frame import Format
from appliance.media.gst import GLib, Gst, caps_of, error_text
from appliance.system.deadline import Late, within

TRIAL_S = 4.0
"""Seconds for two pictures, most of them for a GPU that wakes up."""


def opening_fails(line: str) -> str | None:
    """Why its elements do not open (library, device node); None when they do."""
    try:
        bin = Gst.parse_bin_from_description(f"{line} fakesink", True)
    except GLib.Error as error:
        return str(error)
    state = bin.set_state(Gst.State.READY)
    bin.set_state(Gst.State.NULL)
    return "it does not open" if state == Gst.StateChangeReturn.FAILURE else None


def encoding_fails(line: str, format: Format) -> str | None:
    """Why two black pictures of ``format`` do not come out as a stream; None when they do.

    What is only found out with a picture: a session of the GPU, the size, the driver's version.
    """
    try:
        pipeline = Gst.parse_launch(
            f"videotestsrc num-buffers=2 pattern=black ! {caps_of(format).to_string()} ! "
            f"{line} fakesink name=out sync=false"
        )
    except GLib.Error as error:
        return str(error)
    # An encoder that swallows everything ends well, too.
    came = threading.Event()

    def on_buffer(_pad: Any, _info: Any) -> Any:
        came.set()
        return Gst.PadProbeReturn.REMOVE

    pad = pipeline.get_by_name("out").get_static_pad("sink")
    pad.add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    failed = pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE
    limit = 0 if failed else int(TRIAL_S * Gst.SECOND)
    wanted = Gst.MessageType.ERROR | Gst.MessageType.EOS
    message = pipeline.get_bus().timed_pop_filtered(limit, wanted)
    try:
        # A driver that hangs hangs here, too.
        within(
            TRIAL_S, lambda: pipeline.set_state(Gst.State.NULL), name="end of an encoder's trial"
        )
    except Late as error:
        return str(error)
    if message is None:
        return "it does not start" if failed else f"no end of two pictures within {TRIAL_S:g} s"
    if message.type == Gst.MessageType.ERROR:
        return str(error_text(message))
    return None if came.is_set() else "two pictures went in and nothing came out"
