"""What is plugged in: cameras, microphones, loopback devices, displays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.system import v4l2
from appliance.system.microphones import SYS, SoundInput, sound_inputs


@dataclass(frozen=True, slots=True)
class Display:
    """A DRM connector such as HDMI-A-1: whether something is plugged in, and its preferred mode."""

    connector: str
    connected: bool
    mode: str


@dataclass(frozen=True, slots=True)
class Devices:
    """Everything found; ``unusable`` holds device nodes that did not answer, with the reason."""

    cameras: tuple[v4l2.Device, ...]
    loopbacks: tuple[v4l2.Device, ...]
    displays: tuple[Display, ...]
    unusable: tuple[tuple[Path, str], ...]
    microphones: tuple[SoundInput, ...] = ()


def find(
    dev: Path = Path("/dev"),
    drm: Path = Path("/sys/class/drm"),
    query: Callable[[Path], v4l2.Device] = v4l2.query,
    sys: Path = SYS,
) -> Devices:
    """Look at all device nodes and connectors. Starts no stream."""
    cameras, loopbacks, unusable = [], [], []
    for path in v4l2.nodes(dev):
        try:
            device = query(path)
        except OSError as error:
            unusable.append((path, error.strerror or str(error)))
            continue
        if device.loopback:
            loopbacks.append(device)
        if device.capture and not (device.loopback and device.output):
            cameras.append(device)
    return Devices(
        tuple(cameras), tuple(loopbacks), tuple(displays(drm)), tuple(unusable),
        tuple(sound_inputs(sys)),
    )  # fmt: skip


def displays(drm: Path = Path("/sys/class/drm")) -> list[Display]:
    """The connectors of the graphics cards."""
    found = []
    for status in sorted(drm.glob("card*-*/status")):
        try:
            connected = status.read_text().strip() == "connected"
            modes = (status.parent / "modes").read_text().split()
        except OSError:
            continue  # unplugged in the meantime
        name = status.parent.name.partition("-")[2]
        found.append(Display(name, connected, modes[0] if modes else ""))
    return found
