"""AudioBlock from a file into recordings: at its own time, whatever form it has."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RATE = 48_000
FLASH_S = 1.0


def clip(path: Path, *sound: str, seconds: int = 4, rate: int = 30) -> Path:
    """A bright disc on a dark wall that flashes each second, for two frames; and some sound."""
    disc = "if(lt(hypot(X-160,Y-90),50),if(lt(mod(T+0.001,1),0.0666),235,150),40)"
    picture = f"color=s=320x180:r={rate}:d={seconds},format=yuv420p,geq=lum='{disc}':cb=128:cr=128"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, *sound]
    subprocess.run([*command, "-c:v", "libx264", "-g", "30", str(path)], timeout=600, check=True)
    return path


def beeps(seconds: float = 4, channels: str = "") -> list[str]:
    """A tone that begins with each flash."""
    tone = "if(lt(mod(t+0.00001,1),0.0666),0.8*sin(2*PI*1000*t),0)"
    made = f"aevalsrc='{tone}':s=48000:d={seconds}"
    return ["-f", "lavfi", "-i", made if not channels else f"{made},{channels}"]


def convert(network: Path, source: Path, out: Path, *more: str, timeout: float = 50) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "run", "--source", str(source), "--output",
         str(out), "--background", "colour:#404040", "--set", "http.enabled=false", "--set",
         f"matting.model={network}", "--set", "matting.threads=1", *more],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def heard(path: Path) -> np.ndarray:
    """The sound from the file's beginning on, one channel, -1..1."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-copyts", "-i", str(path), "-map", "0:a", "-ac", "1", "-ar",
         str(RATE), "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-"],
        capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    return np.frombuffer(done.stdout, np.float32)


def starts(loud: np.ndarray, quiet: int) -> list[int]:
    """Where something is loud after at least ``quiet`` that are not."""
    at = np.flatnonzero(loud)
    return [int(at[k]) for k in range(len(at)) if k == 0 or at[k] - at[k - 1] > quiet]


def skews(path: Path) -> list[float]:
    """How long after each flash its beep begins, milliseconds."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-vf", "crop=40:40:140:70,scale=1:1:flags=area",
         "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-"],
        capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    light = np.frombuffer(done.stdout, np.uint8)
    times = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time",
         "-of", "csv=p=0", str(path)],
        capture_output=True, text=True, timeout=300, check=True,
    ).stdout.split()  # fmt: skip
    flashes = [float(times[k].strip(",")) for k in starts(light > 200, 5)]
    tones = [k / RATE for k in starts(np.abs(heard(path)) > 0.2, RATE // 10)]
    assert len(flashes) >= 3
    # The first may lie in the fade at the beginning.
    found = (min((t - flash for t in tones), key=abs) for flash in flashes if flash > 0.5)
    return [1000 * one for one in found]


@pytest.mark.parametrize(("suffix", "bound"), [(".mkv", 5.0), (".mp4", 10.0)])
def test_flash_and_beep(network: Path, tmp_path: Path, suffix: str, bound: float) -> None:
    source = clip(tmp_path / "in.mp4", *beeps(), "-c:a", "aac", "-b:a", "160k")
    out = tmp_path / f"out{suffix}"
    convert(network, source, out)
    assert max(map(abs, skews(out))) <= bound
    assert abs(len(heard(out)) / RATE - 4.0) < 0.05


def test_no_sound_is_true_silence(network: Path, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", seconds=2)
    convert(network, source, tmp_path / "out.mkv")
    sound = heard(tmp_path / "out.mkv")
    assert abs(len(sound) / RATE - 2.0) < 0.05
    assert not sound.any()


def test_it_can_be_left_out(network: Path, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", *beeps(2), "-c:a", "pcm_s16le", seconds=2)
    convert(network, source, tmp_path / "out.mkv", "--set", "source.sound=none")
    assert not heard(tmp_path / "out.mkv").any()
    convert(network, source, tmp_path / "mute.mkv", "--set", "outputs.0.sound=none")
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0",
         str(tmp_path / "mute.mkv")],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["video"]


def test_a_file_in_a_loop_stays_in_time(network: Path, tmp_path: Path) -> None:
    """Its sound begins anew with its pictures, round after round, also played at its own speed."""
    source = clip(tmp_path / "in.mp4", *beeps(2), "-c:a", "aac", seconds=2)
    out = tmp_path / "out.mkv"
    command = [
        sys.executable, "-m", "appliance.cli", "run", "--source", str(source), "--output", str(out),
        "--background", "colour:#404040", "--set", "http.enabled=false", "--set",
        f"matting.model={network}", "--set", "matting.threads=1", "--set", "source.loop=true",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "composites go out" not in process.stderr.readline():
            assert process.poll() is None
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.terminate()
        assert process.wait(10) == 0
    assert len(skews(out)) >= 3
    assert max(map(abs, skews(out))) <= 15


def test_sound_does_not_run_ahead_of_the_pictures(network: Path, tmp_path: Path) -> None:
    """Minutes of small pictures fit into a decoder's queues, and their sound must wait for them."""
    source = clip(
        tmp_path / "in.mkv", *beeps(45), "-c:a", "pcm_s16le", "-preset", "ultrafast", seconds=45,
        rate=10,
    )  # fmt: skip
    out = tmp_path / "out.mkv"
    convert(network, source, out)
    found = skews(out)
    assert len(found) == 44
    assert max(map(abs, found)) <= 5
