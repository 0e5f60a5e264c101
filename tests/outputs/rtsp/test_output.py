"""The RTSP output, read by real clients."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from appliance.config import settings
from appliance.errors import InputError, OutputError
from appliance.media.frame import Colour, Format
from appliance.media.gst import Gst, frame_of
from appliance.outputs.encoders import Rate, Wanted
from appliance.outputs.rtsp.output import RtspOutput, parse_uri
from tests.outputs.conftest import (
    COLOURS,
    FORMAT,
    Serve,
    StartFeed,
    ffmpeg_frames,
    ffprobe,
    picture,
    psnr,
    wait_until,
)
from tests.reads_rtsp import Client

FFMPEG = ("ffmpeg", "-nostdin", "-v", "error")
FFPROBE = (
    "ffprobe",
    "-v",
    "error",
    "-select_streams",
    "v",
    "-rtsp_transport",
    "tcp",
    "-show_entries",
)


@pytest.fixture
def output(serve: Serve) -> RtspOutput:
    """An open output on a free port, key frames a minute apart."""
    return serve(FORMAT, Wanted(keyframe_s=60))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_sees_the_picture(output: RtspOutput, feed: StartFeed, transport: str) -> None:
    feed(output)
    frames = ffmpeg_frames(output.uri, FORMAT, 20, transport)
    assert len(frames) == 20
    assert min(psnr(picture(), frame) for frame in frames) > 35


@pytest.mark.parametrize("colour", COLOURS)
def test_matrix_and_range_arrive(serve: Serve, feed: StartFeed, colour: Colour) -> None:
    format = replace(FORMAT, colour=colour)
    output = serve(format)
    feed(output, picture(format))
    stream = ffprobe(output.uri, "stream=color_range,color_space", "-rtsp_transport", "tcp")[0]
    assert stream["color_range"] == {"limited": "tv", "full": "pc"}[colour.range.value]
    assert stream["color_space"] == {"bt601": "smpte170m", "bt709": "bt709"}[colour.matrix.value]
    assert psnr(picture(format), ffmpeg_frames(output.uri, format, 5, "tcp")[-1]) > 35


def test_timestamps_rise_from_a_key_frame(output: RtspOutput, feed: StartFeed) -> None:
    feed(output)
    packets = ffprobe(
        output.uri,
        "packet=pts_time,flags",
        "-select_streams",
        "v",
        "-rtsp_transport",
        "tcp",
        "-read_intervals",
        "%+1.5",
    )
    assert "K" in packets[0]["flags"]
    times = [float(p["pts_time"]) for p in packets if p.get("pts_time", "N/A") != "N/A"]
    assert len(times) > 20
    assert (np.diff(times) > 0).all()


def test_a_later_reader_starts_at_a_key_frame(output: RtspOutput, feed: StartFeed) -> None:
    feed(output)
    first = subprocess.Popen(
        [*FFMPEG, "-rtsp_transport", "tcp", "-i", output.uri, "-c", "copy", "-f", "null", "-"],
    )
    try:
        wait_until(lambda: output.clients() == 1)
        medias = output._medias
        # Key frames are a minute apart, so this one was made for the reader; the encoder is shared.
        frames = ffmpeg_frames(output.uri, FORMAT, 10, "tcp")
        assert psnr(picture(), frames[0]) > 35
        assert output._medias == medias
        wait_until(lambda: output.clients() == 1)
    finally:
        first.terminate()
        first.wait(5)
    wait_until(lambda: output.clients() == 0 and not output._medias)


def test_another_encoding_keeps_who_reads_and_is_for_who_comes(
    output: RtspOutput, feed: StartFeed
) -> None:
    feed(output)
    with Client(output.uri) as first:
        first.wait_for_more(5)
        old = output._medias[0]
        output.prepare_video(
            settings.OutputSettings(uri=output.uri, bitrate_kbps=333, keyframe_s=0.2)
        )()
        assert old.stream.encoder.key.rate == Rate(333, 6)
        packets = ffprobe(
            output.uri,
            "packet=flags",
            "-select_streams",
            "v",
            "-rtsp_transport",
            "tcp",
            "-read_intervals",
            "%+1.5",
        )
        keys = [number for number, packet in enumerate(packets) if "K" in packet["flags"]]
        assert len(keys) >= 4
        assert max(np.diff(keys)) <= 6
        # The first reader's media is still there, and goes on.
        assert first.ended is None
        first.wait_for_more(5)
        with pytest.raises(InputError):
            output.prepare_video(settings.OutputSettings(uri=output.uri, encoder="nosuchenc"))
    wait_until(lambda: output.clients() == 0 and not output._medias)


def test_gstreamer_reads_it_with_the_colours_kept(output: RtspOutput, feed: StartFeed) -> None:
    feed(output)
    pipeline = Gst.parse_launch(
        f"rtspsrc location={output.uri} latency=100 protocols=tcp ! rtph264depay ! h264parse ! "
        "avdec_h264 ! videoconvert ! video/x-raw,format=NV12 ! "
        "appsink name=out sync=false max-buffers=2 drop=true"
    )
    pipeline.set_state(Gst.State.PLAYING)
    try:
        out = pipeline.get_by_name("out")
        samples = [out.try_pull_sample(10 * Gst.SECOND) for _ in range(5)]
        assert all(samples)
        times = [sample.get_buffer().pts for sample in samples]
        assert (np.diff(times) > 0).all()
        frame = frame_of(samples[-1])
        assert frame.colour == FORMAT.colour
        assert psnr(picture(), frame) > 35
    finally:
        pipeline.set_state(Gst.State.NULL)


def test_nothing_is_encoded_while_nobody_reads(output: RtspOutput) -> None:
    for _ in range(100):
        output.write(picture())
    assert (output.clients(), output.dropped, output._medias) == (0, 0, ())


def test_a_picture_with_odd_sides_loses_one_row_and_column(serve: Serve, feed: StartFeed) -> None:
    format = Format(321, 181, (30, 1))
    output = serve(format)
    feed(output, picture(format))
    frames = ffmpeg_frames(output.uri, FORMAT, 5, "tcp")
    whole = picture(format)
    expected = replace(whole, y=whole.y[:180, :320], uv=whole.uv[:90, :160])
    assert psnr(expected, frames[-1]) > 35


def test_a_gap_between_frames_reaches_the_reader(output: RtspOutput) -> None:
    pace = threading.Event()
    with subprocess.Popen(
        [*FFPROBE, "packet=pts_time", "-of", "csv=p=0", "-read_intervals", "%+2", output.uri],
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        deadline, count = time.monotonic() + 20, 0
        # Thirty frames, then one every third of a second: a stuttering source.
        while reader.poll() is None and time.monotonic() < deadline:
            count += bool(output.clients())
            output.write(replace(picture(), pts=time.monotonic_ns()))
            pace.wait(1 / 30 if count < 30 else 1 / 3)
        reader.kill()
        assert reader.stdout is not None
        lines = [line.strip(",\n") for line in reader.stdout]
    steps = np.diff([float(line) for line in lines if line not in ("", "N/A")])
    assert (steps > 0).all()
    assert steps.max() > 0.2


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        ("rtsp://127.0.0.1:99999/live", "expected rtsp://HOST:PORT/PATH"),
        ("rtsp://127.0.0.1:8554", "the path '' cannot be served"),
        ("rtsp://127.0.0.1:8554/a b", "cannot be served"),
        ("rtsp:///live", "expected rtsp://HOST:PORT/PATH"),
        ("rtsp://127.0.0.1/live?x=1", "expected rtsp://HOST:PORT/PATH"),
        ("rtsp://me:secret@127.0.0.1/live", "user and password have no place"),
    ],
)
def test_addresses_that_cannot_be_served(uri: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        RtspOutput(uri)
    assert part in str(caught.value)
    assert "secret" not in str(caught.value)


def test_localhost_is_the_address_that_everybody_tries() -> None:
    assert parse_uri("rtsp://localhost:8554/live") == ("127.0.0.1", 8554, "/live")
    assert parse_uri("rtsp://[::1]:8554/live")[0] == "::1"


def test_the_port_may_be_left_out() -> None:
    assert parse_uri("rtsp://[::1]/studio/one/") == ("::1", 8554, "/studio/one")


def test_writing_to_a_closed_output_says_so() -> None:
    with pytest.raises(OutputError, match="before open or after close"):
        RtspOutput("rtsp://127.0.0.1:0/live").write(picture())
