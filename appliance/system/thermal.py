"""How hot the machine is: the kernel's thermal zones, read beside the frames' path.

See Documentation/ABI/testing/sysfs-class-thermal of the Linux kernel: each zone has a ``type``, a
``temp`` and any number of trip points, temperatures at which the kernel does something: a fan
(active), a slower processor (passive), a warning (hot), the end (critical). Values in 1/1000 °C.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

ROOT = Path("/sys/class/thermal")

# What stands outside is a sensor that is absent, broken, or a placeholder (-274 °C, 0 °C, 127 °C+).
_LOWEST_C, _HIGHEST_C = -40.0, 150.0
_LOWEST_TRIP_C = 40.0
# The end is near: below the critical point by so much it is too hot, and by so much it is warm.
_HOT_BEFORE_C, _WARM_BEFORE_C = 5.0, 10.0
# Not of the chips that do our work. A Jetson's PMIC-Die says 100 °C for ever.
_OTHERS = re.compile(r"batt|bat\d|charg|pmic|wifi|wlan|modem|nvme|skin|ambient|usb", re.IGNORECASE)
_EVERY_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heat:
    """How hot the machine is: ``hot``: less must be done; ``warm``: not the time to do more.

    The values are the words for it (which sensor, how hot, of how much); empty for no.
    """

    hot: str = ""
    warm: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """One sensor.

    Attributes:
        name: the kernel's for its kind: cpu-thermal, x86_pkg_temp. celsius: how hot it is.
        warm: from here on the kernel slows the machine down, or soon will; None: never.
        hot: from here on less must be done, or the machine ends; None: never.
    """

    name: str
    celsius: float
    warm: float | None = None
    hot: float | None = None


def read_zones(root: Path = ROOT) -> tuple[Zone, ...]:
    """The zones that say something sensible, in the kernel's order; none where there are none."""
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
        # A sensor that is asleep says EAGAIN or ENODATA; a driver that goes takes its files along.
        return None


def _celsius(path: Path) -> float | None:
    text = _text(path)
    try:
        return int(text) / 1000 if text else None
    except ValueError:
        return None


def judge(zones: Iterable[Zone], hottest_c: int = 0) -> Heat:
    """What the zones come to.

    Args:
        hottest_c: too hot from here on, whatever the zones' own limits are; 0: theirs. Sensors of
            batteries, radios and the like have no say.
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
    """Reads the zones every two seconds in a thread: some drivers take their time to answer."""

    def __init__(self, hottest_c: int = 0, root: Path = ROOT) -> None:
        self._hottest_c, self._root = hottest_c, root
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.zones: tuple[Zone, ...] = ()
        """As last read."""
        self.heat = Heat()
        """What they come to; no heat where there are no zones."""

    def start(self) -> None:
        """Begin, where there is something to read."""
        if any(self._root.glob("thermal_zone*")):
            self._thread = threading.Thread(target=self._run, name="thermometer", daemon=True)
            self._thread.start()

    def configure(self, hottest_c: int) -> None:
        """Another limit from the next look on; 0: the zones' own."""
        self._hottest_c = hottest_c

    def look(self) -> None:
        """Read the zones now."""
        self.zones = read_zones(self._root)
        self.heat = judge(self.zones, self._hottest_c)

    def stop(self, timeout: float = 1.0) -> bool:
        """End the thread; False when a driver holds it for longer than ``timeout`` seconds."""
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
