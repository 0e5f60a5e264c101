"""v4l2://: a camera on USB or a capture card."""

from __future__ import annotations

import errno
import grp
import os
import stat
from pathlib import Path

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.frame import Format
from appliance.media.gst import Gst, error_text
from appliance.sources.elements import chain, make
from appliance.sources.gstreamer import GstSource
from appliance.system import v4l2

log = structlog.get_logger(__name__)

# FOURCCs by what they cost to turn into NV12: nothing, a shuffle, a decode.
_KINDS = {
    "NV12": "video/x-raw,format=NV12",
    "YU12": "video/x-raw,format=I420",
    "YUYV": "video/x-raw,format=YUY2",
    "UYVY": "video/x-raw,format=UYVY",
    "H264": "video/x-h264",
    "MJPG": "image/jpeg",
    "JPEG": "image/jpeg",
}
# What is asked for when the settings leave it to the camera.
SIZE, _RATE = (1280, 720), 30.0


class CameraSource(GstSource):
    """A V4L2 device, at the size and rate asked for, in the cheapest format that has them."""

    def __init__(self, settings: SourceSettings, path: Path) -> None:
        super().__init__(settings, f"v4l2://{path}")
        self._path = path
        self._caps = "ANY"

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``."""
        self._caps = self._choose(want)
        return super().open(want)

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        source = make("v4l2src", device=str(self._path))
        caps = Gst.Caps.new_any() if self._caps == "ANY" else Gst.Caps.from_string(self._caps)
        chain(pipeline, [source, make("capsfilter", caps=caps), self.decoder])

    def failed(self, message: Gst.Message) -> MatteboxError:
        """See ``GstSource.failed``."""
        text = error_text(message)
        if "busy" in text.lower():
            return SourceError(
                f"{self.name}: another program is using the camera; end it (fuser -v {self._path} "
                f"names it) ({text})"
            )
        return SourceError(f"{self.name}: {text}{self._missing}")

    def _choose(self, want: Format | None) -> str:
        """The caps to ask the camera for. Raises SourceError or InputError in words."""
        try:
            device = v4l2.query(self._path)
        except OSError as error:
            raise explain(self._path, error) from error
        if not device.capture:
            raise InputError(
                f"{self.name}: {device.card!r} is not a camera, it cannot capture; "
                "mattebox devices lists those that can"
            )
        size = (want.width, want.height) if want else SIZE
        size = size if self.settings.size == "auto" else self.settings.size
        rate = want.rate if want else _RATE
        if self.settings.fps != "auto":
            rate = self.settings.fps[0] / self.settings.fps[1]
        asked = self.settings.size != "auto" or self.settings.fps != "auto"
        caps, exact = best_caps(device.modes, size, rate)
        if asked and not exact:
            log.warning(
                "the camera has not what is asked for; the nearest is taken",
                source=self.name, asked=f"{size[0]}x{size[1]} at {rate:g} fps", taken=caps,
            )  # fmt: skip
        return caps


def best_caps(modes: tuple[v4l2.Mode, ...], size: tuple[int, int], rate: float) -> tuple[str, bool]:
    """The caps of the mode nearest to a size and rate, and whether it has both exactly.

    The size counts first, then a rate that is reached, then the cheapest format. ``ANY`` when the
    driver lists nothing.
    """
    order = list(_KINDS)

    def cost(mode: v4l2.Mode) -> tuple[float, float, int]:
        width, height = size if mode.stepwise else (mode.width, mode.height)
        away = abs(width * height - size[0] * size[1]) + abs(width - size[0])
        fastest = max(mode.rates, default=rate)
        return away, max(0.0, rate - fastest - 0.01), order.index(mode.fourcc)

    usable = [mode for mode in modes if mode.fourcc in _KINDS]
    if not usable:
        return "ANY", False
    mode = min(usable, key=cost)
    width, height = size if mode.stepwise else (mode.width, mode.height)
    caps = f"{_KINDS[mode.fourcc]},width={width},height={height}"
    nearest = min(mode.rates, key=lambda one: abs(one - rate), default=None)
    if nearest is not None:
        # A range, as drivers write 29.97 as 30000/1001 or as 2997/100.
        low, high = round(nearest * 1000) - 20, round(nearest * 1000) + 20
        caps += f",framerate=[{low}/1000,{high}/1000]"
    exact = (width, height) == size and (nearest is None or abs(nearest - rate) < 0.02)
    return caps, exact


def explain(path: Path, error: OSError) -> MatteboxError:
    """An error of opening a device, with what to do about it."""
    name = f"v4l2://{path}"
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        there = ", ".join(str(node) for node in v4l2.nodes()) or "none"
        return SourceError(
            f"{name}: there is no such device (video devices here: {there}); is it plugged in?"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return InputError(
            f"{name}: this user may not use the camera; it needs the group {_group(path)!r}: "
            f"sudo usermod -aG {_group(path)} $USER, then log in anew"
        )
    if error.errno == errno.EBUSY:
        return SourceError(
            f"{name}: another program is using the camera; end it (fuser -v {path} names it)"
        )
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return InputError(f"{name}: it is not a video device; expected one like /dev/video0")
    return SourceError(f"{name}: cannot be opened ({error.strerror or error})")


def _group(path: Path) -> str:
    """The group that owns a device, ``video`` when that is not to be found out."""
    try:
        status = os.stat(path)
        return grp.getgrgid(status.st_gid).gr_name if stat.S_ISCHR(status.st_mode) else "video"
    except (OSError, KeyError):
        return "video"
