"""Where frames go: RTSP, a display, files, a loopback camera, nowhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from appliance import settings
from appliance.errors import InputError
from appliance.outputs.base import Output

__all__ = ["Output", "make_output"]


def make_output(output: settings.Output) -> Output:
    """The output that a URI names, not yet opened.

    Raises InputError when the URI names none, MissingDependency when its libraries are missing.
    """
    # Imported where they are used: a machine without the RTSP server's library can still
    # write files.
    scheme = urlsplit(output.uri).scheme if "://" in output.uri else "file"
    if scheme == "rtsp":
        from appliance.outputs.encoders import Wanted
        from appliance.outputs.rtsp import RtspOutput

        video = Wanted(output.encoder, output.bitrate_kbps, output.keyframe_s)

        return RtspOutput(output.uri, video)
    if scheme == "null":
        from appliance.outputs.null import NullOutput

        return NullOutput(output.uri)
    raise InputError(
        f"output {output.uri!r}: no output is called {scheme}://; expected rtsp://HOST:PORT/PATH, "
        "null://"
    )
