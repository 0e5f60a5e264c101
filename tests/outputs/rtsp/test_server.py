"""The RTSP server with readers and visitors that behave badly."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time

import numpy as np
import pytest

from appliance.errors import OutputError
from appliance.media.frame import Format, Frame, blank
from appliance.outputs import encoders
from appliance.outputs.rtsp import output as rtsp
from appliance.outputs.rtsp.output import RtspOutput
from tests.outputs.conftest import (
    FORMAT,
    RtspByHand,
    Serve,
    StartFeed,
    ffmpeg_frames,
    picture,
    psnr,
    wait_until,
)

FFMPEG = ("ffmpeg", "-nostdin", "-v", "quiet")
UDP = "RTP/AVP;unicast;client_port=50000-50001"


@pytest.fixture
def output(serve: Serve) -> RtspOutput:
    """An open output on a free port."""
    return serve()


def noise(format: Format) -> list[Frame]:
    """Pictures that no encoder can compress."""
    rng = np.random.default_rng(0)
    frames = [blank(format.width, format.height) for _ in range(7)]
    for frame in frames:
        frame.y[:] = rng.integers(16, 235, frame.y.shape, dtype=np.uint8)
    return frames


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_reader_that_never_reads_harms_nobody(
    serve: Serve, feed: StartFeed, transport: str
) -> None:
    format = Format(640, 360, (30, 1))
    output = serve(format, encoders.Wanted(bitrate_kbps=20_000), unread_timeout_s=3)
    running = feed(output, *noise(format))
    with RtspByHand(output.uri, receive_bytes=4096) as deaf:
        deaf.play()
        # Its connection is full and it is the only reader, so nothing is encoded.
        wait_until(lambda: output.dropped > 0, 20)
        assert ffmpeg_frames(output.uri, format, 20, transport)
        wait_until(lambda: output.clients() == 0, 20, "the deaf reader is put out")
        written = running.written
        wait_until(lambda: running.written > written + 10)
        assert running.longest < 1.0


@pytest.mark.parametrize("path", ["/other", "/live/more", "/liv", "/", "/live2"])
def test_a_wrong_path_is_not_found(output: RtspOutput, path: str) -> None:
    with RtspByHand(output.uri) as visitor:
        assert visitor.ask("DESCRIBE", output.uri.removesuffix("/live") + path)[0] == 404


def test_garbage_on_the_port_is_harmless(output: RtspOutput, feed: StartFeed) -> None:
    feed(output)
    port = int(output.uri.split(":")[2].split("/")[0])
    rng = np.random.default_rng(1)
    for junk in (
        rng.bytes(100_000),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"DESCRIBE " + b"a" * 200_000,
        b"SETUP rtsp://127.0.0.1/live RTSP/1.0\r\nCSeq: x\r\nContent-Length: 99999999999\r\n\r\n",
        b"$\x00\xff\xff" + bytes(1000),
        b"",
    ):
        with socket.create_connection(("127.0.0.1", port), 5) as visitor:
            visitor.settimeout(5)
            try:
                visitor.sendall(junk)
            except (BrokenPipeError, ConnectionResetError):
                continue  # hung up on before it was all sent: just as good
    assert psnr(picture(), ffmpeg_frames(output.uri, FORMAT, 3, "tcp")[-1]) > 35


def test_a_connection_that_does_nothing_is_closed(serve: Serve) -> None:
    output = serve(idle_timeout_s=0.5)
    with RtspByHand(output.uri) as idle:
        assert idle.ask("OPTIONS", output.uri)[0] == 200
        assert idle.socket.recv(1) == b""


def test_a_reader_over_udp_that_vanished_is_forgotten(serve: Serve, feed: StartFeed) -> None:
    output = serve(session_timeout_s=1)
    feed(output)
    with RtspByHand(output.uri) as gone:
        gone.play(UDP)
        wait_until(lambda: output.clients() == 1)
        # The connection stays open, as after a pulled cable, but nothing comes from it any more.
        wait_until(lambda: output.clients() == 0 and not output._medias, 20)


def test_a_taken_port_is_told_with_how_to_find_its_owner() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OutputError) as caught:
            RtspOutput(f"rtsp://127.0.0.1:{port}/live").open(FORMAT)
    assert f":{port}" in str(caught.value)
    assert "ss -ltnp" in str(caught.value)
    assert "in use" in str(caught.value)


def test_a_restart_binds_the_port_at_once() -> None:
    output = RtspOutput("rtsp://127.0.0.1:0/live")
    output.open(FORMAT)
    with RtspByHand(output.uri) as reader:
        assert reader.ask("OPTIONS", output.uri)[0] == 200
        output.close()
        for _ in range(3):
            again = RtspOutput(output.uri)
            again.open(FORMAT)
            again.close()
            again.close()


def test_outputs_share_a_port_but_not_a_path(serve: Serve, feed: StartFeed) -> None:
    output = serve()
    with pytest.raises(OutputError, match="another output has this address"):
        RtspOutput(output.uri).open(FORMAT)
    other = serve(uri=output.uri.replace("/live", "/other"))
    dark = blank(FORMAT.width, FORMAT.height)
    feed(output)
    dark_feed = feed(other, dark)
    assert psnr(picture(), ffmpeg_frames(output.uri, FORMAT, 3, "tcp")[-1]) > 35
    assert psnr(dark, ffmpeg_frames(other.uri, FORMAT, 3, "tcp")[-1]) > 35
    dark_feed.stop()
    other.close()
    with RtspByHand(output.uri) as visitor:
        assert visitor.ask("DESCRIBE", other.uri)[0] == 404
    assert ffmpeg_frames(output.uri, FORMAT, 3, "tcp")


def test_a_reader_that_takes_its_time_gets_the_picture(
    monkeypatch: pytest.MonkeyPatch, output: RtspOutput, feed: StartFeed
) -> None:
    feed(output)
    with RtspByHand(output.uri) as slow:
        assert slow.ask("DESCRIBE", output.uri)[0] == 200
        with monkeypatch.context() as soon:
            # For the first media only: one that does not linger may go while it is being requested.
            soon.setattr(rtsp, "LINGER_TICKS", 0)
            wait_until(lambda: output._medias[0].retired)
        # Another reader in the meantime gets its own media.
        assert ffmpeg_frames(output.uri, FORMAT, 3, "tcp")
        slow.play()
        assert slow.socket.recv(100)[:1] == b"$"


def test_many_quick_readers_leave_nothing_behind(output: RtspOutput, feed: StartFeed) -> None:
    feed(output)

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def come_and_go(times: int) -> None:
        for number in range(times):
            with RtspByHand(output.uri) as reader:
                if number % 3 == 0:
                    assert reader.ask("DESCRIBE", output.uri)[0] == 200
                elif number % 3 == 1:
                    reader.play()
        wait_until(lambda: not output._medias)

    come_and_go(6)
    before = held()
    for _ in range(6):  # each with its own media
        come_and_go(5)
    # The pool's threads come and go by themselves; there are few.
    wait_until(
        lambda: held()[0] <= before[0] + 2 and held()[1] <= before[1] + 2,
        what=f"descriptors and threads {held()} back to {before}",
    )


def test_an_encoder_that_fails_while_running_is_replaced(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, feed: StartFeed
) -> None:
    real = encoders.choose
    broken = encoders.Encoder(
        "x264enc", encoders.choose("x264enc").properties, before="identity error-after=5 !"
    )
    monkeypatch.setattr(
        encoders, "choose", lambda name="auto": broken if name == "auto" else real(name)
    )
    output = serve()
    feed(output)
    with RtspByHand(output.uri) as first:
        first.play()
        while first.socket.recv(65536):
            continue  # it is disconnected when the encoder breaks
    frames = ffmpeg_frames(output.uri, FORMAT, 10, "tcp")
    assert psnr(picture(), frames[-1]) > 35


def test_close_ends_with_readers_of_all_kinds_and_leaves_no_thread(
    serve: Serve, feed: StartFeed
) -> None:
    output = serve()
    running = feed(output)
    name = f"rtsp-{output.uri.split(':')[2].split('/')[0]}"
    readers = [
        subprocess.Popen(
            [*FFMPEG, "-rtsp_transport", way, "-i", output.uri, "-c", "copy", "-f", "null", "-"]
        )
        for way in ("tcp", "udp")
    ]
    try:
        with RtspByHand(output.uri) as deaf:
            deaf.play()
            wait_until(lambda: output.clients() == 3)
            running.stop()
            begun = time.monotonic()
            output.close()
            assert time.monotonic() - begun < 3
            assert name not in [thread.name for thread in threading.enumerate()]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait(5)


@pytest.mark.parametrize(
    "request_",
    [b"GET /live HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n", b"POST /live HTTP/1.1\r\n\r\n"],
)
def test_rtsp_over_http_is_answered_at_once(
    output: RtspOutput, feed: StartFeed, request_: bytes
) -> None:
    feed(output)
    for _ in range(20):
        with RtspByHand(output.uri) as tunnel:
            tunnel.socket.sendall(request_)
            answer = b""
            while piece := tunnel.socket.recv(4096):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
        assert b"use RTSP over TCP or UDP" in answer
    with RtspByHand(output.uri) as reader:
        reader.play()
        assert reader.socket.recv(1) == b"$"


def test_silent_connections_give_way_to_a_reader(serve: Serve, feed: StartFeed) -> None:
    output = serve(max_clients=5)
    feed(output)
    silent = [RtspByHand(output.uri) for _ in range(30)]
    try:
        with RtspByHand(output.uri) as reader:
            reader.play()
            assert reader.socket.recv(1) == b"$"
    finally:
        for one in silent:
            one.close()
