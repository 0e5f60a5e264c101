"""What is said in a recording, beside it, read back by ffprobe."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.config.settings import OutputSettings
from appliance.media.caption import Caption
from appliance.media.frame import Frame
from appliance.outputs import subtitles as module
from appliance.outputs.file import FileOutput
from appliance.outputs.make import make_output
from appliance.outputs.subtitles import SubtitleFile
from tests.outputs.conftest import FORMAT, ffprobe, picture

STEP = 40_000_000
ONE, TWO = Caption("Hello & <welcome>", "en", 1), Caption("你好\n今日は", "zh", 2)


def frame_of(number: int, caption: Caption | None = None) -> Frame:
    return replace(picture(), pts=7 * 10**9 + number * STEP, duration=STEP, caption=caption)


def said(path: Path) -> list[tuple[float, float]]:
    """Beginning and end of each cue, seconds."""
    rows = ffprobe(str(path), "packet=pts_time,duration_time")
    pairs = [(float(row["pts_time"]), float(row["duration_time"])) for row in rows]
    return [(begin, round(begin + lasts, 3)) for begin, lasts in pairs]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_beside_the_recording(tmp_path: Path, suffix: str) -> None:
    output = FileOutput(tmp_path / f"talk{suffix}")
    output.open(FORMAT)
    for number in range(30):
        caption = ONE if 5 <= number < 10 else TWO if 10 <= number < 20 or number >= 25 else None
        output.write(frame_of(number, caption))
    output.close()
    path = tmp_path / "talk.srt"
    assert said(path) == [(0.2, 0.4), (0.4, 0.8), (1.0, 1.2)]
    assert "你好\n今日は" in path.read_text("utf-8")
    assert float(ffprobe(output.uri, "format=duration")[0]["duration"]) == pytest.approx(
        1.2, abs=0.05
    )


def test_nothing_said_no_file_and_none_when_not_wanted(tmp_path: Path) -> None:
    for name, captions, caption in (("a", "srt", None), ("b", "none", ONE)):
        uri = str(tmp_path / f"{name}.mkv")
        output = make_output(OutputSettings(uri=uri, captions=captions))
        output.open(FORMAT)
        for number in range(3):
            output.write(frame_of(number, caption))
        output.close()
    assert list(tmp_path.glob("*.srt")) == []
    assert len(list(tmp_path.glob("*.mkv"))) == 2


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text("of another talk")
    output = FileOutput(tmp_path / "talk.mkv")
    output.open(FORMAT)
    for number in range(3):
        output.write(frame_of(number, ONE))
    output.close()
    assert output.path.name == "talk-2.mkv"
    assert said(tmp_path / "talk-2.srt") == [(0.0, 0.12)]
    assert (tmp_path / "talk.srt").read_text() == "of another talk"


def test_two_recordings_of_one_name(tmp_path: Path) -> None:
    both = [SubtitleFile(tmp_path / f"talk{suffix}") for suffix in (".mp4", ".mkv")]
    for one in both:
        one.note(frame_of(0, ONE))
        one.close()
    assert {path.name for path in tmp_path.iterdir()} == {"talk.srt", "talk.mkv.srt"}


def test_what_is_written_is_whole_at_any_time(tmp_path: Path) -> None:
    one = SubtitleFile(tmp_path / "talk.mp4")
    path = tmp_path / "talk.srt"
    one.note(frame_of(0))
    one.note(frame_of(1, ONE))
    assert said(path) == [(0.04, 2.04)]
    one.note(frame_of(2, Caption("\x00 \n")))
    assert said(path) == [(0.04, 0.08)]
    # The end that is guessed at takes a character more than the one that comes.
    late = 7 * 10**9 + (100 * 3600 - 1) * 10**9
    one.note(replace(frame_of(0, Caption("a")), pts=late))
    assert "\n99:59:59,000 --> 100:00:01,000\na\n\n" in path.read_text()
    one.note(replace(frame_of(0, Caption("b")), pts=late + STEP))
    one.note(replace(frame_of(0), pts=late + 2 * STEP))
    assert path.read_text().split("\n\n")[1:] == [
        "2\n99:59:59,000 --> 99:59:59,040\na", "3\n99:59:59,040 --> 99:59:59,080\nb", "",
    ]  # fmt: skip
    one.close()
    one.close()


def test_a_full_disk_ends_the_captions_not_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    output = FileOutput(tmp_path / "a.mkv")
    output.open(FORMAT)
    output.write(frame_of(0, ONE))
    monkeypatch.setattr(module.os, "pwrite", full)
    with capture_logs() as logs:
        for number in range(1, 9):
            output.write(frame_of(number, ONE if number % 2 else TWO))
        output.close()
    assert [line["why"] for line in logs if "subtitles" in line["event"]] == [
        os.strerror(errno.ENOSPC)
    ]
    assert len(ffprobe(output.uri, "frame=pts_time", "-select_streams", "v")) == 9
    assert len(said(tmp_path / "a.srt")) == 1
