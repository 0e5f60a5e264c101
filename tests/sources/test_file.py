"""Files: loops, pace, changes midway, and all sorts of unplayable files."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, InputError
from appliance.media.frame import Colour, Format, Frame, Matrix
from appliance.media.gst import Gst
from appliance.sources.base import Source
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source
from tests.conftest import ClipFactory
from tests.faults.stand_ins import wait_until
from tests.memory import living
from tests.sources.pictures import (
    assert_alike,
    by_ffmpeg,
    fed,
    first_frame,
    on_one_line,
    read_some,
    rgb,
    source_for,
)
from tests.sources.test_formats import ffmpeg

SECOND = 1_000_000_000


def read_to_end(source: Source) -> list[Frame]:
    frames = []
    while True:
        try:
            frame = source.read(10.0)
        except EndOfStream:
            return frames
        assert frame is not None, f"no frame after {len(frames)}"
        frames.append(frame)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".mov"])
def test_every_picture_comes_once_and_in_order(clip: ClipFactory, suffix: str) -> None:
    path = clip(64, 48, frames=25, fps=25, suffix=suffix)
    source = source_for(path, loop=False)
    try:
        assert source.open(None).fps == (25, 1)
        assert not source.live
        frames = read_to_end(source)
    finally:
        source.close()
    assert [frame.serial for frame in frames] == list(range(25))
    steps = np.diff([frame.pts for frame in frames])
    assert np.abs(steps - SECOND // 25).max() < 2_000_000
    assert [frame.discontinuity for frame in frames] == [True] + [False] * 24


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".gif", ".avi"])
def test_a_loop_goes_on_one_frame_later(clip: ClipFactory, suffix: str) -> None:
    gif = {"codec": "gif", "pix_fmt": "rgb8", "matrix": "", "range": ""} if suffix == ".gif" else {}
    path = clip(64, 48, frames=10, fps=20, suffix=suffix, **gif)
    source = source_for(path)
    try:
        source.open(None)
        frames = on_one_line(read_some(source, 35), 20)
    finally:
        source.close()
    steps = np.diff([frame.pts for frame in frames])
    assert np.abs(steps - SECOND // 20).max() < 12_000_000  # a GIF counts in hundredths of a second
    cuts = [frame.serial for frame in frames if frame.discontinuity]
    assert cuts == [0, 10, 20, 30]
    for first, again in zip(frames[:10], frames[20:30], strict=True):
        assert np.array_equal(first.y, again.y)


@pytest.mark.parametrize("loop", [True, False])
def test_a_clip_of_one_picture(clip: ClipFactory, loop: bool) -> None:
    source = source_for(clip(320, 240, frames=1), loop=loop)
    for _ in range(5):
        try:
            source.open(None)
            # The end has come before the first picture is requested.
            time.sleep(0.05)
            if loop:
                assert [frame.serial for frame in read_some(source, 4)] == [0, 1, 2, 3]
            else:
                assert len(read_to_end(source)) == 1
        finally:
            source.close()


def test_a_picture_and_the_end_that_come_in_one_glance(
    clip: ClipFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine both may arrive between the check for a picture and that for the end."""
    source = source_for(clip(320, 240, frames=1), loop=False)
    pull, glances = source._pull, []  # type: ignore[attr-defined]

    def late(nanoseconds: int) -> object:
        glances.append(nanoseconds)
        if len(glances) == 1:
            assert source._ended.wait(10)  # type: ignore[attr-defined]
            return None
        return pull(nanoseconds)

    monkeypatch.setattr(source, "_pull", late)
    try:
        source.open(None)
        assert len(read_to_end(source)) == 1
    finally:
        source.close()


def test_real_time_is_kept_over_loops(clip: ClipFactory) -> None:
    path = clip(320, 240, frames=10, fps=30)
    frames = fed(path, 46)
    took = (frames[-1].captured - frames[0].captured) / SECOND
    # 45 steps of 1/30 s; a hitch at the loop, or a source that did not wait, would show.
    assert 1.45 < took < 2.2
    assert np.abs(np.diff([frame.pts for frame in frames]) / SECOND - 1 / 30).max() < 0.002
    arrivals = np.diff([frame.captured for frame in frames]) / SECOND
    assert np.median(arrivals) == pytest.approx(1 / 30, abs=0.004)
    assert [frame.serial for frame in frames if frame.discontinuity] == [0, 10, 20, 30, 40]


def test_a_frame_that_is_not_due_does_not_hold_up_a_stop(clip: ClipFactory) -> None:
    settings = SourceSettings(uri=str(clip(64, 48, frames=4, fps=1)), pace="realtime")
    feeder = SourceFeeder(make_source(settings), settings)
    feeder.start()
    assert feeder.mailbox.get(10) is not None
    wait_until(lambda: feeder.held_until > time.monotonic_ns())
    begun = time.monotonic()
    assert feeder.stop()
    assert time.monotonic() - begun < 0.8


def test_two_hundred_loops_leak_nothing(clip: ClipFactory) -> None:
    def resources() -> tuple[int, int, int]:
        gc.collect()
        status = Path("/proc/self/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return len(os.listdir("/proc/self/fd")), threading.active_count(), int(resident.split()[1])

    source = source_for(clip(320, 240, frames=5))
    try:
        source.open(None)
        for _ in range(50):
            read_some(source, 5)
        before = resources()
        for _ in range(200):
            read_some(source, 5)
        after = resources()
    finally:
        source.close()
    assert after[0] <= before[0] + 1
    assert after[1] <= before[1]
    assert after[2] - before[2] < 6_000, "kilobytes more resident after 200 loops"


def test_opening_and_closing_leaks_nothing(clip: ClipFactory) -> None:
    path = clip(64, 48, frames=5)
    source = source_for(path)

    def once() -> None:
        source.open(None)
        read_some(source, 2)
        source.close()
        source.close()

    for _ in range(5):
        once()
    gc.collect()
    fds, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    for _ in range(30):
        once()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= fds + 2
    assert len(os.listdir("/proc/self/task")) <= threads + 4


@pytest.mark.parametrize("name", ["with space.mp4", "grün ☂.mp4", "50%20 off#1.mp4", "a?b&c.mp4"])
@pytest.mark.parametrize("how", ["path", "uri", "pasted"])
def test_awkward_names(clip: ClipFactory, tmp_path: Path, name: str, how: str) -> None:
    path = tmp_path / name
    path.symlink_to(clip(64, 48, frames=5))
    text = {"path": str(path), "uri": path.as_uri(), "pasted": f"file://{path}"}[how]
    assert first_frame(text).width == 64


def hostile(folder: Path, kind: str, clip: ClipFactory) -> Path:
    path = folder / "video.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("This is not a video.\n" * 200)
    elif kind == "noise":
        path.write_bytes(np.random.default_rng(1).bytes(100_000))
    elif kind == "cut":
        # This MP4 has its index at the end.
        whole = clip(320, 240, frames=30).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "sound":
        ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", path)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "there is no such file"),
        ("folder", "there is no picture in it"),
        ("fifo", "it is a FIFO"),
        ("empty", r"the file is empty \(0 bytes\)"),
        ("text", "ffprobe"),
        ("noise", "ffprobe"),
        ("cut", "ffprobe"),
        ("sound", "no video"),
    ],
)
def test_what_is_no_video_says_so_soon(
    clip: ClipFactory, tmp_path: Path, kind: str, words: str
) -> None:
    path = hostile(tmp_path, kind, clip)
    # Several times: occasionally decodebin swallows the demuxer's error. The source's own deadline
    # is far off; the stalled read has to be noticed before that.
    source = source_for(path, timeout_s=20)
    for _ in range(5 if kind == "cut" else 1):
        with pytest.raises(InputError, match=words) as caught:
            source.open(None)
        source.close()
        assert "within 20 s" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_unreadable_file(
    clip: ClipFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = hostile(tmp_path, "text", clip)
    source = source_for(path)
    # The tests may run as root, who can read everything.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match=r"may not read it.*chmod"):
        source.open(None)


@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_truncated_file_plays_as_far_as_it_goes(
    clip: ClipFactory, tmp_path: Path, suffix: str, loop: bool
) -> None:
    args = ("-movflags", "+faststart") if suffix == ".mp4" else ()
    whole = clip(320, 240, frames=30, suffix=suffix, args=args).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    source = source_for(path, loop=loop)
    try:
        source.open(None)
        if loop:
            frames = on_one_line(read_some(source, 60), 30)
            assert sum(frame.discontinuity for frame in frames) >= 3
        else:
            frames = read_to_end(source)
            assert 8 <= len(frames) < 30
    finally:
        source.close()
    assert np.diff([frame.pts for frame in frames]).min() > 0


def test_sound_and_subtitles_do_not_stall_the_picture(clip: ClipFactory, tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    path = tmp_path / "all.mkv"
    ffmpeg(
        "-f", "lavfi", "-i", "sine=duration=20", "-i", clip(320, 240, frames=60), "-i", words,
        "-map", "0", "-map", "1", "-map", "2", "-c:v", "copy", "-c:a", "aac", path,
    )  # fmt: skip
    source = source_for(path, loop=False)
    try:
        source.open(None)
        assert len(read_to_end(source)) == 60
    finally:
        source.close()


@pytest.fixture(scope="module")
def changing(clip: ClipFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream whose size, format and colour change midway, and whose clock restarts."""
    parts = [
        clip(320, 240, frames=10, suffix=".ts", source="smptebars", matrix="smpte170m"),
        clip(640, 360, frames=10, suffix=".ts", source="smptebars", pix_fmt="yuv422p", range="pc"),
        clip(241, 181, frames=10, suffix=".ts", source="smptebars", pix_fmt="yuv444p"),
    ]
    path = tmp_path_factory.mktemp("changing") / "changing.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize(
    "want", [None, Format(480, 270, (30, 1), Colour(Matrix.BT709))], ids=["own", "want"]
)
def test_a_stream_that_changes_midway_keeps_its_format(
    changing: Path, clip: ClipFactory, want: Format | None
) -> None:
    source = source_for(changing, loop=False)
    try:
        format = source.open(want)
        frames = read_to_end(source)
    finally:
        source.close()
    assert len(frames) >= 28
    size = {(frame.width, frame.height, frame.colour) for frame in frames}
    assert size == {(format.width, format.height, format.colour)}
    assert np.diff([frame.pts for frame in frames]).min() > 0
    # The middle of each part shows the same bars in the same colours.
    last = clip(241, 181, frames=10, suffix=".ts", source="smptebars", pix_fmt="yuv444p")
    height = format.height
    width = round(240 / 180 * height / 2) * 2
    theirs = by_ffmpeg(last, width, height, filters=f"scale={width}:{height}")
    left = (format.width - width) // 2
    ours = rgb(frames[-1])[:, left : left + width]
    assert_alike(ours[10:-10, 10:-10], theirs[10:-10, 10:-10], typical=3.0, most=20.0)


def test_times_that_jump_neither_stall_nor_go_back(clip: ClipFactory, tmp_path: Path) -> None:
    path = tmp_path / "jumps.mkv"
    # An hour's jump ahead after 10 pictures; the muxer accepts it as is.
    ffmpeg(
        "-i", clip(64, 48, frames=30), "-vf", "setpts=PTS+if(gte(N\\,10)\\,3600/TB\\,0)",
        "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "ultrafast", path,
    )  # fmt: skip
    begun = time.monotonic()
    frames = fed(path, 99, loop=False)
    assert time.monotonic() - begun < 4
    assert len(frames) == 30
    steps = np.diff([frame.pts for frame in frames])
    assert steps.min() > 0
    assert steps.max() < SECOND
    assert [frame.serial for frame in frames if frame.discontinuity] == [0, 10]


def test_frames_outlive_their_source(clip: ClipFactory) -> None:
    source = source_for(clip(320, 240, frames=10, source="smptebars"))
    source.open(None)
    frames = read_some(source, 10)
    source.close()
    del source
    gc.collect()
    assert all(np.array_equal(frames[0].y, frame.y) or frame.serial for frame in frames)
    assert float(np.mean([frame.y.mean() for frame in frames])) > 20


def test_closing_while_the_decoder_waits_is_quick(clip: ClipFactory) -> None:
    source = source_for(clip(320, 240, frames=30))
    source.open(None)
    begun = time.monotonic()
    source.close()
    assert time.monotonic() - begun < 1


def test_reads_a_file_named_by_an_environment_without_a_display(clip: ClipFactory) -> None:
    """No desktop element may be needed: a fresh process with a bare environment."""
    code = (
        "import sys; from tests.sources.pictures import first_frame;"
        "print(first_frame(sys.argv[1]).width)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(clip(64, 48, frames=5))],
        capture_output=True, text=True, timeout=30, check=False,
        env={"PATH": "/usr/bin:/bin"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "64", done.stderr
    assert "CRITICAL" not in done.stderr


def test_a_closed_source_leaves_no_element_behind(clip: ClipFactory) -> None:
    """Not one in Python's hands: a pad's probe that holds its own element keeps it for ever."""

    def held() -> list[str]:
        return [type(thing).__name__ for thing in living(Gst.Element)]

    source = source_for(clip())
    source.open(None)
    source.close()
    before = held()
    for _ in range(3):
        source.open(None)
        source.close()
    assert len(held()) <= len(before), (before, held())
