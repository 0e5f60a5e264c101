"""An RTSP server to connect to, in a separate process so that it can be killed.

    python rtsp_server.py PORT

Serves /live (video), /both (sound and video), /sound, /changing (another size every second),
/secret (user "cam", password "pa55"), /sparse and /sparse265 (few key frames) and /refresh (none).
"""

from __future__ import annotations

import sys

import gi

for name in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(name, "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

SOUND = "audiotestsrc is-live=true ! audioconvert ! alawenc ! rtppcmapay name=pay{n} pt=8"
VIDEO = (
    "videotestsrc is-live=true pattern=smpte ! video/x-raw,width=320,height=240,framerate=30/1 ! "
    "videoscale ! capsfilter name=size ! "
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! "
    "rtph264pay name=pay{n} pt=96 config-interval=-1"
)
# Key frames 2.5 s apart; and none but the first, a column being refreshed with each picture.
SPARSE = VIDEO.replace("key-int-max=15", "key-int-max=75")
REFRESH = VIDEO.replace("key-int-max=15", "key-int-max=30 intra-refresh=true")
SPARSE_265 = (
    "videotestsrc is-live=true pattern=smpte ! video/x-raw,width=320,height=240,framerate=30/1 ! "
    "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=75 option-string=log-level=none ! "
    "rtph265pay name=pay0 pt=96 config-interval=-1"
)
SIZES = ("320,height=240", "480,height=270", "640,height=480")


def change(factory: object, media: GstRtspServer.RTSPMedia) -> None:
    """Change the picture's size every second."""
    size = media.get_element().get_by_name("size")
    count = 0

    def next_size() -> bool:
        nonlocal count
        count += 1
        size.set_property(
            "caps",
            Gst.Caps.from_string(f"video/x-raw,pixel-aspect-ratio=1/1,width={SIZES[count % 3]}"),
        )
        return True

    timer = GLib.timeout_add(1000, next_size)
    media.connect("unprepared", lambda _media: GLib.source_remove(timer))


def main(port: str) -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    basic = GstRtspServer.RTSPAuth.make_basic("cam", "pa55")
    auth.add_basic(basic, token)
    anybody = GstRtspServer.RTSPToken()
    anybody.set_string("media.factory.role", "anybody")
    auth.set_default_token(anybody)
    server.set_auth(auth)
    mounts = server.get_mount_points()
    streams = {
        "/live": VIDEO.format(n=0),
        "/both": f"{SOUND.format(n=0)} {VIDEO.format(n=1)}",
        "/sound": SOUND.format(n=0),
        "/changing": VIDEO.format(n=0),
        "/secret": VIDEO.format(n=0),
        "/sparse": SPARSE.format(n=0),
        "/sparse265": SPARSE_265,
        "/refresh": REFRESH.format(n=0),
    }
    for path, pipeline in streams.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {pipeline} )")
        factory.set_shared(True)
        for role in ("user", "anybody"):
            structure = Gst.Structure.new_empty(role)
            structure.set_value("media.factory.access", True)
            allowed = role == "user" or path != "/secret"
            structure.set_value("media.factory.construct", allowed)
            factory.add_role_from_structure(structure)
        if path == "/changing":
            factory.connect("media-configure", change)
        mounts.add_factory(path, factory)
    assert server.attach(None)
    assert GstRtsp.RTSPLowerTrans.TCP
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1])
