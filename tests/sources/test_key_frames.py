"""Pictures that rest on others which never came are not shown: joining between key frames, loss."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import SourceError
from appliance.media.gst import Gst
from appliance.sources import gstreamer
from appliance.sources.gstreamer import GstSource
from appliance.sources.key_frames import KeyFrameGate
from tests.conftest import ClipFactory
from tests.sources.pictures import by_ffmpeg, read_some, rgb, source_for
from tests.sources.test_formats import ffmpeg
from tests.sources.test_rtsp import Server, server

__all__ = ["server"]


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("K d d", "0 1 2"),
        ("d d K d", "2 3"),
        ("K d d! d K d", "0 1 4 5"),
        ("K! d K! d", "0 1 2 3"),
        ("d! d", ""),
    ],
)
def test_what_passes(given: str, passed: str) -> None:
    pipeline = Gst.parse_launch("appsrc name=in ! identity name=parser ! appsink name=out")
    KeyFrameGate("test").watch(pipeline.get_by_name("parser"))
    pipeline.set_state(Gst.State.PLAYING)
    try:
        for index, kind in enumerate(given.split()):
            picture = Gst.Buffer.new_wrapped(bytes([index]))
            if kind[0] == "d":
                picture.set_flags(Gst.BufferFlags.DELTA_UNIT)
            if kind.endswith("!"):
                picture.set_flags(Gst.BufferFlags.DISCONT)
            pipeline.get_by_name("in").emit("push-buffer", picture)
        pipeline.get_by_name("in").emit("end-of-stream")
        seen = []
        while (sample := pipeline.get_by_name("out").try_pull_sample(Gst.SECOND)) is not None:
            seen.append(sample.get_buffer().extract_dup(0, 1)[0])
    finally:
        pipeline.set_state(Gst.State.NULL)
    assert " ".join(map(str, seen)) == passed


@pytest.mark.parametrize("path", ["/sparse", "/sparse265", "/refresh"])
def test_joining_between_key_frames_waits_for_a_whole_picture(server: Server, path: str) -> None:
    first = source_for(server.uri(path))
    second = source_for(server.uri(path), timeout_s=1.0)
    try:
        first.open(None)
        good = rgb(read_some(first, 10)[-1])
        # Longer than timeout_s: opening anew would only mean joining in the middle again.
        second.open(None)
        for frame in read_some(second, 5):
            assert np.abs(rgb(frame) - good)[:150].mean() < 4
    finally:
        first.close()
        second.close()


def test_no_key_frame_for_too_long_says_what_to_set(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gstreamer, "_KEY_FRAME_S", 0.6)
    first = source_for(server.uri("/sparse"))
    second = source_for(server.uri("/sparse"), timeout_s=0.5)
    try:
        first.open(None)
        read_some(first, 2)
        with pytest.raises(SourceError, match=r"no key frame within 0\.6 s; set .* 1 or 2 s"):
            second.open(None)
    finally:
        first.close()
        second.close()


def test_a_file_cut_out_of_a_stream_begins_with_its_first_whole_picture(
    clip: ClipFactory, tmp_path: Path
) -> None:
    whole = clip(320, 240, frames=40, source="testsrc2")
    stream = tmp_path / "whole.h264"
    ffmpeg("-i", whole, "-c", "copy", "-bsf:v", "h264_mp4toannexb", stream)
    # Key frames at 0, 15 and 30: the first two pictures are left out.
    units = re.split(b"\x00?\x00\x00\x01", stream.read_bytes())
    cut = tmp_path / "cut.h264"
    first_delta = next(i for i, unit in enumerate(units) if unit and unit[0] & 31 == 1)
    head = [unit for unit in units[:first_delta] if unit and unit[0] & 31 in (7, 8)]
    cut.write_bytes(b"".join(b"\0\0\0\1" + unit for unit in [*head, *units[first_delta + 1 :]]))
    source = source_for(cut, loop=False)
    try:
        source.open(None)
        ours = rgb(read_some(source, 1)[0])
    finally:
        source.close()
    assert np.abs(ours - by_ffmpeg(whole, 320, 240, index=15)).mean() < 4


def test_a_picture_that_is_said_to_be_broken_is_not_shown(
    clip: ClipFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    def third(_pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        nonlocal count
        count += 1
        if count == 3:
            info.get_buffer().set_flags(Gst.BufferFlags.CORRUPTED)
        return Gst.PadProbeReturn.OK

    tune = GstSource._tune

    def mark(self: GstSource, top: Gst.Bin, child: Gst.Bin, element: Gst.Element) -> None:
        tune(self, top, child, element)
        if element.get_factory().get_name() == "avdec_h264":
            element.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, third)

    monkeypatch.setattr(GstSource, "_tune", mark)
    source = source_for(clip(320, 240, frames=40), loop=False)
    try:
        source.open(None)
        times = [round(frame.pts * 30 / 1e9) for frame in read_some(source, 8)]
    finally:
        source.close()
    # The third is left out, and so is what builds on it, as far as it was not decoded already.
    assert times[:2] == [0, 1]
    assert 2 not in times
