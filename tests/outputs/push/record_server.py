"""A media server that takes one stream by RTSP's RECORD: PORT FILE [USER PASSWORD].

A process of its own, as GStreamer's library would otherwise be shared with what is tested.
"""

from __future__ import annotations

import sys

import gi

for name in ("Gst", "GstRtspServer"):
    gi.require_version(name, "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
port, out, *who = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
factory.set_launch(
    "( rtph264depay name=depay0 ! h264parse ! matroskamux name=mux offset-to-zero=true ! "
    f"filesink buffer-mode=unbuffered location={out} rtpopusdepay name=depay1 ! mux. )"
)


if who:
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "publisher")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*who), token)
    server.set_auth(auth)
    role = Gst.Structure.new_from_string(
        "publisher, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    )
    factory.add_role_from_structure(role)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
