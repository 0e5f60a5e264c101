"""Picture and sound stay together: for an hour of frames, live, and after all changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.daemon.test_sound import beeps, clip, convert, skews
from tests.http.serving import Served, serving, settings_of

pytestmark = pytest.mark.soak

FRAME_MS = 1000 / 30


def listen(uri: str, path: Path, seconds: float) -> Path:
    """What a real client gets, as it came."""
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", "-rtsp_transport", "tcp", "-i", uri, "-t",
         str(seconds), "-c", "copy", str(path)],
        timeout=seconds + 60, check=True,
    )  # fmt: skip
    return path


def uri_of(served: Served) -> str:
    return served.daemon.outputs[0].status().uri


@pytest.mark.timeout(1200)
def test_an_hour_does_not_drift(network: Path, tmp_path: Path) -> None:
    source = clip(
        tmp_path / "in.mkv", *beeps(3600), "-c:a", "pcm_s16le", "-preset", "ultrafast",
        seconds=3600, rate=10,
    )  # fmt: skip
    out = tmp_path / "out.mkv"
    convert(network, source, out, timeout=900)
    found = np.array(skews(out))
    print(f"{len(found)} flashes, skew {found.min():.2f} to {found.max():.2f} ms")
    assert len(found) > 3500
    assert np.abs(found).max() <= 5
    assert abs(np.median(found[-60:]) - np.median(found[:60])) < 0.1


@pytest.mark.timeout(1200)
def test_ten_minutes_live(network: Path, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", *beeps(60), "-c:a", "pcm_s16le", seconds=60)
    data = settings_of(source, network, tmp_path)
    # Every picture of the source: a flash must not lose its first one.
    data |= {"canvas": {"fps": 30}, "outputs": [{"uri": "rtsp://127.0.0.1:0/live"}]}
    with serving(tmp_path, data) as served:
        found = np.array(skews(listen(uri_of(served), tmp_path / "out.mkv", 600)))
    print(f"{len(found)} flashes, skew {found.min():.2f} to {found.max():.2f} ms")
    assert len(found) > 550
    assert np.median(np.abs(found)) <= 5
    assert abs(np.median(found[-60:]) - np.median(found[:60])) < 1


@pytest.mark.timeout(1200)
def test_fifty_readers_and_a_hundred_reloads_later(network: Path, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", *beeps(60), "-c:a", "pcm_s16le", seconds=60)
    data = settings_of(source, network, tmp_path)
    # Every picture of the source: a flash must not lose its first one.
    data |= {"canvas": {"fps": 30}, "outputs": [{"uri": "rtsp://127.0.0.1:0/live"}]}
    with serving(tmp_path, data) as served:
        before = np.array(skews(listen(uri_of(served), tmp_path / "before.mkv", 15)))
        for number in range(50):
            listen(uri_of(served), tmp_path / "short.mkv", 0.5)
            for half in (0, 1):
                colour = f"colour:#{40 + number:02x}40{40 + 40 * half:02x}"
                assert served.change(background=colour).status_code == 200
        after = np.array(skews(listen(uri_of(served), tmp_path / "after.mkv", 15)))
    print(f"before {np.median(before):.2f} ms, after {np.median(after):.2f} ms")
    assert np.abs(after).max() <= FRAME_MS
    assert abs(np.median(after)) <= 5
    assert abs(np.median(after) - np.median(before)) <= 5
