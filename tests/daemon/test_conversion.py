"""A file to a file: once through, every frame, as fast as it goes, and then the end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from appliance.config.settings import Settings


def settings_of(source: dict[str, object], *outputs: str) -> Settings:
    return Settings.model_validate(
        {"source": source, "outputs": tuple({"uri": uri} for uri in outputs)}
    )


@pytest.mark.parametrize(
    ("source", "outputs", "expected"),
    [
        ({"uri": "/a.mkv"}, ["/b.mp4"], (False, "fast")),
        ({"uri": "/a.mkv"}, ["/b.mp4", "/c.mkv"], (False, "fast")),
        ({"uri": "file:///a.mkv"}, ["file:///b.mp4"], (False, "fast")),
        # Somebody watches, or nothing is written.
        ({"uri": "/a.mkv"}, ["/b.mp4", "rtsp://127.0.0.1:8554/live"], (True, "realtime")),
        ({"uri": "/a.mkv"}, ["null://"], (True, "realtime")),
        ({"uri": "auto"}, ["/b.mp4"], (True, "realtime")),
        ({"uri": "v4l2:///dev/video0"}, ["/b.mp4"], (True, "realtime")),
        # What is asked for counts; without an end, not as fast as the disk fills.
        ({"uri": "/a.mkv", "loop": True}, ["/b.mp4"], (True, "realtime")),
        ({"uri": "/a.mkv", "pace": "realtime"}, ["/b.mp4"], (False, "realtime")),
        ({"uri": "/a.mkv", "loop": True, "pace": "fast"}, ["/b.mp4"], (True, "fast")),
        ({"uri": "/a.mkv", "loop": False}, ["null://"], (False, "realtime")),
    ],
)
def test_what_auto_means(
    source: dict[str, object], outputs: list[str], expected: tuple[bool, str]
) -> None:
    used = settings_of(source, *outputs).source_in_use
    assert (used.loop, used.pace) == expected


def probed(path: Path) -> tuple[int, float]:
    """Frames, counted by decoding, and seconds."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-of", "json",
         "-show_entries", "stream=nb_read_frames:format=duration", str(path)],
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    return int(found["streams"][0]["nb_read_frames"]), float(found["format"]["duration"])


def test_a_clip_comes_out_whole_and_the_program_ends(network: Path, tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30",
         "-frames:v", "65", "-pix_fmt", "yuv420p", str(clip)],
        timeout=50, check=True,
    )  # fmt: skip
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump({"matting": {"model": str(network)}, "http": {"enabled": False}})
    )
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "run", "--config", str(config),
         "--source", str(clip), "--output", str(out)],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (frames, seconds), (frames_out, seconds_out) = probed(clip), probed(out)
    assert frames_out == frames == 65
    assert abs(seconds_out - seconds) < 1 / 30
    assert "100% done" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("mode", "expected"), [("between", 59), ("ahead", 60)])
def test_frames_between_are_made_of_every_pair(
    network: Path, tmp_path: Path, mode: str, expected: int
) -> None:
    """With a cut in the middle: there the last composite is shown again, and the rate stays."""
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mkv"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
         "-f", "lavfi", "-i", "mandelbrot=size=320x180:rate=25",
         "-filter_complex", "[0]trim=end_frame=18[a];[1]trim=end_frame=12[b];[a][b]concat=n=2",
         "-pix_fmt", "yuv420p", str(clip)],
        timeout=50, check=True,
    )  # fmt: skip
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "matting": {"model": str(network)}, "http": {"enabled": False},
                "stages": {"interpolate": {"enabled": True, "mode": mode}},
            }
        )
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "run", "--config", str(config),
         "--source", str(clip), "--output", str(out)],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "a stage is left out" not in done.stderr
    assert probed(clip)[0] == 30
    assert probed(out)[0] == expected
    times = [round(1000 * moment) for moment in stamps(out)]
    assert times == [20 * i for i in range(expected)]
    assert "100% done" in done.stdout.splitlines()[-1]


def stamps(path: Path) -> list[float]:
    """Each frame's time, seconds."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "json", "-show_entries",
         "frame=pts_time", str(path)],
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    return [float(frame["pts_time"]) for frame in json.loads(done.stdout)["frames"]]
