"""gst-rtsp-server's bindings, or what to install."""

from __future__ import annotations

from appliance.errors import MissingDependency

try:
    import gi

    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import Gio, GstRtsp, GstRtspServer
except (ImportError, ValueError) as error:
    raise MissingDependency(
        f"GStreamer's RTSP server is not to be had here ({error}); install it with: "
        "apt install gir1.2-gst-rtsp-server-1.0"
    ) from error

__all__ = ["Gio", "GstRtsp", "GstRtspServer"]
