"""An RTSP output in a process of its own, for what might end the whole process.

Prints its address, then obeys lines: "disconnect", "bitrate" and "reopen", each answered by "ok".
Ends with its input.
"""

from __future__ import annotations

import random
import sys

from appliance.config.settings import OutputSettings, RtspSettings
from appliance.outputs.encoders import Wanted
from appliance.outputs.rtsp import server
from appliance.outputs.rtsp.output import RtspOutput
from tests.outputs.conftest import FORMAT, Feed, picture


def _open(uri: str) -> RtspOutput:
    rtsp = RtspSettings().model_copy(update={"max_clients": 300, "unread_timeout_s": 3.0})
    output = RtspOutput(uri, Wanted(bitrate_kbps=4000), rtsp, "opus")
    output.open(FORMAT)
    return output


def main() -> None:
    """Serve until the input ends."""
    # Nobody reads the log from a pipe, which would fill up.
    answers, sys.stdout = sys.stdout, sys.stderr
    server.TICK_MS = 100
    rng = random.Random(0)
    output = _open("rtsp://127.0.0.1:0/live")
    feed = Feed(output, picture())
    print(output.uri, file=answers, flush=True)
    for line in sys.stdin:
        if line == "disconnect\n":
            assert output._server is not None
            for live in output._medias:
                output._server.clients.disconnect(live.media)
        elif line == "bitrate\n":
            settings = OutputSettings(uri=output.uri, bitrate_kbps=rng.randint(300, 5000))
            output.prepare_video(settings)()
        elif line == "reopen\n":
            feed.stop()
            output.close()
            output = _open(output.uri)
            feed = Feed(output, picture())
        print("ok", file=answers, flush=True)
    feed.stop()
    output.close()


main()
