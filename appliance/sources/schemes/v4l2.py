"""v4l2://: a camera on USB or a capture card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import SourceScheme, Use
from appliance.system.microphones import microphone_of
from appliance.system.packages import ALSA, GOOD

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def meant(path: str) -> str | None:
    """What was meant by a device node given as if it were a file."""
    return f"a camera is written v4l2://{path}" if shapes.is_video_node(path) else None


def make(settings: SourceSettings, uri: str) -> Source:
    """The camera, by GStreamer or jetson-utils as ``source.capture`` says."""
    from appliance.sources.camera import SIZE, CameraSource
    from appliance.sources.capture import choose

    path = shapes.device_path(uri)
    return choose(settings, uri, SIZE, lambda: CameraSource(settings, path))


SCHEME = SourceScheme(
    names=("v4l2",),
    place=10,
    written="v4l2:///dev/video0",
    check=shapes.device,
    meant=meant,
    path=shapes.device_path,
    live=True,
    exclusive=True,
    # A camera has several names: /dev/video0, /dev/v4l/by-id/….
    device=lambda uri: shapes.device_path(uri).resolve(),
    by_auto=True,
    by_jetson_utils=True,
    microphone=lambda uri: microphone_of(shapes.device_path(uri)),
    uses=(
        Use("cameras", (("v4l2src", GOOD), ("jpegdec", GOOD)), place=50),
        Use("microphones", (("alsasrc", ALSA), ("pulsesrc", GOOD)), place=55),
    ),
    make=make,
)
