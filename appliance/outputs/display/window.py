"""The program that owns a window: raw NV12 in on stdin, shown until the window is closed.

A process of its own, because the X library ends the whole process when the server goes away or a
window is destroyed under it: that must not take the other outputs along. It ends when stdin does.

    python -m appliance.outputs.display.window 'fdsrc … ! ximagesink'
"""

from __future__ import annotations

import signal
import sys

from appliance.media.gst import GLib, Gst, error_text

READY = "ready\n"


def main(description: str) -> int:
    """Show what comes in on stdin; the exit code is 0 at its end, 1 with the reason on stderr."""
    # Ctrl-C on the terminal goes to both; the appliance decides when the window closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pipeline = Gst.parse_launch(description)
    except GLib.Error as error:
        print(error.message, file=sys.stderr)
        return 1
    bus = pipeline.get_bus()
    wanted = Gst.MessageType.ERROR | Gst.MessageType.EOS
    if pipeline.set_state(Gst.State.READY) != Gst.StateChangeReturn.FAILURE:
        sys.stdout.write(READY)
        sys.stdout.flush()
        pipeline.set_state(Gst.State.PLAYING)
        message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
    else:
        message = bus.timed_pop_filtered(0, wanted)
    failed = message is None or message.type == Gst.MessageType.ERROR
    if failed:
        print("it does not start" if message is None else error_text(message), file=sys.stderr)
    pipeline.set_state(Gst.State.NULL)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
