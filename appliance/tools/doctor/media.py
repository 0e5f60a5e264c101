"""Doctor's look at GStreamer: the elements that Mattebox uses, by what they are for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.config.settings import Settings
from appliance.errors import MatteboxError
from appliance.tools.doctor.machine import Finding, State

Has = Callable[[str], bool]

_BASE, _GOOD, _BAD, _UGLY, _LIBAV, _X = (
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-libav",
    "gstreamer1.0-x",
)
_L4T = "nvidia-l4t-gstreamer"


@dataclass(frozen=True, slots=True)
class Use:
    """What a set of elements is for. Without a ``needed`` one the main job cannot run."""

    name: str
    elements: tuple[tuple[str, str], ...]
    needed: bool = False
    only_on_jetson: bool = False


USES = (
    Use(
        "frame path",
        (
            ("appsrc", _BASE),
            ("appsink", _BASE),
            ("videoconvert", _BASE),
            ("videoscale", _BASE),
            ("videorate", _BASE),
        ),
        needed=True,
    ),
    Use("RTSP out", (("h264parse", _BAD), ("rtph264pay", _GOOD)), needed=True),
    Use("RTSP in", (("rtspsrc", _GOOD), ("rtph264depay", _GOOD), ("avdec_h264", _LIBAV))),
    Use(
        "files",
        (
            ("decodebin", _BASE),
            ("qtdemux", _GOOD),
            ("matroskademux", _GOOD),
            ("mp4mux", _GOOD),
            ("avdec_h264", _LIBAV),
        ),
    ),
    Use("cameras", (("v4l2src", _GOOD), ("jpegdec", _GOOD))),
    Use("CSI camera", (("nvarguscamerasrc", _L4T), ("nvvidconv", _L4T)), only_on_jetson=True),
    Use("display", (("kmssink", _BAD), ("ximagesink", _X))),
    Use("loopback", (("v4l2sink", _GOOD),)),
)


def registry() -> tuple[str, Has]:
    """GStreamer's version, and a test for an element by name. Raises MissingDependency."""
    from appliance.media.gst import Gst

    version = Gst.version_string().removeprefix("GStreamer ")
    return version, lambda name: Gst.ElementFactory.find(name) is not None


def has_typelib(namespace: str) -> bool:
    """Whether a GObject introspection namespace of version 1.0 is installed."""
    try:
        import gi

        gi.require_version(namespace, "1.0")
    except (ImportError, ValueError):
        return False
    return True


def gstreamer(
    settings: Settings,
    look: Callable[[], tuple[str, Has]] = registry,
    typelib: Callable[[str], bool] = has_typelib,
) -> list[Finding]:
    """The elements, by what they are for."""
    try:
        version, has = look()
    except MatteboxError as error:
        packages = ("python3-gi", "python3-gst-1.0", "gir1.2-gst-plugins-base-1.0")
        return [Finding("bad", "GStreamer", str(error), packages=packages)]
    found = [Finding("ok", "version", version)]
    if typelib("GstRtspServer"):
        found.append(Finding("ok", "RTSP server", "gst-rtsp-server"))
    else:
        package = "gir1.2-gst-rtsp-server-1.0"
        serving = any(output.uri.startswith(("rtsp://", "rtsps://")) for output in settings.outputs)
        state: State = "bad" if serving else "gap"
        found.append(Finding(state, "RTSP server", "absent", f"apt install {package}", (package,)))
    return found + [_use(use, has) for use in USES]


def _use(use: Use, has: Has) -> Finding:
    missing = {name: package for name, package in use.elements if not has(name)}
    if not missing:
        return Finding("ok", use.name, ", ".join(name for name, _ in use.elements))
    detail = f"without {', '.join(missing)}"
    if use.only_on_jetson:
        return Finding("none", use.name, f"{detail} (part of JetPack)")
    packages = tuple(dict.fromkeys(missing.values()))
    state: State = "bad" if use.needed else "gap"
    return Finding(state, use.name, detail, f"apt install {' '.join(packages)}", packages)


def encoders(settings: Settings) -> list[Finding]:
    """The H.264 encoders in the registry, and which one each output would take."""
    try:
        from appliance.outputs import encoders as known
    except MatteboxError:
        return []  # GStreamer itself is missing, which has been said above
    have = known.available()
    if not have:
        return [Finding("bad", "H.264", "no encoder", f"apt install {_UGLY}", packages=(_UGLY,))]
    found = [Finding("ok", "H.264", f"{', '.join(have)} (auto takes {have[0]})")]
    from appliance.sources.decoders import hardware

    if decoders := hardware():
        found.append(Finding("ok", "decoding H.264", f"{', '.join(decoders)}, else software"))
    for index, output in enumerate(settings.outputs):
        if output.encoder != "auto":
            try:
                known.choose(output.encoder)
            except MatteboxError as error:
                found.append(Finding("bad", f"outputs.{index}.encoder", str(error)))
    return found
