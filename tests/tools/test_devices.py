"""Cameras, loopbacks and displays: the ioctls against a fake driver, and what is printed.

The driver is a stand-in because most machines that run the tests have no camera; its answers use
ctypes structures written from linux/videodev2.h, independently of the code's own layout.
"""

from __future__ import annotations

import ctypes
import errno
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from appliance.cli import main as cli
from appliance.system import v4l2
from appliance.system.devices import Devices, Display, displays, find
from appliance.system.microphones import SoundInput
from appliance.system.v4l2 import Device, Mode
from appliance.tools import devices

U32 = ctypes.c_uint32


class Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", U32),
        ("capabilities", U32),
        ("device_caps", U32),
        ("reserved", U32 * 3),
    )


class FormatDescription(ctypes.Structure):
    _fields_ = (
        ("index", U32),
        ("type", U32),
        ("flags", U32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", U32),
        ("mbus_code", U32),
        ("reserved", U32 * 3),
    )


class FrameSize(ctypes.Structure):
    _fields_ = (
        ("index", U32),
        ("pixel_format", U32),
        ("type", U32),
        ("size", U32 * 6),
        ("reserved", U32 * 2),
    )


class FrameInterval(ctypes.Structure):
    _fields_ = (
        ("index", U32),
        ("pixel_format", U32),
        ("width", U32),
        ("height", U32),
        ("type", U32),
        ("interval", U32 * 6),
        ("reserved", U32 * 2),
    )


# Requests as in the kernel header (v4l2-ctl --list-formats-ext under strace shows them).
QUERYCAP, ENUM_FMT, ENUM_SIZES, ENUM_INTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B


def fourcc(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


class Driver:
    """A V4L2 driver with MJPG at two sizes, and YUYV at any size up to 4096x2160."""

    def __init__(self, flags: int = 0x84A00001, own: int = 0x04200001, driver: bytes = b"uvcvideo"):
        self.flags, self.own, self.driver = flags, own, driver

    def __call__(self, descriptor: int, request: int, data: bytearray) -> int:
        answers = {
            QUERYCAP: self.capability,
            ENUM_FMT: self.format,
            ENUM_SIZES: self.size,
            ENUM_INTERVALS: self.interval,
        }
        answers[request](data)
        return 0

    def capability(self, data: bytearray) -> None:
        answer = Capability.from_buffer(data)
        answer.driver, answer.card, answer.bus_info = self.driver, b"Studio Cam", b"usb-1"
        answer.capabilities, answer.device_caps = self.flags, self.own

    def format(self, data: bytearray) -> None:
        answer = FormatDescription.from_buffer(data)
        assert answer.type == (9 if self.own & 0x1000 else 1)
        answer.pixelformat = self.one_of([fourcc("MJPG"), fourcc("YUYV")], answer.index)

    def size(self, data: bytearray) -> None:
        answer = FrameSize.from_buffer(data)
        if answer.pixel_format == fourcc("MJPG"):
            answer.type = 1
            answer.size[0:2] = self.one_of([(1920, 1080), (1280, 720)], answer.index)
        else:
            answer.type = 3
            answer.size[:] = self.one_of([(48, 4096, 8, 32, 2160, 8)], answer.index)

    def interval(self, data: bytearray) -> None:
        answer = FrameInterval.from_buffer(data)
        if answer.pixel_format != fourcc("MJPG"):
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        assert (answer.width, answer.height) in {(1920, 1080), (1280, 720)}
        answer.type = 1
        answer.interval[0:2] = self.one_of([(1, 60), (1001, 30000)], answer.index)

    @staticmethod
    def one_of(choices, index):
        if index >= len(choices):
            raise OSError(errno.EINVAL, "Invalid argument")
        return choices[index]


@pytest.fixture
def node(tmp_path) -> Path:
    path = tmp_path / "video0"
    path.touch()
    return path


class TestQuery:
    def test_a_camera(self, node):
        camera = v4l2.query(node, Driver())
        rates = (60.0, 29.97)
        assert camera == Device(
            node, "Studio Cam", "uvcvideo", "usb-1", capture=True, output=False,
            modes=(
                Mode("MJPG", 1920, 1080, rates),
                Mode("MJPG", 1280, 720, rates),
                Mode("YUYV", 4096, 2160, (), stepwise=True),
            ),
        )  # fmt: skip

    def test_the_second_node_of_a_camera_is_none(self, node):
        assert not v4l2.query(node, Driver(own=0x04A00000)).capture  # metadata

    def test_a_decoder_is_no_camera(self, node):
        device = v4l2.query(node, Driver(own=0x04204000))
        assert (device.capture, device.output) == (False, False)

    def test_a_multiplanar_camera(self, node):
        assert v4l2.query(node, Driver(own=0x04201000)).capture

    def test_a_driver_that_never_ends_its_list(self, node):
        driver = Driver()
        driver.one_of = lambda choices, index: choices[0]
        assert len(v4l2.query(node, driver).modes) <= 40 * 40

    def test_a_node_that_is_not_v4l2(self, node):
        with pytest.raises(OSError, match="Inappropriate ioctl"):
            v4l2.query(node)


def query(answers: dict[str, Driver | OSError]):
    def ask(path: Path) -> Device:
        answer = answers[path.name]
        if isinstance(answer, OSError):
            raise answer
        return v4l2.query(path, answer)

    return ask


class TestFind:
    def test_sorts_what_it_finds(self, tmp_path):
        answers = {
            "video0": Driver(),
            "video1": Driver(own=0x04A00000),
            "video2": PermissionError(errno.EACCES, "Permission denied"),
            "video10": Driver(own=0x05200002, driver=b"v4l2 loopback"),
        }
        for name in (*answers, "video-dec", "media0"):
            (tmp_path / name).touch()
        found = find(tmp_path, tmp_path / "none", query(answers))
        assert [camera.path.name for camera in found.cameras] == ["video0"]
        assert [device.path.name for device in found.loopbacks] == ["video10"]
        assert found.unusable == ((tmp_path / "video2", "Permission denied"),)

    def test_nodes_come_in_the_order_of_their_numbers(self, tmp_path):
        for name in ("video10", "video9", "video0"):
            (tmp_path / name).touch()
        assert [node.name for node in v4l2.nodes(tmp_path)] == ["video0", "video9", "video10"]

    def test_displays(self, tmp_path):
        for name, status, modes in (
            ("card0-HDMI-A-1", "connected\n", "1920x1080\n1280x720\n"),
            ("card0-DP-1", "disconnected\n", ""),
        ):
            (tmp_path / name).mkdir()
            (tmp_path / name / "status").write_text(status)
            (tmp_path / name / "modes").write_text(modes)
        (tmp_path / "card0").mkdir()
        assert displays(tmp_path) == [
            Display("DP-1", False, ""),
            Display("HDMI-A-1", True, "1920x1080"),
        ]


def printed(found: Devices) -> str:
    console = Console(file=io.StringIO(), width=100)
    for renderable in devices.describe(found):
        console.print(renderable, soft_wrap=True)
    return console.file.getvalue()


class TestWords:
    def test_when_there_is_nothing(self):
        text = printed(Devices((), (), (), ()))
        assert "Cameras: none" in text
        assert "demo://" in text
        assert "Microphones: none of ALSA's" in text
        assert "Loopback devices: none" in text
        assert "Displays: none" in text

    def test_who_takes_the_pictures(self, monkeypatch):
        monkeypatch.setattr(devices.jetson_utils, "installed", lambda: True)
        assert "jetson-utils where it can (not tried on hardware" in printed(
            Devices((), (), (), ())
        )

    def test_when_there_is_something(self, node):
        camera = v4l2.query(node, Driver())
        text = printed(
            Devices(
                (camera,),
                (camera,),
                (Display("HDMI-A-1", True, "1920x1080"), Display("DP-1", False, "")),
                ((Path("/dev/video2"), "Permission denied"),),
                (SoundInput(1, 0, "C920", None),),
            )
        )
        for words in (
            f"Camera v4l2://{node}: Studio Cam",
            "1920x1080",
            "60, 29.97",
            "up to 4096x2160",
            "not said",
            "Microphone alsa://hw:CARD=C920,DEV=0 (for source.sound)",
            "Display HDMI-A-1: connected, 1920x1080",
            "Display DP-1: nothing plugged in",
            "/dev/video2 does not answer: Permission denied",
            "usermod -aG video",
        ):
            assert words in text

    def test_the_verb(self, capsys):
        assert cli.main(["devices", "--json"]) == 0
        assert json.loads(capsys.readouterr().out).keys() == {
            "cameras", "microphones", "loopbacks", "displays", "unusable",
        }  # fmt: skip
        assert cli.main(["devices"]) == 0
        assert capsys.readouterr().out
