"""Recordings, read back with ffprobe and ffmpeg."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InputError, OutputError
from appliance.media.frame import Colour
from appliance.outputs.file import FileOutput
from tests.outputs.conftest import COLOURS, FORMAT, ffmpeg_frames, ffprobe, picture, psnr

PERIOD = 33_333_333


def record(path: Path, serials: range | list[int], colour: Colour | None = None) -> FileOutput:
    """A finished recording of the frames numbered ``serials``."""
    format = replace(FORMAT, colour=colour or FORMAT.colour)
    frame = picture(format)
    output = FileOutput(path)
    output.open(format)
    for serial in serials:
        output.write(replace(frame, pts=5 * 10**9 + serial * PERIOD))
    output.close()
    return output


def times(path: Path) -> list[float]:
    """Presentation times in seconds."""
    return [
        float(row["pts_time"])
        for row in ffprobe(str(path), "frame=pts_time", "-select_streams", "v")
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_follow_the_source_with_its_gaps(tmp_path: Path, suffix: str) -> None:
    serials = [*range(10), *range(14, 40)]
    output = record(tmp_path / f"a{suffix}", serials)
    expected = np.array(serials) * PERIOD / 1e9
    assert np.allclose(times(output.path), expected, atol=0.0011)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_long_gaps_stay_and_the_last_picture_lasts(tmp_path: Path, suffix: str) -> None:
    """A source that was away for a minute, and a last picture that is to be shown for 4 s."""
    output = FileOutput(tmp_path / f"a{suffix}")
    output.open(FORMAT)
    for second in (0, 1, 61, 62):
        output.write(replace(picture(), pts=second * 10**9, duration=4 * 10**9))
    output.close()
    assert times(output.path)[:4] == pytest.approx([0, 1, 61, 62], abs=0.0011)
    length = float(ffprobe(output.uri, "format=duration")[0]["duration"])
    assert length == pytest.approx(66, abs=0.01)


def test_a_recording_that_ends_early_does_not_last_beyond_now(tmp_path: Path) -> None:
    output = FileOutput(tmp_path / "a.mkv")
    output.open(FORMAT)
    now = time.monotonic_ns()
    for before in (3 * 10**9, 10**9):
        output.write(replace(picture(), pts=now - before, duration=60 * 10**9))
    output.close()
    length = float(ffprobe(output.uri, "format=duration")[0]["duration"])
    assert 2.9 < length < 6


@pytest.mark.parametrize("colour", COLOURS)
def test_picture_and_colours_come_back(tmp_path: Path, colour: Colour) -> None:
    output = record(tmp_path / "a.mp4", range(10), colour)
    stream = ffprobe(output.uri, "stream=color_range,color_space,nb_frames")[0]
    assert stream["color_range"] == {"limited": "tv", "full": "pc"}[colour.range.value]
    assert stream["color_space"] == {"bt601": "smpte170m", "bt709": "bt709"}[colour.matrix.value]
    assert stream["nb_frames"] == "10"
    format = replace(FORMAT, colour=colour)
    frames = ffmpeg_frames(output.uri, format, 10)
    assert psnr(picture(format), frames[-1]) > 35


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_killed_recording_plays_up_to_the_last_second(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    code = f"""
import os, signal
from dataclasses import replace
from pathlib import Path
from appliance.outputs.file import FileOutput
from tests.outputs.conftest import FORMAT, picture
output = FileOutput(Path({str(path)!r}))
output.open(FORMAT)
for serial in range(150):
    output.write(replace(picture(), pts=serial * {PERIOD}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    seen = times(path)
    assert seen[-1] > 2.5
    assert np.allclose(np.diff(seen), PERIOD / 1e9, atol=0.0011)


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    wanted = tmp_path / "talk.mp4"
    wanted.write_bytes(b"precious")
    first, second = record(wanted, range(3)), record(wanted, range(3))
    assert [first.path.name, second.path.name] == ["talk-2.mp4", "talk-3.mp4"]
    assert second.uri.endswith("talk-3.mp4")
    assert wanted.read_bytes() == b"precious"


def test_a_recording_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    output = FileOutput(tmp_path / "a.mp4")
    output.open(FORMAT)
    output.close()
    output.close()
    assert list(tmp_path.iterdir()) == []


def test_recordings_one_after_the_other_leave_nothing_open(tmp_path: Path) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    record(tmp_path / "a.mkv", range(3))
    before = descriptors()
    for _ in range(4):
        record(tmp_path / "a.mkv", range(3))
    assert descriptors() <= before


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"No such file or directory.*see ls -ld"):
        FileOutput(tmp_path / "none" / "a.mp4").open(FORMAT)


def test_a_folder_that_may_not_be_written_to_is_told() -> None:
    with pytest.raises(OutputError, match="cannot be created"):
        FileOutput(Path("/proc/a.mp4")).open(FORMAT)


def test_another_suffix_is_refused() -> None:
    with pytest.raises(InputError, match=r"ends in \.avi; expected \.mp4 or \.mkv"):
        FileOutput(Path("a.avi"))


def test_a_full_disk_is_an_error_and_what_was_written_plays(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    # A file size limit stands in for a full disk: the same call fails.
    code = f"""
import resource, signal
from dataclasses import replace
from pathlib import Path
import numpy as np
from appliance.errors import OutputError
from appliance.outputs.file import FileOutput
from tests.outputs.conftest import FORMAT, picture
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
output = FileOutput(Path({str(path)!r}))
output.open(FORMAT)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
frame, rng = picture(), np.random.default_rng(0)
try:
    for serial in range(3000):
        frame.y[:] = rng.integers(16, 235, frame.y.shape, dtype=np.uint8)
        output.write(replace(frame, pts=serial * {PERIOD}))
except OutputError as error:
    print("told:", error)
output.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "told:" in done.stdout
    assert str(path) in done.stdout
    assert os.path.getsize(path) <= 400_000
    assert len(times(path)) > 20
