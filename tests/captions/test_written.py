"""WebVTT and SubRip: their own form, and what others read in it (ffmpeg)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.captions.cue import TimedCue, clock_of
from appliance.captions.srt import srt
from appliance.captions.track import OPEN_NS, CaptionTrack
from appliance.captions.webvtt import webvtt
from appliance.media.caption import Caption

S = 1_000_000_000
CUES = [
    TimedCue(0, 1_500_000_000, "Hello & <b>welcome</b>", 1),
    TimedCue(2 * S, 3 * S, "00:00:01.000 --> 00:00:02.000\n\nWEBVTT", 2),
    TimedCue(3 * S, 3 * S, "\x00\ud800 \n", 3),
    TimedCue(4 * S, 4 * S, "你好，世界 🙂\r\nمرحبا\nNOTE שלום", 4),
    TimedCue(3600 * S, 3601 * S + 499_999, "{\\an8}1\n2", 5),
]


@pytest.mark.parametrize(
    ("ns", "want"),
    [
        (0, "00:00:00.000"), (-5, "00:00:00.000"), (1_499_999, "00:00:00.001"),
        (1_500_000, "00:00:00.002"), (59_999_600_000, "00:01:00.000"),
        (100 * 3600 * S + 61 * S, "100:01:01.000"),
    ],
)  # fmt: skip
def test_times(ns: int, want: str) -> None:
    assert clock_of(ns, ".") == want


def test_webvtt_form() -> None:
    text = webvtt(CUES)
    assert text.startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.500\nHello &amp; &lt;b&gt;wel")
    blocks = text.strip().split("\n\n")
    assert len(blocks) == 5, "the header, and each that has something to show"
    for block in blocks[1:]:
        assert block.count("-->") == 1
        assert re.match(r"\d\n[\d:.]{12} --> [\d:.]{12}\n", block)
    assert webvtt([]) == "WEBVTT\n\n"


def test_srt_form() -> None:
    blocks = srt(CUES).strip().split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == ["1", "2", "3", "4"]
    assert blocks[0].split("\n")[1] == "00:00:00,000 --> 00:00:01,500"
    assert all(block.count("-->") == 1 for block in blocks)
    assert srt([]) == ""


@pytest.mark.parametrize("write", [webvtt, srt])
def test_ffmpeg_reads_them(tmp_path: Path, write: object) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed (make test installs it)")
    suffix = "vtt" if write is webvtt else "srt"
    path = tmp_path / f"a.{suffix}"
    path.write_text(write(CUES), encoding="utf-8")  # type: ignore[operator]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "webvtt", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert done.stderr == b""
    found = re.findall(r"([\d:.]+) --> ([\d:.]+)\n((?:.+\n)+)", done.stdout.decode())
    assert [(begin, end) for begin, end, _ in found] == [
        ("00:00.000", "00:01.500"), ("00:02.000", "00:03.000"), ("00:04.000", "00:04.001"),
        ("01:00:00.000", "01:00:01.000"),
    ]  # fmt: skip
    assert "你好，世界 🙂\nمرحبا\nNOTE שלום" in found[2][2]
    assert "welcome" in found[0][2]


def test_a_live_track() -> None:
    track = CaptionTrack(most=3)
    one, two = Caption("one", "en", 7), Caption("two", "en", 8)
    for at in range(3):
        track.show(one, at * S)
    assert [(c.begin_ns, c.end_ns, c.number) for c in track.since()] == [(0, OPEN_NS, 1)]
    track.show(None, 3 * S)
    track.show(None, 4 * S)
    track.show(two, 5 * S)
    track.show(Caption("two", "en", 9), 6 * S)
    found = [(c.begin_ns, c.end_ns, c.text) for c in track.since(1)]
    assert found == [(5 * S, 6 * S, "two"), (6 * S, 6 * S + OPEN_NS, "two")]
    track.show(one, 7 * S)
    assert [cue.number for cue in track.since()] == [2, 3, 4], "the oldest is forgotten"
    assert track.newest == 4
    assert track.since(4) == []
    assert (
        track.webvtt(3)
        == f"WEBVTT\n\n4\n00:00:07.000 --> {clock_of(7 * S + OPEN_NS, '.')}\none\n\n"
    )
