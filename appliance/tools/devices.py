"""What is plugged in, printed: cameras, microphones, loopback devices, displays."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.config.schemes import SOURCES
from appliance.system import jetson_utils
from appliance.system.devices import Devices, find


def run(*, as_json: bool) -> int:
    """Print what is plugged in; exit code 0, even if there is nothing."""
    found = find()
    if as_json:
        print(json.dumps(_plain(found), indent=2))
        return 0
    console = Console(soft_wrap=True, highlight=False)
    for renderable in describe(found):
        console.print(renderable)
    return 0


def describe(found: Devices) -> list[Any]:
    """The devices as rich renderables, with a message for each kind of which there are none."""
    out: list[Any] = []
    if not found.cameras:
        out.append(
            "Cameras: none. The default source is demo://; a USB camera shows up as /dev/video0."
        )
    for camera in found.cameras:
        out.append(f"Camera v4l2://{camera.path}: {camera.card} ({camera.driver}, {camera.bus})")
        table = Table(box=None, padding=(0, 2, 0, 2))
        for name in ("format", "size", "frames a second"):
            table.add_column(name)
        for mode in camera.modes:
            size = f"{'up to ' if mode.stepwise else ''}{mode.width}x{mode.height}"
            rates = ", ".join(f"{rate:g}" for rate in mode.rates) or "not said"
            table.add_row(mode.fourcc, size, rates)
        out.append(table if camera.modes else "  lists no formats")
    if jetson_utils.installed():
        names = [f"{name}://" for s in SOURCES.all() if s.by_jetson_utils for name in s.names]
        out.append(
            f"Cameras at {' and '.join(names)} are taken by jetson-utils where it can "
            f"({jetson_utils.UNTRIED}; source.capture: gstreamer turns it off)."
        )
    for microphone in found.microphones:
        out.append(f"Microphone {microphone.uri} (for source.sound)")
    if not found.microphones:
        out.append("Microphones: none of ALSA's. Those of a sound server: pactl list short sources")
    for device in found.loopbacks:
        out.append(f"Loopback v4l2://{device.path}: {device.card}")
    if not found.loopbacks:
        out.append(
            "Loopback devices: none. To feed a video conference: apt install v4l2loopback-dkms, "
            "then modprobe v4l2loopback video_nr=9 exclusive_caps=1"
        )
    for display in found.displays:
        state = (
            f"connected, {display.mode or 'no mode'}" if display.connected else "nothing plugged in"
        )
        out.append(f"Display {display.connector}: {state}")
    if not found.displays:
        out.append("Displays: none (no graphics card with connectors in /sys/class/drm).")
    for path, reason in found.unusable:
        cure = "; add yourself to its group: usermod -aG video $USER, then log in again"
        out.append(f"{path} does not answer: {reason}{cure if 'ermission' in reason else ''}")
    return out


def _plain(found: Devices) -> dict[str, Any]:
    data = asdict(found)
    data["microphones"] = [one.uri for one in found.microphones]
    data["unusable"] = [{"path": path, "reason": reason} for path, reason in found.unusable]
    plain: dict[str, Any] = json.loads(json.dumps(data, default=str))
    return plain
