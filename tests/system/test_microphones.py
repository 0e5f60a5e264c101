"""Which sound card belongs to which camera: by the USB device that both are part of."""

from __future__ import annotations

from pathlib import Path

from appliance.system.microphones import microphone_of, sound_inputs


def usb(sys: Path, name: str) -> Path:
    """A USB device with two interfaces."""
    device = sys / "devices/pci0000:00/usb1" / name
    for interface in ("1.0", "1.2"):
        (device / f"{name}:{interface}").mkdir(parents=True)
    (device / "idVendor").write_text("046d\n")
    return device


def card(sys: Path, number: int, name: str, device: Path, *, records: bool = True) -> None:
    folder = device / f"sound/card{number}"
    folder.mkdir(parents=True)
    (folder / "id").write_text(f"{name}\n")
    (folder / "device").symlink_to(device)
    there = sys / "class/sound"
    there.mkdir(parents=True, exist_ok=True)
    (there / f"card{number}").symlink_to(folder)
    for node in [f"pcmC{number}D0p"] + [f"pcmC{number}D1c"] * records:
        (there / node).mkdir()


def camera(sys: Path, dev: Path, number: int, device: Path) -> Path:
    folder = sys / f"class/video4linux/video{number}"
    folder.mkdir(parents=True)
    (folder / "device").symlink_to(device)
    dev.mkdir(exist_ok=True)
    (dev / f"video{number}").touch()
    return dev / f"video{number}"


def test_a_camera_has_the_microphone_of_its_own_usb_device(tmp_path: Path) -> None:
    sys, dev = tmp_path / "sys", tmp_path / "dev"
    board = sys / "devices/pci0000:00/0000:00:1f.3"
    board.mkdir(parents=True)
    card(sys, 0, "PCH", board)
    one, other, mute = usb(sys, "1-1"), usb(sys, "1-2"), usb(sys, "1-3")
    card(sys, 1, "C920", one / "1-1:1.2")
    card(sys, 2, "Headset", other / "1-2:1.0", records=False)
    first = camera(sys, dev, 0, one / "1-1:1.0")
    second = camera(sys, dev, 2, other / "1-2:1.0")
    third = camera(sys, dev, 4, mute / "1-3:1.0")
    fourth = camera(sys, dev, 6, board)
    by_id = dev / "by-id"
    by_id.symlink_to(first)
    assert microphone_of(first, sys) == microphone_of(by_id, sys) == "alsa://hw:CARD=C920,DEV=1"
    assert [microphone_of(one, sys) for one in (second, third, fourth)] == [None] * 3
    assert microphone_of(dev / "video9", sys) is None
    assert [one.uri for one in sound_inputs(sys)] == [
        "alsa://hw:CARD=PCH,DEV=1", "alsa://hw:CARD=C920,DEV=1",
    ]  # fmt: skip


def test_a_machine_without_sound_has_none(tmp_path: Path) -> None:
    assert sound_inputs(tmp_path) == []
    assert microphone_of(Path("/dev/video0"), tmp_path) is None
