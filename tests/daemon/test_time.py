"""Time through the whole appliance, with real parts: recordings as ffprobe sees them."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import Settings
from tests.conftest import ClipFactory
from tests.daemons import Seen, running
from tests.faults.stand_ins import wait_until
from tests.sources.test_rtsp import Server, a_free_port

SECOND = 10**9


def probed(path: Path) -> tuple[list[float], float]:
    """A recording's presentation times and its length, seconds, by ffprobe."""
    command = [
        "ffprobe", "-v", "error",
        "-select_streams", "v", "-show_entries", "packet=pts_time:format=duration", "-of", "json",
    ]  # fmt: skip
    done = subprocess.run([*command, str(path)], capture_output=True, timeout=30, check=True)
    found = json.loads(done.stdout)
    return [float(p["pts_time"]) for p in found["packets"]], float(found["format"]["duration"])


def sparse(clip: ClipFactory, tmp_path: Path, every_s: int, frames: int) -> Path:
    """A clip with a frame every so many seconds."""
    path = tmp_path / "sparse.mp4"
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-i", str(clip(320, 180, frames=frames, fps=1)),
        "-vf", f"setpts={every_s}*PTS", "-r", f"1/{every_s}", str(path),
    ]  # fmt: skip
    subprocess.run(command, timeout=30, check=True)
    return path


def as_composites(seen: list[Seen]) -> list[Seen]:
    """What went out from the first composite on."""
    first = next(index for index, one in enumerate(seen) if one.kind != "slate")
    return seen[first:]


def test_one_frame_a_second_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch, network: Path, clip: ClipFactory, tmp_path: Path
) -> None:
    """A frame is gone for longer than ``stall_s``, and by the source's own measure not late."""
    out = tmp_path / "out.mkv"
    settings = {
        "source": {"uri": str(clip(320, 180, frames=3, fps=1)), "loop": False},
        "outputs": [{"uri": "null://recorder"}, {"uri": str(out)}],
    }
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        wait_until(lambda: daemon.ended() == "the source has ended")
    seen = as_composites(recorder.seen)
    assert "slate" not in [one.kind for one in seen]
    assert np.diff([one.pts for one in seen]).max() == pytest.approx(SECOND, rel=0.02)
    times, length = probed(out)
    assert np.diff(times).max() < 1.05
    # From when the outputs were open, which is a little after the source was.
    assert 1.9 < length < 3.3


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_conversion_takes_as_long_as_its_source(
    monkeypatch: pytest.MonkeyPatch, network: Path, clip: ClipFactory, tmp_path: Path, suffix: str
) -> None:
    """Five frames, four seconds each: 20 s, however fast they were read."""
    out = tmp_path / f"out{suffix}"
    settings = {
        "source": {"uri": str(sparse(clip, tmp_path, 4, 5)), "loop": False, "pace": "fast"},
        "outputs": [{"uri": str(out)}],
    }
    with running(monkeypatch, network, **settings) as (daemon, _, _):
        wait_until(lambda: daemon.ended() == "the source has ended")
        wait_until(lambda: daemon.statuses()[0].frames == 5)
    times, length = probed(out)
    assert times[:5] == pytest.approx([0, 4, 8, 12, 16], abs=0.002)
    assert length == pytest.approx(20, abs=0.01)


def varying(tmp_path: Path) -> Path:
    """A clip of 60 frames: the first 20 at 25 a second, the rest at 100."""
    path = tmp_path / "varying.mp4"
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
        "-vf", r"settb=1/1000,setpts=if(lt(N\,20)\,N/25\,0.8+(N-20)/100)/TB",
        "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-frames:v", "60",
        "-pix_fmt", "yuv420p", str(path),
    ]  # fmt: skip
    subprocess.run(command, timeout=30, check=True)
    return path


@pytest.mark.parametrize("kind", ["varying", "300 a second"])
def test_a_conversion_has_every_frame_whatever_the_rate(
    monkeypatch: pytest.MonkeyPatch, network: Path, clip: ClipFactory, tmp_path: Path, kind: str
) -> None:
    """Neither the source nor the pipeline thins it to the canvas's rate, unasked."""
    path = varying(tmp_path) if kind == "varying" else clip(320, 180, frames=60, fps=300)
    out = tmp_path / "out.mp4"
    settings = {"source": {"uri": str(path)}, "outputs": [{"uri": str(out)}]}
    with running(monkeypatch, network, **settings) as (daemon, _, _):
        wait_until(lambda: daemon.ended() == "the source has ended")
        wait_until(lambda: daemon.statuses()[0].frames == daemon.programme.composites)
    (before, _), (times, _) = probed(path), probed(out)
    assert len(before) == 60
    # The last one is written twice where it lasts longer than the canvas's period.
    assert sorted(times)[:60] == pytest.approx(sorted(before), abs=0.002)


def test_a_thousand_frames_a_second_are_thinned_to_the_canvass_rate(
    monkeypatch: pytest.MonkeyPatch, network: Path, clip: ClipFactory
) -> None:
    path = clip(320, 180, frames=1000, fps=1000)
    with running(monkeypatch, network, source={"uri": str(path)}) as (daemon, recorder, _):
        assert daemon.format.fps == (30, 1)
        recorder.wait(lambda seen: len(seen) > 60)
        taken = daemon.feeder.frames
    seen = as_composites(recorder.seen)
    steps = np.diff([one.pts for one in seen]) / 1e6
    # Before, every 13 ms; a busy machine makes some longer.
    assert np.percentile(steps, 10) > 25
    assert taken < 40 * (recorder.seen[-1].at - recorder.seen[0].at) + 40, "thinned too late"


class Relay:
    """Stands between a reader and a server on this machine; its connections can be cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                reader, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                return
            self._ends += [reader, server]
            for a, b in ((reader, server), (server, reader)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, a: socket.socket, b: socket.socket) -> None:
        try:
            while data := a.recv(1 << 16):
                b.sendall(data)
        except OSError:
            pass
        self._shut(a, b)
        # The other direction's thread closes the other end.
        a.close()

    @staticmethod
    def _shut(*ends: socket.socket) -> None:
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def cut(self) -> None:
        """End all connections; new ones are taken."""
        ends, self._ends = self._ends, []
        self._shut(*ends)

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        self.cut()


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay to a live RTSP server."""
    server = Server(a_free_port())
    server.start()
    relay = Relay(server.port)
    yield relay
    relay.close()
    server.kill()


def test_a_recording_across_short_outages_lasts_as_long_as_the_clock(
    monkeypatch: pytest.MonkeyPatch, network: Path, relay: Relay, tmp_path: Path
) -> None:
    """Each too short for the placeholder: their time was lost, a fifth of the recording."""
    out = tmp_path / "out.mkv"
    settings = {
        "source": {
            "uri": f"rtsp://127.0.0.1:{relay.port}/live", "retry_first_s": 0.2, "timeout_s": 3,
        },
        "matting": {"stall_s": 5},
        "outputs": [{"uri": "null://recorder"}, {"uri": str(out)}],
    }  # fmt: skip
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait(lambda seen: len(as_composites(seen)) > 20 if seen[5:] else False)
        for cut in range(1, 5):
            relay.cut()
            wait_until(lambda cut=cut: daemon.feeder.reconnects == cut)  # type: ignore[misc]
            count = len(recorder.seen)
            recorder.wait(lambda seen, count=count: len(seen) > count + 15)  # type: ignore[misc]
    seen = as_composites(recorder.seen)
    passed = seen[-1].at - seen[0].at
    # What is stamped, and what the file says, is what passed, but for how long one frame took.
    assert (seen[-1].pts - seen[0].pts) / SECOND == pytest.approx(passed, abs=0.25)
    times, _ = probed(out)
    first = min(times, key=lambda t: abs(t - (seen[0].pts - recorder.seen[0].pts) / SECOND))
    assert times[-1] - first == pytest.approx(passed, abs=0.35)
    assert sum(b - a > 0.15 for a, b in pairwise(times)) >= 4, "the gaps do not show"


def test_totals_go_on_when_the_source_is_another(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, clip: ClipFactory
) -> None:
    """The terminal showed ``in -41983.5 fps``: the new source counted from 0."""
    settings = {"source": {"uri": str(room)}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 10)
        before, lost = daemon.counts(), daemon.drops()["pipeline"]
        other = daemon.settings.model_dump() | {"source": {"uri": str(clip(320, 180))}}
        daemon.apply(Settings.model_validate(other))
        after = daemon.counts()
        assert after.frames_in >= before.frames_in
        assert daemon.drops()["pipeline"] >= lost
        wait_until(lambda: daemon.counts().frames_in > after.frames_in)
