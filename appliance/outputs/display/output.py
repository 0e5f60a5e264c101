"""``display://``: the picture on a screen, full-screen on a bare console, else in a window."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from appliance.errors import InputError, MissingDependency, OutputError
from appliance.media.frame import Format, Frame
from appliance.outputs.display.process import WindowProcess, by_gstreamer, by_jetson_utils
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.gstreamer import Sink
from appliance.system import jetson_utils

log = structlog.get_logger(__name__)

DRM = Path("/sys/class/drm")
_RENDER_NODES = Path("/dev/dri")
JETSON_UTILS = "jetson-utils"
# At most one frame waits: a screen that is behind shows the newest.
QUEUED_FRAMES = 1


@dataclass(frozen=True, slots=True)
class Connector:
    """A display connector, as the kernel lists it."""

    name: str
    connected: bool
    id: int | None
    driver: str | None


class DisplayOutput:
    """Shows frames on this machine's screen; bars preserve the aspect ratio."""

    def __init__(self, uri: str = "display://") -> None:
        """``display://``, ``display://HDMI-A-1``, or ``display://jetson-utils`` to insist on it."""
        self.uri = uri
        self.connector = uri.split("://", 1)[1].strip("/")
        self.dropped = 0
        self._dropped_before = 0
        self._screen: Sink | WindowProcess | None = None
        self._period = 0

    def open(self, format: Format) -> None:
        """Find a screen. Raises InputError for an unknown connector, OutputError without one."""
        format = even_format(format)
        self._period = int(1e9 / format.rate)
        self._dropped_before = self.dropped
        windows = self._windows(format)
        if not windows:
            console = console_pipeline(self.connector, DRM)
            self._screen = Sink(self.uri, format, console, queued=QUEUED_FRAMES, leaky=True)
            return
        failures: list[str] = []
        for name, command in windows:
            try:
                self._screen = WindowProcess(self.uri, command)
                return
            except OutputError as error:
                failures.append(str(error).removeprefix(f"{self.uri}: "))
                log.info("no window this way", using=name, reason=failures[-1])
        raise OutputError(f"{self.uri}: no window could be opened: {'; '.join(failures)}")

    def write(self, frame: Frame) -> None:
        """Show ``frame``. Raises OutputError when the window was closed or the screen is gone."""
        screen = self._screen
        if screen is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        if isinstance(screen, WindowProcess):
            screen.send(even_frame(frame))
        else:
            # Shown when it comes, whatever its time: a screen has no other clock to keep.
            screen.push(even_frame(frame), screen.running_time(), self._period)
            self.dropped = self._dropped_before + screen.dropped

    def close(self) -> None:
        """Close the window, or restore the console."""
        screen, self._screen = self._screen, None
        if isinstance(screen, WindowProcess):
            screen.stop()
        elif screen is not None:
            screen.stop(finish=False)

    def clients(self) -> int:
        """1 while the screen is open."""
        return int(self._screen is not None)

    def _windows(self, format: Format) -> list[tuple[str, list[str]]]:
        """The ways to open a window, best first, each with its command; none on a bare console."""
        insisted = self.connector == JETSON_UTILS
        if insisted and not jetson_utils.installed():
            raise MissingDependency(
                f"{self.uri}: jetson-utils is not installed; on a Jetson build it from "
                "github.com/dusty-nv/jetson-utils, or use display://"
            )
        lines = [] if self.connector else window_pipelines(os.environ)
        ways = [(line, by_gstreamer(format, line)) for line in lines]
        # Last, because it does not scale and has not been tried on hardware.
        if insisted or (lines and os.environ.get("DISPLAY") and jetson_utils.installed()):
            ways.append((JETSON_UTILS, by_jetson_utils(format)))
        return ways


def window_pipelines(environment: Mapping[str, str]) -> list[str]:
    """Launch lines from NV12 to a window, best first; none without a desktop."""
    # Scales on the GPU if there is one; without, OpenGL is emulated and costs more than plain.
    plain = (
        "videoscale add-borders=true n-threads=2 ! videoconvert n-threads=2 ! "
        "ximagesink sync=false force-aspect-ratio=true"
    )
    lines = []
    if environment.get("WAYLAND_DISPLAY"):
        lines.append("videoconvert n-threads=2 ! waylandsink sync=false")
    if environment.get("DISPLAY"):
        if any(_RENDER_NODES.glob("renderD*")) or Path("/dev/nvidia0").exists():
            lines.append("glimagesink sync=false force-aspect-ratio=true")
        lines.append(plain)
    return lines


def console_pipeline(name: str, drm: Path = DRM) -> str:
    """The launch line from NV12 to a bare console's screen.

    ``name`` is a connector's name, or empty for the first one with a screen plugged in.
    """
    connector = _pick(name, connectors(drm))
    line = "kmssink sync=false force-modesetting=true"
    if connector.id is not None:
        line += f" connector-id={connector.id}"
    if connector.driver is not None:
        line += f" driver-name={connector.driver}"
    return line


def connectors(drm: Path = DRM) -> list[Connector]:
    """Every connector of every graphics card; empty on a machine without a card."""
    found = []
    for status in sorted(drm.glob("card*-*/status")):
        folder = status.parent
        card, _, name = folder.name.partition("-")
        number = folder / "connector_id"
        driver = drm / card / "device" / "driver"
        found.append(
            Connector(
                name,
                status.read_text().strip() == "connected",
                int(number.read_text()) if number.is_file() else None,
                driver.resolve().name if driver.exists() else None,
            )
        )
    return found


def _pick(name: str, found: list[Connector]) -> Connector:
    names = ", ".join(item.name for item in found) or "none"
    if name:
        for item in found:
            if item.name == name:
                return item
        raise InputError(f"display://{name}: this machine has no such connector; it has: {names}")
    for item in found:
        if item.connected:
            return item
    raise OutputError(
        "display://: there is no desktop (neither DISPLAY nor WAYLAND_DISPLAY is set) and no "
        f"screen is plugged in (connectors: {names}); plug one in, or log in to a desktop"
    )
