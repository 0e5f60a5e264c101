"""The loopback camera: wording and errors only, for the driver is not on the test machines."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from appliance.errors import OutputError
from appliance.media.gst import Gst
from appliance.outputs.loopback import LoopbackOutput, _takes_frames, check_device, pipeline
from tests.outputs.conftest import FORMAT


def test_a_missing_device_says_how_to_load_the_driver() -> None:
    with pytest.raises(OutputError, match=r"no such device; .*modprobe v4l2loopback video_nr=97"):
        LoopbackOutput(Path("/dev/video97")).open(FORMAT)


def test_what_is_no_video_device_is_told() -> None:
    with pytest.raises(OutputError, match=r"is not a video device .*modprobe v4l2loopback"):
        check_device(Path("/dev/null"))


@pytest.mark.parametrize(
    ("whole", "device", "takes"),
    [(0x80000000, 0x2, True), (0x80000002, 0x1, False), (0x2, 0, True), (0x1, 0, False)],
)
def test_a_camera_is_told_from_a_loopback(whole: int, device: int, takes: bool) -> None:
    answer = bytes(84) + struct.pack("<II", whole, device) + bytes(12)
    assert _takes_frames(answer) is takes


def test_the_pipeline_can_be_built() -> None:
    line = pipeline(Path("/dev/video9"))
    assert "{YUY2,I420,NV12}" in line
    assert "v4l2sink device=/dev/video9 sync=false" in line
    assert Gst.parse_launch(f"appsrc ! {line}") is not None
