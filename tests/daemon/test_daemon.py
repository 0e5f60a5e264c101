"""The whole path with real parts: a clip in, ffprobe and ffmpeg at the RTSP end, files, signals."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from appliance.cli.main import main
from tests.daemons import running
from tests.patience import promised
from tests.scenes import PERSON, STAGE, room_share

STAGE_URI = f"colour:#{STAGE:02x}{STAGE:02x}{STAGE:02x}"


def decode(uri: str, frames: int, width: int, height: int, *extra: str) -> np.ndarray:
    """Frames as ffmpeg decodes them: NV12, uint8 (frames, 1.5*height, width), full range."""
    command = ["ffmpeg", "-nostdin", "-v", "error", *extra, "-i", uri, "-frames:v", str(frames)]
    command += ["-vf", "scale=out_range=pc:out_color_matrix=smpte170m", "-pix_fmt", "nv12"]
    done = subprocess.run(
        [*command, "-f", "rawvideo", "-"], capture_output=True, timeout=40, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    data = np.frombuffer(done.stdout, np.uint8)
    return data.reshape(-1, height * 3 // 2, width)


def assert_composite(picture: np.ndarray, height: int = 180) -> None:
    """A person over the stage, and nothing of the room."""
    y, uv = picture[:height], picture[height:].reshape(height // 2, -1, 2)
    assert abs(int(y[4, 4]) - STAGE) <= 4
    assert abs(float(y[height // 2].max()) - PERSON) <= 8
    assert room_share(uv) <= 0.005


def test_rtsp_is_the_composite_for_two_clients(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    settings = {
        "source": {"uri": str(room)},
        "outputs": [{"uri": "rtsp://127.0.0.1:0/live"}, {"uri": "null://recorder"}],
    }
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        uri = daemon.addresses()[0]
        assert re.fullmatch(r"rtsp://127\.0\.0\.1:[1-9]\d*/live", uri)
        probe = subprocess.Popen(
            ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-select_streams", "v",
             "-show_entries", "frame=pts_time:stream=codec_name,width,height",
             "-read_intervals", "%+2", "-of", "json", uri],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            for picture in decode(uri, 20, 320, 180, "-rtsp_transport", "tcp"):
                assert_composite(picture)
            out, err = probe.communicate(timeout=40)
        finally:
            probe.kill()
            probe.communicate()
        assert probe.returncode == 0, err
        report = json.loads(out)
        stream = report["streams"][0]
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 320, 180)
        times = [float(f["pts_time"]) for f in report["frames"] if "pts_time" in f]
        assert len(times) > 20
        assert all(a < b for a, b in pairwise(times))


def test_one_failing_output_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    settings = {
        "source": {"uri": str(room)},
        "outputs": [{"uri": str(gone / "out.mp4")}, {"uri": "null://recorder"}],
    }
    gone.rmdir()
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 5)
        first, second = daemon.statuses()
        assert first.state in ("failed", "retrying")
        assert second.state == "running"
        assert daemon.ended() is None


def command(*arguments: str) -> list[str]:
    """The installed program's command line."""
    return [sys.executable, "-m", "appliance.cli", *arguments]


@pytest.fixture
def config(network: Path, room: Path, tmp_path: Path) -> Path:
    """A configuration file over the clip."""
    path = tmp_path / "config.yaml"
    data = {
        "source": {"uri": str(room)},
        "background": {"uri": STAGE_URI},
        "matting": {"model": str(network)},
        "outputs": [{"uri": "null://"}],
    }
    path.write_text(yaml.safe_dump(data))
    return path


def test_a_file_as_fast_as_possible_loses_no_frame(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = subprocess.run(
        command(
            "run", "--config", str(config), "--output", str(out),
            "--set", "source.pace=fast", "--set", "source.loop=false",
        ),
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pictures = decode(str(out), 1000, 320, 180)
    assert len(pictures) == 60
    for picture in pictures:
        assert_composite(picture)


@pytest.mark.parametrize(("flag", "value"), [("--frames", "10"), ("--duration", "1")])
def test_ends_when_told(
    config: Path, flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--config", str(config), flag, value]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("null://")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_within_five_seconds(config: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        command("run", "--config", str(config), "--output", "rtsp://127.0.0.1:0/live"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 40)
        assert ready, "no address was printed"
        assert process.stdout.readline().startswith("rtsp://127.0.0.1:")
        process.send_signal(number)
        asked = time.monotonic()
        _, err = process.communicate(timeout=20)
        assert time.monotonic() - asked < promised(5)
        assert process.returncode == 0, err
    finally:
        process.kill()
        process.wait(10)


def test_a_source_that_can_never_work_is_the_users_input(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    assert main(["run", "--config", str(config), "--source", str(broken)]) == 2
    said = capsys.readouterr().err
    assert "broken.mp4" in said
    assert "Traceback" not in said


def test_snapshot_writes_three_pictures_and_the_sheet(config: Path, tmp_path: Path) -> None:
    import cv2

    out = tmp_path / "shot.png"
    assert main(["snapshot", "--config", str(config), "--out", str(out), "--frames", "5"]) == 0
    assert cv2.imread(str(out)).shape == (180, 960, 3)
    matte = cv2.imread(str(tmp_path / "shot-matte.png"))
    composite = cv2.imread(str(tmp_path / "shot-composite.png"))
    assert (tmp_path / "shot-input.png").is_file()
    assert matte.max() == 255
    assert matte[4, 4].max() == 0
    assert np.abs(composite[4, 4].astype(int) - STAGE).max() <= 3


def test_memory_and_descriptors_stay_flat(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    """Start and stop the whole daemon again and again."""

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    settings = {"source": {"uri": str(room)}}
    counts = []
    for _ in range(6):
        with running(monkeypatch, network, **settings) as (_, recorder, _):
            recorder.wait_for("composite", 2)
        counts.append(descriptors())
    assert counts[-1] <= counts[1] + 1, counts
