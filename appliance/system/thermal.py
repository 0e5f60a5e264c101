"""How hot the machine is: the kernel's thermal zones, read outside the frame path.

See Documentation/ABI/testing/sysfs-class-thermal of the Linux kernel: each zone has a ``type``, a
``temp`` and any number of trip points, temperatures at which the kernel runs a fan (active), slows
the processor (passive), warns (hot) or shuts down (critical). Values are in 1/1000 °C.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

ROOT = Path("/sys/class/thermal")

# Values outside come from an absent or broken sensor, or a placeholder (-274 °C, 0 °C, 127 °C+).
_LOWEST_C, _HIGHEST_C = -40.0, 150.0
_LOWEST_TRIP_C = 40.0
# This far below the critical point it is too hot, and this far below it is warm.
_HOT_BEFORE_C, _WARM_BEFORE_C = 5.0, 10.0
# Sensors that are not on the chips doing our work. A Jetson's PMIC-Die always says 100 °C.
_OTHERS = re.compile(r"batt|bat\d|charg|pmic|wifi|wlan|modem|nvme|skin|ambient|usb", re.IGNORECASE)
_EVERY_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heat:
    """How hot the machine is: ``hot`` means do less, ``warm`` means do not do more.

    Each value says why in words (which sensor, how hot, the limit); empty for no.
    """

    hot: str = ""
    warm: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """One sensor.

    Attributes:
        name: the kernel's name for its type: cpu-thermal, x86_pkg_temp. celsius: how hot it is.
        warm: from here on the kernel slows the machine down, or soon will; None: never.
        hot: from here on less must be done, or the machine shuts down; None: never.
    """

    name: str
    celsius: float
    warm: float | None = None
    hot: float | None = None


def read_zones(root: Path = ROOT) -> tuple[Zone, ...]:
    """The zones with sensible values, in the kernel's order; empty when there are none."""
    folders = sorted(root.glob("thermal_zone*"), key=lambda f: (len(f.name), f.name))
    return tuple(zone for zone in map(_zone, folders) if zone is not None)


def _zone(folder: Path) -> Zone | None:
    celsius = _celsius(folder / "temp")
    name = _text(folder / "type") or folder.name
    if celsius is None or not _LOWEST_C <= celsius <= _HIGHEST_C:
        return None
    trips: dict[str, list[float]] = {}
    for file in folder.glob("trip_point_*_temp"):
        kind, at = _text(file.with_name(file.name[:-4] + "type")), _celsius(file)
        if kind is not None and at is not None and _LOWEST_TRIP_C <= at <= _HIGHEST_C:
            trips.setdefault(kind, []).append(at)
    ends = trips.get("critical", [])
    hot = min([*trips.get("hot", []), *(end - _HOT_BEFORE_C for end in ends)], default=None)
    slows = [*trips.get("passive", []), *(end - _WARM_BEFORE_C for end in ends)]
    return Zone(name, celsius, min(slows, default=None), hot)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        # A sleeping sensor gives EAGAIN or ENODATA; a driver that unloads takes its files with it.
        return None


def _celsius(path: Path) -> float | None:
    text = _text(path)
    try:
        return int(text) / 1000 if text else None
    except ValueError:
        return None


def judge(zones: Iterable[Zone], hottest_c: int = 0) -> Heat:
    """How hot the machine is, all zones considered.

    Args:
        hottest_c: too hot from here on, whatever the zones' own limits; 0: those limits. Sensors
            of batteries, radios and the like are ignored.
    """
    hot: list[str] = []
    warm: list[str] = []
    for zone in zones:
        if _OTHERS.search(zone.name):
            continue
        if hottest_c:
            least, most = hottest_c - _HOT_BEFORE_C, float(hottest_c)
        else:
            most = float("inf") if zone.hot is None else zone.hot
            least = most if zone.warm is None else zone.warm
        if zone.celsius >= most:
            hot.append(f"{zone.name} is at {zone.celsius:.0f} °C, too hot from {most:.0f} °C on")
        if zone.celsius >= least:
            warm.append(f"{zone.name} is at {zone.celsius:.0f} °C, which slows the machine down")
    return Heat(", ".join(hot), ", ".join(warm))


class Thermometer:
    """Reads the zones every two seconds in a thread, since some drivers are slow to answer."""

    def __init__(self, hottest_c: int = 0, root: Path = ROOT) -> None:
        self._hottest_c, self._root = hottest_c, root
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.zones: tuple[Zone, ...] = ()
        """As last read."""
        self.heat = Heat()
        """The verdict of ``judge`` on them; no heat when there are no zones."""

    def start(self) -> None:
        """Start the thread, if there are zones to read."""
        if any(self._root.glob("thermal_zone*")):
            self._thread = threading.Thread(target=self._run, name="thermometer", daemon=True)
            self._thread.start()

    def configure(self, hottest_c: int) -> None:
        """Set another limit, from the next reading on; 0: the zones' own."""
        self._hottest_c = hottest_c

    def look(self) -> None:
        """Read the zones now."""
        self.zones = read_zones(self._root)
        self.heat = judge(self.zones, self._hottest_c)

    def stop(self, timeout: float = 1.0) -> bool:
        """End the thread; False when a driver blocks it for longer than ``timeout`` seconds."""
        self._stop.set()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.look()
            while not self._stop.wait(_EVERY_S):
                self.look()
        except Exception:
            # The figures stay as they were last read; the frames do not depend on them.
            log.exception("the thermometer stopped")
            self.heat = Heat()
