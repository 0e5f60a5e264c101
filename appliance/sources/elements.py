"""Makes GStreamer elements, with errors that say what to install."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from appliance.errors import MissingDependency
from appliance.media.gst import Gst
from appliance.system import memory

# Where Debian and Ubuntu keep the elements that sources use.
_PACKAGES = {
    "v4l2src": "gstreamer1.0-plugins-good",
    "rtspsrc": "gstreamer1.0-plugins-good",
    "pulsesrc": "gstreamer1.0-plugins-good",
    "alsasrc": "gstreamer1.0-alsa",
    "flvdemux": "gstreamer1.0-plugins-good",
    "srtsrc": "gstreamer1.0-plugins-bad",
    "rtmp2src": "gstreamer1.0-plugins-bad",
    "tsdemux": "gstreamer1.0-plugins-bad",
    "videocrop": "gstreamer1.0-plugins-good",
    "videoflip": "gstreamer1.0-plugins-good",
    "deinterlace": "gstreamer1.0-plugins-good",
    "cudadownload": "gstreamer1.0-plugins-bad",
    "vapostproc": "gstreamer1.0-plugins-bad",
    "vaapipostproc": "gstreamer1.0-vaapi",
    "gldownload": "gstreamer1.0-gl",
    "nvarguscamerasrc": "nvidia-l4t-gstreamer",
    "nvvidconv": "nvidia-l4t-gstreamer",
}


def make(factory: str, **properties: Any) -> Gst.Element:
    """An element with its properties set (``_`` in a name stands for ``-``).

    Raises MissingDependency, naming the package, when this GStreamer does not have it.
    """
    element = Gst.ElementFactory.make(factory, None)
    if element is None:
        spent = memory.spent()
        if spent is not None:
            raise MissingDependency(f"GStreamer cannot load the element {factory!r}: {spent}")
        package = _PACKAGES.get(factory, "gstreamer1.0-plugins-base")
        raise MissingDependency(
            f"GStreamer has no element {factory!r} here; install it with: apt install {package}"
        )
    for name, value in properties.items():
        # Enumerations are given by their nicknames, the same in every version.
        if isinstance(value, str):
            Gst.util_set_object_arg(element, name.replace("_", "-"), value)
        else:
            element.set_property(name.replace("_", "-"), value)
    return element


def takes(factory: str, caps: Gst.Caps) -> bool:
    """Whether an element's sink can take these caps."""
    found = Gst.ElementFactory.find(factory)
    return found is not None and bool(found.can_sink_any_caps(caps))


def chain(pipeline: Gst.Pipeline, elements: list[Gst.Element]) -> None:
    """Add elements to a pipeline, link them in order and bring them to the pipeline's state.

    The last may be in the pipeline already.
    """
    for element in elements:
        if element.get_parent() is None:
            pipeline.add(element)
    for left, right in pairwise(elements):
        if not left.link(right):
            raise MissingDependency(
                f"GStreamer cannot link {left.get_factory().get_name()} to "
                f"{right.get_factory().get_name()}: report this with gst-inspect-1.0 --version"
            )
    for element in reversed(elements):
        element.sync_state_with_parent()
