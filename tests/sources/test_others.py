"""make_source, test patterns, cameras and CSI (without the hardware), times and pace."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MissingDependency, SourceError
from appliance.media.gst import Gst
from appliance.sources import csi
from appliance.sources.camera import CameraSource, best_caps, explain
from appliance.sources.demo import DemoSource
from appliance.sources.make import first_camera_or_demo, make_source
from appliance.system import v4l2
from tests.sources.pictures import read_some, rgb, source_for

MS = 1_000_000


def test_auto_is_the_demo_without_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2, "nodes", list)
    with capture_logs() as logs:
        source = make_source(SourceSettings(uri="auto"))
    assert isinstance(source, DemoSource)
    assert "demo://" in logs[0]["event"]


def device(path: Path, **changes: object) -> v4l2.Device:
    mode = v4l2.Mode("YUYV", 640, 480, (30.0,))
    facts: dict[str, object] = {
        "card": "Cam", "driver": "uvcvideo", "bus": "usb", "capture": True, "output": False,
        "modes": (mode,),
    }  # fmt: skip
    return v4l2.Device(path, **{**facts, **changes})  # type: ignore[arg-type]


def test_auto_is_the_first_that_is_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    def query(path: Path) -> v4l2.Device:
        if path.name == "video0":
            raise OSError(errno.EACCES, "Permission denied")
        if path.name == "video1":  # a camera's second node: metadata only
            return device(path, modes=())
        if path.name == "video2":
            return device(path, driver="v4l2 loopback", output=True)
        return device(path)

    monkeypatch.setattr(v4l2, "nodes", lambda: [Path(f"/dev/video{n}") for n in range(5)])
    monkeypatch.setattr(v4l2, "query", query)
    with capture_logs() as logs:
        assert first_camera_or_demo() == "v4l2:///dev/video3"
    assert "Permission denied" in str(logs[0])
    assert logs[-1]["uri"] == "v4l2:///dev/video3"


def test_an_unknown_scheme_names_the_known() -> None:
    settings = SourceSettings().model_copy(update={"uri": "gopher://me:secret@cam/1"})
    with pytest.raises(InputError, match=r"gopher://.*v4l2://.*demo://.*path") as caught:
        make_source(settings)
    assert "secret" not in str(caught.value)


def test_patterns() -> None:
    source = source_for("test://", size="320x180", fps="25")
    try:
        format = source.open(None)
        assert (format.width, format.height, format.fps) == (320, 180, (25, 1))
        first, second = read_some(source, 2)
    finally:
        source.close()
    assert second.pts - first.pts == 40 * MS
    assert rgb(first)[40:80, 60:80].mean((0, 1)) == pytest.approx([255, 255, 0], abs=6)


def test_a_live_pattern_keeps_time() -> None:
    source = source_for("test://ball", pace="realtime", fps="50", size="64x48")
    try:
        source.open(None)
        assert source.live
        begun = time.monotonic()
        read_some(source, 25)
        assert 0.35 < time.monotonic() - begun < 1.0
    finally:
        source.close()


def test_an_unknown_pattern_names_the_known() -> None:
    with pytest.raises(InputError, match=r"test://nothing: .*expected one of smpte, snow"):
        source_for("test://nothing")


# Cameras.

MODES = (
    v4l2.Mode("YUYV", 640, 480, (30.0, 15.0)),
    v4l2.Mode("YUYV", 1920, 1080, (5.0,)),
    v4l2.Mode("MJPG", 1280, 720, (60.0, 30.0)),
    v4l2.Mode("MJPG", 1920, 1080, (30.0,)),
    v4l2.Mode("H264", 1920, 1080, (30.0,)),
    v4l2.Mode("Z16 ", 1280, 720, (90.0,)),
)


@pytest.mark.parametrize(
    ("size", "rate", "kind", "exact"),
    [
        ((640, 480), 30.0, "format=YUY2,width=640,height=480,framerate=[29980/1000", True),
        ((1280, 720), 30.0, "image/jpeg,width=1280,height=720,framerate=[29980/1000", True),
        ((1280, 720), 60.0, "image/jpeg,width=1280,height=720,framerate=[59980/1000", True),
        ((1920, 1080), 30.0, "video/x-h264,width=1920,height=1080", True),
        ((1920, 1080), 5.0, "format=YUY2,width=1920,height=1080", True),
        ((1900, 1000), 30.0, "width=1920,height=1080", False),
        ((640, 480), 60.0, "width=640,height=480,framerate=[29980/1000", False),
    ],
)
def test_the_cheapest_mode_that_has_size_and_rate(
    size: tuple[int, int], rate: float, kind: str, exact: bool
) -> None:
    caps, is_exact = best_caps(MODES, size, rate)
    assert kind in caps
    assert is_exact is exact
    assert Gst.Caps.from_string(caps) is not None


def test_a_driver_that_lists_nothing_gets_to_choose() -> None:
    assert best_caps((), (1280, 720), 30) == ("ANY", False)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOENT, SourceError, "no such device.*plugged in"),
        (errno.EACCES, InputError, "group 'video'.*usermod -aG video"),
        (errno.EBUSY, SourceError, "another program.*fuser"),
        (errno.ENOTTY, InputError, "not a video device"),
    ],
)
def test_errors_of_a_camera_say_what_to_do(number: int, kind: type[Exception], words: str) -> None:
    error = explain(Path("/dev/video77"), OSError(number, "said the system"))
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error


def test_a_camera_that_is_not_there_may_come() -> None:
    source = make_source(SourceSettings(uri="v4l2:///dev/video77"))
    assert isinstance(source, CameraSource)
    with pytest.raises(SourceError, match="/dev/video77: there is no such device"):
        source.open(None)
    source.close()


def test_a_device_that_is_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    source = CameraSource(SourceSettings(uri="v4l2:///dev/null"), Path("/dev/null"))
    with pytest.raises(InputError, match="not a video device"):
        source.open(None)
    monkeypatch.setattr(v4l2, "query", lambda path: device(path, capture=False))
    with pytest.raises(InputError, match=r"'Cam' is not a camera.*mattebox devices"):
        source.open(None)


def test_csi_is_a_pipeline_that_gstreamer_can_read() -> None:
    text = csi.description(1, (1920, 1080), (30, 1))
    assert text.startswith("nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12")
    caps = text.split(" ! ")[1]
    assert Gst.Caps.from_string(caps).get_features(0).contains("memory:NVMM")
    if Gst.ElementFactory.find("nvarguscamerasrc") is None:
        with pytest.raises(MissingDependency, match="nvidia-l4t-gstreamer"):
            make_source(SourceSettings(uri="csi://0"))
