"""HDR and wide-colour streams: known colours come out as they would in SDR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from appliance.media.frame import Colour, Format, Matrix, Range
from appliance.media.gst import Gst
from appliance.sources.wide import wide_colour
from tests.conftest import ClipFactory
from tests.sources.hdr import SKIN, hdr_clip, middles
from tests.sources.pictures import first_frame, read_some, rgb, source_for
from tests.sources.test_formats import ffmpeg

X265 = ("libx265", "-x265-params", "log-level=error:qp=4")
X264 = ("libx264", "-preset", "ultrafast", "-qp", "4")
VP9 = ("libvpx-vp9", "-crf", "4", "-b:v", "0", "-cpu-used", "8")


@pytest.mark.parametrize(
    ("transfer", "codec", "suffix"),
    [
        ("arib-std-b67", X265, ".mp4"),
        ("smpte2084", X265, ".mp4"),
        ("arib-std-b67", X264, ".mov"),
        ("smpte2084", VP9, ".webm"),
    ],
)
def test_hdr_is_tone_mapped(
    tmp_path: Path, transfer: str, codec: tuple[str, ...], suffix: str
) -> None:
    path = hdr_clip(tmp_path / f"hdr{suffix}", transfer, codec=codec)
    with capture_logs() as logs:
        frame = first_frame(path)
    assert frame.colour == Colour(Matrix.BT709, Range.LIMITED)
    skin, white, grey, dark = middles(rgb(frame))
    # Below the knee nothing changes; diffuse white leaves room for what is brighter.
    assert skin == pytest.approx(SKIN, abs=3)
    assert grey == pytest.approx([128] * 3, abs=2)
    assert dark == pytest.approx([20] * 3, abs=2)
    assert white == pytest.approx([231] * 3, abs=2)
    said = [line for line in logs if "tone-mapped" in line["event"]]
    assert [line["peak_cd_m2"] for line in said] == [1000]


@pytest.mark.parametrize(
    ("transfer", "primaries", "matrix", "full"),
    [
        ("bt2020-10", "bt2020", "bt2020nc", False),
        ("bt709", "bt2020", "bt2020nc", True),
        ("bt709", "smpte432", "bt709", False),
    ],
)
def test_wide_sdr_comes_in_the_usual_primaries(
    tmp_path: Path, transfer: str, primaries: str, matrix: str, full: bool
) -> None:
    path = hdr_clip(
        tmp_path / "w.mkv", transfer, primaries=primaries, matrix=matrix, full=full, codec=X264
    )
    skin, white, grey, _ = middles(rgb(first_frame(path)))
    assert skin == pytest.approx(SKIN, abs=3)
    assert white == pytest.approx([255] * 3, abs=2)
    assert grey == pytest.approx([128] * 3, abs=2)


def test_hdr_on_a_canvas_of_another_size_and_colour(tmp_path: Path) -> None:
    path = hdr_clip(tmp_path / "hdr.mp4", "arib-std-b67", size=(640, 480))
    want = Format(320, 180, (30, 1), Colour(Matrix.BT601, Range.FULL))
    frame = first_frame(path, want)
    assert (frame.width, frame.height, frame.colour) == (320, 180, want.colour)
    picture = rgb(frame)
    assert picture[:, :38].max() < 3
    assert middles(picture[:, 40:280])[0] == pytest.approx(SKIN, abs=3)


@pytest.mark.parametrize("first", ["hdr", "sdr"])
def test_a_stream_that_turns_to_hdr_midway(clip: ClipFactory, tmp_path: Path, first: str) -> None:
    hdr = hdr_clip(tmp_path / "hdr.ts", "arib-std-b67", size=(320, 240), codec=X264)
    sdr = tmp_path / "sdr.ts"
    plain = clip(320, 240, frames=3, fps=10, source="color=0xcc8266", pix_fmt="yuv420p10le")
    ffmpeg("-i", plain, "-c", "copy", sdr)
    both = tmp_path / "both.ts"
    parts = (hdr, sdr) if first == "hdr" else (sdr, hdr)
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    source = source_for(both, loop=False)
    try:
        source.open(None)
        for frame in read_some(source, 5):
            assert middles(rgb(frame))[0] == pytest.approx(SKIN, abs=4)
    finally:
        source.close()


def test_the_brightest_it_is_made_for_comes_from_the_stream(tmp_path: Path) -> None:
    said = "log-level=error:qp=4:max-cll=4000,400"
    path = hdr_clip(tmp_path / "b.mp4", "smpte2084", codec=("libx265", "-x265-params", said))
    with capture_logs() as logs:
        white = middles(rgb(first_frame(path)))[1]
    assert [line["peak_cd_m2"] for line in logs if "peak_cd_m2" in line] == [4000]
    # More room above it.
    assert white == pytest.approx([211] * 3, abs=2)


@pytest.mark.parametrize(
    ("colorimetry", "more", "peak"),
    [
        ("bt2100-pq", "", 1000),
        ("bt2100-pq", "content-light-level=(string)0:0", 1000),
        ("bt2100-pq", "content-light-level=(string)99:9", 203),
        ("bt2100-pq", "mastering-display-info=(string)1:2:3:4:5:6:7:8:6000000:50", 600),
        ("bt2100-pq", "mastering-display-info=(string)nonsense", 1000),
        ("bt2100-hlg", "content-light-level=(string)4000:400", 1000),
    ],
)
def test_what_is_said_of_the_light(colorimetry: str, more: str, peak: float) -> None:
    text = f"video/x-raw,format=P010_10LE,width=64,height=64,framerate=30/1,{more or 'views=1'}"
    kind = wide_colour(Gst.Caps.from_string(f"{text},colorimetry={colorimetry}"))
    assert kind is not None
    assert kind.peak == peak


@pytest.mark.parametrize("colorimetry", ["bt709", "bt601", "sRGB", "2:4:7:1", "1:4:0:0"])
def test_the_usual_colours_are_left_alone(colorimetry: str) -> None:
    text = "video/x-raw,format=I420_10LE,width=64,height=64,framerate=30/1"
    assert wide_colour(Gst.Caps.from_string(f"{text},colorimetry={colorimetry}")) is None


def test_sdr_costs_nothing_more(clip: ClipFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an SDR picture went through the table")

    monkeypatch.setattr("appliance.sources.wide.ToSdr.frame", never)
    path = clip(320, 240, frames=2, pix_fmt="yuv420p10le")
    assert np.ptp(first_frame(path).y) > 50
