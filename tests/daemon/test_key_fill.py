"""Outputs that show key, fill or green: of the same frame, with the same times, never the room."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appliance.config.settings import Companion, OutputSettings, Settings
from appliance.daemon.daemon import Daemon
from appliance.daemon.programme import Programme
from appliance.media.frame import Format, Frame
from appliance.media.mailbox import Mailbox
from appliance.stages.key_fill.cpu import KeyFillSteps
from tests import daemons
from tests.daemon.test_apply import but
from tests.daemon.test_conversion import stamps
from tests.daemons import running
from tests.scenes import FULL, STAGE, flat, room_clip, room_share

KEY, FILL, GREEN = Companion("key"), Companion("fill"), Companion("green", "#00ff00")
FORMAT = Format(64, 36, (30, 1), FULL)
SECOND = 10**9


def programme(*shows: Companion | None) -> tuple[Programme, list[Mailbox[Frame]]]:
    boxes: list[Mailbox[Frame]] = [Mailbox() for _ in shows]
    made = Programme(FORMAT, boxes, lambda: flat(64, 36, 30), stall_s=0.2, reason=str, shows=shows)
    return made, boxes


def taken(boxes: list[Mailbox[Frame]]) -> list[Frame | None]:
    return [box.get(0) for box in boxes]


def test_each_output_gets_its_kind_with_one_time() -> None:
    made, boxes = programme(None, KEY, FILL, KEY)
    now = time.monotonic_ns()
    frame = Frame(*(flat(64, 36, STAGE).y, flat(64, 36, 1).uv), FULL, now, 5, 7, duration=99)
    made.publish(frame, 0, {KEY: flat(64, 36, 1), FILL: flat(64, 36, 2)})
    found = taken(boxes)
    assert [one and int(one.y[0, 0]) for one in found] == [STAGE, 1, 2, 1]
    times = {(f.pts, f.captured, f.serial, f.duration) for f in found if f}
    assert times == {(now, 5, 7, 99)}
    # Sent again, it is the same frame's, at the same new time.
    made._look(now + 2 * SECOND, 0.1)
    made.fail("gone")
    assert len({frame.pts for frame in taken(boxes) if frame}) == 1


def test_a_composite_that_stands_is_sent_again_with_its_key() -> None:
    made, boxes = programme(None, KEY)
    now = time.monotonic_ns()
    frame = flat(64, 36, STAGE)
    made.publish(
        Frame(frame.y, frame.uv, FULL, now, duration=10 * SECOND), 0, {KEY: flat(64, 36, 9)}
    )
    taken(boxes)
    made._look(now + 2 * SECOND, 0.1)
    picture, key = taken(boxes)
    assert picture is not None
    assert key is not None
    assert (int(picture.y[0, 0]), int(key.y[0, 0])) == (STAGE, 9)
    assert picture.pts == key.pts > now


def test_what_was_not_made_is_not_sent() -> None:
    """Neither the composite in its place, nor the key of another frame."""
    made, boxes = programme(None, KEY)
    made.publish(flat(64, 36, STAGE), 0, {KEY: flat(64, 36, 9)})
    taken(boxes)
    made.publish(flat(64, 36, STAGE))
    picture, key = taken(boxes)
    assert picture is not None
    assert key is None


def test_beside_the_placeholder_nobody_is_keyed() -> None:
    made, boxes = programme(None, KEY, FILL, GREEN)
    made.publish(flat(64, 36, STAGE), 0, {kind: flat(64, 36, 99) for kind in (KEY, FILL, GREEN)})
    taken(boxes)
    made.fail("the network gave NaN")
    picture, key, fill, green = taken(boxes)
    assert picture is not None
    assert int(picture.y[0, 0]) == 30, "the placeholder"
    for frame, luma in ((key, 0), (fill, 0), (green, 150)):
        assert frame is not None
        assert (frame.y == luma).all()
        assert frame.pts == picture.pts
    assert key is not None
    assert (key.uv == 128).all()


@dataclass
class Kept:
    """An output that keeps what it is given: pts, mean luma, brightest luma, and room's share."""

    uri: str
    dropped: int = 0
    seen: list[tuple[int, float, int, float]] = field(default_factory=list)

    def open(self, format: Format) -> None:
        pass

    def write(self, frame: Frame) -> None:
        found = (frame.pts, float(frame.y.mean()), int(frame.y.max()), room_share(frame.uv))
        self.seen.append(found)

    def close(self) -> None:
        pass

    def clients(self) -> int:
        return 0

    def wait(self, what: Callable[[list[tuple[int, float, int, float]]], bool]) -> None:
        deadline, ready = time.monotonic() + 20, threading.Event()
        while not what(self.seen):
            assert time.monotonic() < deadline, self.seen[-5:]
            ready.wait(0.02)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Kept]:
    """Outputs by the stem of their file's name."""
    found: dict[str, Kept] = {}

    def make(wanted: OutputSettings) -> Any:
        return found.setdefault(Path(wanted.uri).stem, Kept(wanted.uri))

    monkeypatch.setattr(daemons, "make_output", make)
    return found


def outputs(folder: Path, **what: str) -> list[dict[str, Any]]:
    """One ``null://`` output, which ``running`` records, and one of each name."""
    return [
        {"uri": "null://recorder"},
        *({"uri": str(folder / f"{name}.mkv"), "what": shows} for name, shows in what.items()),
    ]


def test_nothing_but_the_person_goes_out_and_each_is_made_once(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path,
    kept: dict[str, Kept],
) -> None:  # fmt: skip
    """Five outputs, three kinds; then the network breaks, and mends."""
    drawn: list[list[Companion]] = []
    draw = KeyFillSteps.draw

    def counted(steps: KeyFillSteps, work: Any) -> None:
        drawn.append(list(work.companions))
        draw(steps, work)

    monkeypatch.setattr(KeyFillSteps, "draw", counted)
    what = {"key": "key", "fill": "fill", "key2": "key", "key3": "key", "green": "green"}
    settings = {
        "source": {"uri": str(room)}, "matting": {"stall_s": 0.3},
        "outputs": outputs(tmp_path, **what),
    }  # fmt: skip
    with running(monkeypatch, network, **settings) as (daemon, recorder, matting):
        recorder.wait_for("composite", 8)
        assert {tuple(kinds) for kinds in drawn} == {(KEY, FILL, GREEN)}
        assert len(drawn) <= daemon.worker.processed + 1
        for name in what:
            kept[name].wait(lambda seen: any(most > 200 for _, _, most, _ in seen))
        matting.break_it("nan")
        recorder.wait_for("slate", 3)
        broken_at = {name: len(kept[name].seen) for name in what}
        recorder.wait_for("slate", 5)
        for name in what:
            kept[name].wait(lambda seen, name=name: len(seen) > broken_at[name] + 2)
            most = 150 if name == "green" else 0
            assert {luma for _, _, luma, _ in kept[name].seen[broken_at[name] :]} == {most}
        matting.mend()
        recorder.wait_for("composite", 5)
    for name in what:
        seen = kept[name].seen
        assert max(share for *_, share in seen) <= 0.002, "the room's red got out"
        times = [pts for pts, *_ in seen]
        assert times == sorted(set(times))
    # Each took frames of the same times, and what was of one time belongs together.
    keys, fills = ({pts: rest for pts, *rest in kept[name].seen} for name in ("key", "fill"))
    both = keys.keys() & fills.keys()
    assert len(both & {seen.pts for seen in recorder.seen}) > 8
    for pts in both:
        assert (keys[pts][1] > 200) == (fills[pts][1] > 200)


def test_what_an_output_shows_changes_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path,
    kept: dict[str, Kept],
) -> None:  # fmt: skip
    """It begins anew, the others stay; canvases come and go with the kinds."""
    settings = {"source": {"uri": str(room)}, "outputs": outputs(tmp_path, one="picture")}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        assert daemon.worker._companions is None
        others, one = daemon.outputs[0], kept["one"]
        # The person is a fourteenth of the picture: its mean is what is behind, or black.
        for shows, mean in (("key", 18), ("green", 155), ("fill", 17), ("picture", 127)):
            daemon.apply(but(daemon, outputs=outputs(tmp_path, one=shows)))
            assert daemon.outputs[0] is others
            one.wait(lambda seen, mean=mean: abs(seen[-1][1] - mean) < 5)
        assert daemon.worker._companions is None
        assert not daemon.pipeline.settings.needs_layer


def converted(settings: Settings) -> None:
    """Once through the source, as ``mattebox run`` does it."""
    daemon, moment = Daemon(settings), threading.Event()
    daemon.start()
    try:
        deadline = time.monotonic() + 30
        while daemon.ended() is None:
            assert time.monotonic() < deadline
            moment.wait(0.02)
        daemon.finish(lambda seconds: not moment.wait(seconds))
    finally:
        assert daemon.stop()
    assert daemon.failures() == {}


@pytest.mark.parametrize(
    ("what", "mode", "between"),
    [
        ("fill", "premultiplied", False),
        ("fill", "premultiplied", True),
        pytest.param("fill-straight", "straight", False, marks=pytest.mark.soak),
    ],
)
def test_recordings_are_composited_by_others_as_by_us(
    network: Path, tmp_path: Path, what: str, mode: str, between: bool
) -> None:
    """ffmpeg lays fill and key over the colour that we put behind: our picture comes of it."""
    clip = room_clip(tmp_path / "clip.mp4", frames=12)
    shows = {"picture": "picture", "key": "key", "fill": what}
    settings = {
        "matting": {"model": str(network)}, "source": {"uri": str(clip)},
        "background": {"uri": "colour:#b05020"},
        "stages": {"interpolate": {"enabled": between}},
        "outputs": [
            {"uri": str(tmp_path / f"{name}.mkv"), "what": what, "bitrate_kbps": 20000}
            for name, what in shows.items()
        ],
    }  # fmt: skip
    converted(Settings.model_validate(settings))
    times = stamps(tmp_path / "picture.mkv")
    assert len(times) == (23 if between else 12)
    assert stamps(tmp_path / "key.mkv") == stamps(tmp_path / "fill.mkv") == times
    # Counted, as a container's milliseconds would have frames miss each other.
    line = "settb=1/30,setpts=N,format=gbrp"
    compared = subprocess.run(
        ["ffmpeg", "-v", "info", "-nostdin",
         *(word for name in shows for word in ("-i", str(tmp_path / f"{name}.mkv"))),
         "-filter_complex",
         f"[0]{line}[w];[2]{line}[f];[1]{line},format=gray[k];[f][k]alphamerge[p];"
         f"color=#b05020:s=320x180:r=30,{line}[b];"
         f"[b][p]overlay=alpha={mode}:format=rgb:shortest=1,format=gbrp[o];"
         "[o][w]psnr=shortest=1", "-f", "null", "-"],
        capture_output=True, text=True, timeout=50, check=True,
    ).stderr  # fmt: skip
    found = float(compared.split("average:")[1].split()[0])
    assert found > 38, f"{found} dB"
