"""Cameras that go and come back, streams out of time; the picture comes back by itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from appliance.config.settings import SourceSettings
from appliance.errors import SourceError
from appliance.media.gst import GLib, Gst
from appliance.sources import camera as camera_module
from appliance.sources.camera import CameraSource
from appliance.sources.elements import make
from appliance.system.v4l2 import Device
from tests.daemons import running
from tests.faults.conftest import Measured
from tests.faults.stand_ins import CAMERA, Camera, Resources, wait_until

SETTINGS = {
    "source": {"uri": CAMERA, "timeout_s": 0.5, "retry_first_s": 0.1},
    "matting": {"stall_s": 0.3},
}
HOUR_NS = 3600 * 10**9


def test_a_camera_unplugged_and_back(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, measured: Measured
) -> None:
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        held = []
        for time in range(3):
            camera.plugged = False
            recorder.wait_for("slate", 2)
            assert "the device is gone" in (daemon.programme.trouble or "") or "plugged" in (
                daemon.programme.trouble or ""
            )
            camera.plugged = True
            back = wait_until(lambda: daemon.programme.trouble is None)
            recorder.wait_for("composite", 3)
            held.append(Resources.now())
            if time == 0:
                measured("camera unplugged and back", back)
        assert daemon.feeder.reconnects == 3
        assert daemon.ended() is None
    assert all(a.pts < b.pts for a, b in pairwise(recorder.seen))
    assert {s.kind for s in recorder.seen} == {"composite", "slate"}
    assert held[-1].descriptors <= held[0].descriptors
    assert held[-1].threads <= held[0].threads


class Unpluggable(CameraSource):
    """The camera's own class over GStreamer's test picture, since there is no device here."""

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        self.element = make("videotestsrc", is_live=True, pattern=18)
        caps = Gst.Caps.from_string("video/x-raw,width=320,height=180,framerate=30/1")
        camera_module.chain(pipeline, [self.element, make("capsfilter", caps=caps), self.decoder])

    def unplug(self) -> None:
        """What v4l2src says when its device goes."""
        reason = GLib.Error.new_literal(
            Gst.resource_error_quark(), "Could not read from resource.", int(Gst.ResourceError.READ)
        )
        detail = "poll error 1: No such device (19)"
        assert self.element.post_message(Gst.Message.new_error(self.element, reason, detail))


def test_the_cameras_own_class_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    there = True

    def query(path: Path) -> Device:
        if not there:
            raise FileNotFoundError(2, "No such file or directory")
        return Device(path, "cam", "uvcvideo", "usb", capture=True, output=False)

    monkeypatch.setattr(camera_module.v4l2, "query", query)
    source = Unpluggable(SourceSettings(uri="v4l2:///dev/video7", timeout_s=2), Path("/dev/video7"))
    for _ in range(2):
        there = True
        source.open(None)
        assert source.read(5) is not None
        source.unplug()
        with pytest.raises(SourceError, match="No such device"):
            wait_until(lambda: source.read(0.2) is None, 5)
        source.close()
        there = False
        with pytest.raises(SourceError, match="is it plugged in"):
            source.open(None)


def test_a_silent_camera_is_named_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, measured: Measured
) -> None:
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        camera.silent = True
        recorder.wait_for("slate", 1)
        assert daemon.programme.trouble == "no frame comes from the source"
        wait_until(lambda: "no frame for 0.5 s" in (daemon.programme.trouble or ""))
        camera.silent = False
        measured("camera silent, and not", wait_until(lambda: daemon.programme.trouble is None))
        recorder.wait_for("composite", 3)


def test_times_that_jump_or_go_back(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera
) -> None:
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        for jump in (HOUR_NS, -HOUR_NS, -1, 10**17, 0):
            camera.jump_ns = jump
            recorder.wait_for("composite", 4)
        assert daemon.programme.placeholders <= 2, "the jumps were taken for trouble"
    steps = [b.pts - a.pts for a, b in pairwise(recorder.seen)]
    assert min(steps) > 0
    assert max(steps) <= 2_000_000_000


@pytest.mark.parametrize("fps", [4, 240])
def test_a_source_slower_or_faster_than_it_says(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, fps: float
) -> None:
    """It says 30 frames a second. What goes out is what came, and no delay builds up."""
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        camera.fps = fps
        recorder.wait_for("composite", 4 if fps < 30 else 120)
        assert daemon.programme.trouble is None
        # Of frames waiting there is one at most, so the delay is that of one frame.
        assert daemon.worker.latency_ns[-1] < 2 * 10**9
    assert all(a.pts < b.pts for a, b in pairwise(recorder.seen))
