"""Capture by jetson-utils, against a stand-in with the library's signatures and habits."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import types
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MissingDependency, SourceError
from appliance.media import borrowed
from appliance.media.borrowed import Borrowed
from appliance.media.frame import Colour, Format, Frame, Matrix
from appliance.sources import capture, jetson_image
from appliance.sources.fallback import FallbackSource
from appliance.sources.feeder import SourceFeeder
from appliance.sources.jetson import JetsonSource
from appliance.sources.make import make_source
from appliance.system import jetson_utils
from tests import fake_jetson_utils as fake
from tests.conftest import ROOT
from tests.outputs.conftest import wait_until
from tests.sources.test_feeder import Script


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stand-in in the library's place, with a camera plugged in."""
    monkeypatch.setitem(sys.modules, "jetson_utils", fake)
    monkeypatch.setattr(jetson_utils, "installed", lambda: True)
    monkeypatch.setattr(jetson_image, "on_the_host", lambda address: fake.camera.mapped)
    monkeypatch.setattr(fake, "camera", fake.Camera())
    yield
    for source in fake.camera.made:
        source.fail()


def source(uri: str = "csi://0", **settings: object) -> JetsonSource:
    chosen = {"uri": uri, "capture": "jetson-utils", "timeout_s": 0.5, **settings}
    made = make_source(SourceSettings.model_validate(chosen))
    assert isinstance(made, JetsonSource)
    return made


def driver() -> fake.videoSource:
    """The library's newest source."""
    return fake.camera.made[-1]


def next_frame(of: JetsonSource) -> Frame:
    driver().deliver()
    frame = of.read(1)
    assert frame is not None
    return frame


def test_pictures_are_taken_by_their_pointer() -> None:
    camera = source(size="64x32", fps="30")
    assert camera.open(None) == Format(64, 32, (30, 1), Colour(Matrix.BT601))
    frame = camera.read(1)
    assert frame is not None
    memory = driver().ring[0]
    assert np.shares_memory(frame.y, memory)
    assert np.shares_memory(frame.uv, memory)
    assert frame.y.shape == (32, 64)
    assert frame.uv.shape == (16, 32, 2)
    owner = frame.owner
    assert isinstance(owner, Borrowed)
    surface = owner.surface
    assert surface is not None
    start = int(memory.ctypes.data)
    assert (surface.kind, surface.width, surface.height) == ("nv12", 64, 32)
    assert (surface.address, surface.pitch) == (start, 64)
    assert (surface.uv, surface.uv_pitch) == (start + 64 * 32, 64)
    assert surface.colour == frame.colour
    camera.close()
    camera.close()
    assert driver().closed


def test_what_the_library_is_asked_for() -> None:
    camera = source("csi://1", size="1280x720", fps="30000/1001")
    camera.open(None)
    camera.close()
    assert driver().uri == "csi://1"
    assert driver().argv == [
        "mattebox", "--input-width=1280", "--input-height=720", "--input-rate=30",
        # 0.25 s of pictures, one being written, one that may have come meanwhile.
        "--num-buffers=10",
        # Its word for a CSI camera that is not turned.
        "--input-flip=rotate-180",
    ]  # fmt: skip
    camera = source("v4l2:///dev/video2")
    camera.open(Format(640, 480, (60, 1), Colour(Matrix.BT601)))
    camera.close()
    assert driver().uri == "v4l2:///dev/video2"
    assert driver().argv[1:] == [
        "--input-width=640", "--input-height=480", "--input-rate=60", "--num-buffers=17",
    ]  # fmt: skip


def test_times_and_serials_rise_and_the_first_is_a_cut() -> None:
    camera = source(size="64x32")
    camera.open(None)
    frames = [camera.read(1), *(next_frame(camera) for _ in range(3))]
    camera.close()
    assert [f.serial for f in frames if f] == [0, 1, 2, 3]
    assert [f.discontinuity for f in frames if f] == [True, False, False, False]
    times = [f.pts for f in frames if f]
    assert np.diff(times).tolist() == [1_000_000_000 // 30] * 3


def test_a_timeout_is_no_frame() -> None:
    camera = source(size="64x32")
    camera.open(None)
    assert camera.read(1) is not None
    assert camera.read(0.05) is None
    camera.close()
    with pytest.raises(SourceError, match="it is not open"):
        camera.read(0.05)


def test_a_frame_is_lent_for_less_than_the_rings_round(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = source(size="64x32", fps="30")
    camera.open(None)
    frame = camera.read(1)
    camera.close()
    assert frame is not None
    assert isinstance(frame.owner, Borrowed)
    period = 1_000_000_000 // 30
    assert frame.owner.until - frame.captured == (len(driver().ring) - 2) * period
    for after, over in ((0, False), (0.25e9, False), (0.3e9, True)):
        clock = types.SimpleNamespace(monotonic_ns=lambda now=after: frame.captured + now)
        monkeypatch.setattr(borrowed, "time", clock)
        assert frame.owner.over() is over


def test_memory_lives_as_long_as_its_frame() -> None:
    camera = source(size="64x32")
    camera.open(None)
    frame = camera.read(1)
    camera.close()
    library = weakref.ref(fake.camera.made.pop())
    del camera
    gc.collect()
    assert library() is not None, "the ring was freed under a frame that somebody holds"
    del frame
    gc.collect()
    assert library() is None


def packed(first: int) -> fake.Callable[[int, int, int], fake.U8]:
    """A YUYV (0) or UYVY (1) picture: luma by column, chroma by line."""

    def picture(width: int, height: int, _: int) -> fake.U8:
        out = np.zeros((height, width, 2), np.uint8)
        out[:, :, first] = np.arange(width)
        out[:, 0::2, 1 - first] = 10 + np.arange(height)[:, None]
        out[:, 1::2, 1 - first] = 200 - np.arange(height)[:, None]
        return out.ravel()

    return picture


def planar(width: int, height: int, _: int) -> fake.U8:
    """I420: luma by column, Cb by line, Cr by line."""
    lines = np.arange(height // 2, dtype=np.uint8).repeat(width // 2)
    y = np.tile(np.arange(width, dtype=np.uint8), height)
    return np.concatenate((y, lines + 10, 200 - lines))


@pytest.mark.parametrize(
    ("format", "picture"), [("yuyv", packed(0)), ("uyvy", packed(1)), ("i420", planar)]
)
def test_what_is_not_nv12_is_converted(
    format: str, picture: fake.Callable[[int, int, int], fake.U8]
) -> None:
    fake.camera.format, fake.camera.picture = format, picture
    camera = source("v4l2:///dev/video0", size="64x32")
    camera.open(None)
    frame = camera.read(1)
    camera.close()
    assert frame is not None
    assert (frame.y == np.arange(64)).all()
    lines = np.arange(16)
    # Of two lines the mean, halves up.
    first, second = (
        (10 + lines, 200 - lines) if format == "i420" else (11 + 2 * lines, 200 - 2 * lines)
    )
    assert (frame.uv[:, :, 0] == first[:, None]).all()
    assert (frame.uv[:, :, 1] == second[:, None]).all()
    if format == "i420":
        assert isinstance(frame.owner, Borrowed)
        assert frame.owner.surface is None
    else:
        assert frame.owner is None
        assert not np.shares_memory(frame.y, driver().ring[0])


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        (fake.Camera("bayer-bggr"), "gives 'bayer-bggr'; expected nv12"),
        (fake.Camera("nv12", (66, 32)), "66x32 pixels.*multiple of 4"),
        (fake.Camera("nv12", (64, 33)), "64x33 pixels.*of 2"),
        (fake.Camera("nv12", mapped=False), "build it with -DENABLE_NVMM=OFF"),
    ],
)
def test_what_it_cannot_give_is_told(camera: fake.Camera, words: str) -> None:
    fake.camera = camera
    with pytest.raises(InputError, match=words):
        source(size="64x32").open(None)
    assert driver().closed


def test_another_size_or_colour_than_the_canvas_is_left_to_gstreamer() -> None:
    fake.camera.size = (128, 64)
    with pytest.raises(InputError, match="gives 128x64, bt601, the canvas is 64x32, bt601"):
        source().open(Format(64, 32, (30, 1), Colour(Matrix.BT601)))
    assert driver().closed
    with pytest.raises(InputError, match="gives 128x64, bt601, the canvas is 128x64, bt709"):
        source().open(Format(128, 64, (30, 1), Colour(Matrix.BT709)))


def test_no_camera() -> None:
    fake.camera.missing = True
    with pytest.raises(
        SourceError, match=r"cannot open it \(failed to create videoSource device\)"
    ):
        source().open(None)


def test_an_old_library_cannot_give_raw_pictures() -> None:
    fake.camera.old = True
    with pytest.raises(SourceError, match="videoSource failed to capture image"):
        source().open(None)


def test_a_library_that_hangs_has_a_deadline() -> None:
    fake.camera.hangs = threading.Event()
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"gave nothing within 0\.5 s"):
        source().open(None)
    assert time.monotonic() - begun < 5
    # What comes after all is let go of.
    fake.camera.hangs.set()
    wait_until(lambda: fake.camera.made and driver().closed)


def test_a_pulled_cable_reconnects_through_the_feeder() -> None:
    settings = SourceSettings.model_validate(
        {"uri": "csi://0", "size": "64x32", "timeout_s": 0.5, "retry_first_s": 0.1}
    )
    feeder = SourceFeeder(make_source(settings), settings)
    assert isinstance(feeder.source, FallbackSource)
    try:
        assert feeder.start() is not None
        first = feeder.mailbox.get(2)
        driver().fail()
        wait_until(lambda: len(fake.camera.made) > 1 and feeder.state.state == "live")
        again = feeder.mailbox.get(2)
    finally:
        assert feeder.stop()
    assert first is not None
    assert again is not None
    assert feeder.reconnects == 1
    assert again.serial > first.serial
    assert again.pts > first.pts
    assert again.discontinuity
    assert isinstance(again.owner, Borrowed), "what is renumbered is still lent"
    assert all(source.closed for source in fake.camera.made)


class TestTheChoice:
    """``source.capture``: who takes the pictures."""

    def test_auto_without_it_is_gstreamer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jetson_utils, "installed", lambda: False)
        made = make_source(SourceSettings(uri="v4l2:///dev/video9"))
        assert type(made).__name__ == "CameraSource"

    def test_it_can_be_turned_off(self) -> None:
        made = make_source(SourceSettings(uri="v4l2:///dev/video9", capture="gstreamer"))
        assert type(made).__name__ == "CameraSource"

    def test_auto_says_which_and_that_it_is_untried(self) -> None:
        with capture_logs() as logs:
            made = make_source(SourceSettings(uri="v4l2:///dev/video9"))
        assert isinstance(made, FallbackSource)
        assert logs[0]["event"] == "source: by jetson-utils"
        assert logs[0]["note"] == jetson_utils.UNTRIED

    def test_insisted_on_and_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jetson_utils", None)
        with pytest.raises(MissingDependency, match="dusty-nv/jetson-utils, or leave source"):
            make_source(SourceSettings(uri="csi://0", capture="jetson-utils"))

    def test_a_namesake_is_told_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jetson_utils", types.ModuleType("jetson_utils"))
        with pytest.raises(MissingDependency, match=r"no videoSource, .*it is not NVIDIA's"):
            make_source(SourceSettings(uri="csi://0", capture="jetson-utils"))

    def test_files_and_streams_are_none_of_its_business(self) -> None:
        assert type(make_source(SourceSettings(uri="test://"))).__name__ == "PatternSource"


def test_installed_is_the_real_thing(tmp_path: Path) -> None:
    """In a process of its own, as imports are remembered."""
    ask = "from appliance.system import jetson_utils; print(jetson_utils.installed())"

    def answer() -> str:
        done = subprocess.run(
            [sys.executable, "-c", ask], env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    package = tmp_path / "jetson_utils"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('not to be imported')")
    assert answer() == "False", "the namesake has no extension"
    (package / "jetson_utils_python.py").touch()
    assert answer() == "True", "within the package, as wheels have it"
    (package / "jetson_utils_python.py").rename(tmp_path / "jetson_utils_python.py")
    assert answer() == "True", "beside it, as its own install puts it"


def test_the_second_way_is_taken_and_kept_when_the_first_fails() -> None:
    fake.camera.old = True
    settings = SourceSettings(uri="csi://0", capture="auto", timeout_s=0.5)
    second = Script((3, None), (3, None))
    made: list[str] = []

    def gstreamer() -> Script:
        made.append("gstreamer")
        return second

    either = FallbackSource(lambda: JetsonSource(settings, "csi://0", (64, 32)), gstreamer)
    with capture_logs() as logs:
        assert either.open(None) == Format(64, 48, (100, 1))
    assert "failed to capture image" in logs[0]["reason"]
    assert either.read(1) is not None
    either.close()
    tries = len(fake.camera.made)
    either.open(None)
    either.close()
    assert len(fake.camera.made) == tries, "what could not be done is not tried for ever"
    assert driver().closed


def test_when_neither_opens_the_clearer_words_are_gstreamers() -> None:
    fake.camera.missing = True
    settings = SourceSettings(uri="v4l2:///dev/video77", timeout_s=0.5)
    either = make_source(settings)
    with pytest.raises(SourceError, match=r"there is no such device.*plugged in"):
        either.open(None)
    either.close()
    with pytest.raises(SourceError, match="there is no such device"):
        either.open(None)


def test_the_makers_rule_is_the_settings_field() -> None:
    kinds = SourceSettings.model_fields["capture"].annotation
    assert set(kinds.__args__) == {"auto", "jetson-utils", "gstreamer"}  # type: ignore[union-attr]
    assert capture.jetson_utils is jetson_utils
