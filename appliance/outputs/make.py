"""From the settings to the output that they name."""

from __future__ import annotations

from appliance.config import settings
from appliance.config.uris import OUTPUT_SCHEMES, SERVER_PORTS, path_of, scheme_of
from appliance.errors import InputError
from appliance.outputs.base import Output
from appliance.system.redact import redact


def make_output(output: settings.OutputSettings) -> Output:
    """The output that a URI names, not yet opened.

    Raises InputError when the URI names none, MissingDependency when its libraries are missing.
    """
    # Imported where they are used: a machine without the RTSP server's library can still write
    # files, and no GStreamer is loaded for nothing.
    scheme, path = scheme_of(output.uri), path_of(output.uri)
    if scheme == "null":
        from appliance.outputs.null import NullOutput

        return NullOutput(output.uri)
    if scheme == "display":
        from appliance.outputs.display.output import DisplayOutput

        return DisplayOutput(output.uri)
    if scheme == "v4l2" and path is not None:
        from appliance.outputs.loopback import LoopbackOutput

        return LoopbackOutput(path)
    if scheme in SERVER_PORTS or path is not None:
        from appliance.outputs.encoders import Wanted

        video = Wanted.of(output)
        if path is not None:
            from appliance.outputs.file import FileOutput

            return FileOutput(path, video)
        from appliance.outputs.rtsp.output import RtspOutput

        return RtspOutput(output.uri, video)
    known = ", ".join(f"{name}://" for name in OUTPUT_SCHEMES)
    raise InputError(
        f"output {redact(output.uri)!r}: expected one of {known}, or a path that ends in .mp4"
    )
