"""Which sound cards can record, and which of them is part of which camera: as sysfs has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")


@dataclass(frozen=True, slots=True)
class SoundInput:
    """One device of a sound card that can record.

    Attributes:
        card: the card's number. device: the device's, on the card.
        name: the card's short name, which stays the same when numbers change ("C920").
        bus: what it is plugged in as; None where that is not known.
    """

    card: int
    device: int
    name: str
    bus: Path | None

    @property
    def uri(self) -> str:
        """Its address as ``source.sound`` has it."""
        return f"alsa://hw:CARD={self.name},DEV={self.device}"


def sound_inputs(sys: Path = SYS) -> list[SoundInput]:
    """All of them, in the order of their numbers."""
    found = []
    for node in (sys / "class/sound").glob("pcmC*D*c"):
        match = re.fullmatch(r"pcmC(\d+)D(\d+)c", node.name)
        if match is None:
            continue
        folder = sys / "class/sound" / f"card{match[1]}"
        try:
            name = (folder / "id").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # unplugged a moment ago
        found.append(SoundInput(int(match[1]), int(match[2]), name, _plugged(folder / "device")))
    return sorted(found, key=lambda one: (one.card, one.device))


def microphone_of(camera: Path, sys: Path = SYS) -> str | None:
    """The address of the microphone of the USB device that a video node belongs to, if it has one.

    ``camera``: /dev/video0, or a link to it.
    """
    folder = sys / "class/video4linux" / camera.resolve().name / "device"
    usb = _plugged(folder)
    if usb is None:
        return None
    return next((one.uri for one in sound_inputs(sys) if one.bus == usb), None)


def _plugged(device: Path) -> Path | None:
    """The USB device that an interface's folder lies in: the one with a vendor's number."""
    if not device.exists():
        return None
    folder = device.resolve()
    for candidate in (folder, *folder.parents[:2]):
        if (candidate / "idVendor").exists():
            return candidate
    return None
