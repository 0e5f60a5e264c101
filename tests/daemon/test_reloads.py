"""Reload after reload of the real program, with a real client that checks every frame.

The default run makes each kind of change once; the soak makes 200 at random, and counts.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from appliance.config.settings import Settings, StagesSettings
from appliance.service import control_client
from tests.networks.bright import bright_network
from tests.reads_rtsp import Client, Got
from tests.scenes import room_clip

GREYS = (120, 150, 180, 205)
PERIOD_NS = 1e9 / 30
MOST_ROOM = 0.002
"""Share of a frame: the disc's soft rim may hold some of the room's red."""
OUTCOME_S = 30.0


def grey(luma: int) -> str:
    """A plain grey background."""
    return f"colour:#{luma:02x}{luma:02x}{luma:02x}"


@dataclass
class Box:
    """The program, its file, the file's content, and the values that may be put there."""

    path: Path
    socket: Path
    process: subprocess.Popen[str]
    client: Client
    data: dict[str, Any]
    networks: list[Path]
    clips: list[Path]
    picture: Path
    stage: int = GREYS[0]
    log: list[tuple[str, int, int, float]] = field(default_factory=list)
    """For each change: its kind, the number of frames before and after it, seconds."""
    _number: Iterator[int] = field(default_factory=count)

    def save(self, data: dict[str, Any], *, aside: bool) -> None:
        """Write the file in place, or beside it with a rename, as editors do."""
        text = yaml.safe_dump(data)
        if aside:
            other = self.path.with_suffix(f".{next(self._number)}")
            other.write_text(text)
            os.replace(other, self.path)
        else:
            self.path.write_text(text)

    def change(self, kind: str, rng: random.Random) -> None:
        """Make one change of this kind, and wait until the client has seen later frames."""
        data, sections = KINDS[kind](self, rng)
        self.save(data, aside=rng.random() < 0.5)
        before, began = len(self.client.frames), time.monotonic()
        answer = control_client.ask(self.socket, {"verb": "reload"}, OUTCOME_S)
        took = time.monotonic() - began
        if sections is None:
            assert answer["outcome"] == "refused", (kind, answer)
            assert f"{self.path}:" in answer["reason"]
        else:
            # Only what changed was touched.
            assert answer == {"outcome": "applied", "changed": sections}, (kind, answer)
            self.data = data
        if kind in ("background", "picture"):
            self.client.wait(lambda frames: abs(frames[-1].stage - self.stage) <= 4)
        self.look(kind, before, took)

    def look(self, kind: str, before: int, took: float = 0.0) -> None:
        """Record what came from frame ``before`` on until the person is seen again."""
        self.client.wait(lambda frames: sum(got.person for got in frames[before:]) >= 6)
        self.log.append((kind, before, len(self.client.frames), took))


Wanted = tuple[dict[str, Any], list[str] | None]


def _section(box: Box, name: str, **keys: object) -> Wanted:
    return {**box.data, name: box.data.get(name, {}) | keys}, [name]


def _other(choices: list[Any], now: object, rng: random.Random) -> Any:
    return rng.choice([choice for choice in choices if choice != now])


def _background(box: Box, rng: random.Random) -> Wanted:
    box.stage = _other(list(GREYS), box.stage, rng)
    return _section(box, "background", uri=grey(box.stage))


def _picture(box: Box, rng: random.Random) -> Wanted:
    box.stage = _other(list(GREYS), box.stage, rng)
    path = box.picture.with_name(f"{box.stage}.png")
    cv2.imwrite(str(path), np.full((90, 160, 3), box.stage, np.uint8))
    return _section(box, "background", uri=str(path))


def _value(name: str, key: str, *choices: object) -> Callable[[Box, random.Random], Wanted]:
    def change(box: Box, rng: random.Random) -> Wanted:
        now = box.data.get(name, {}).get(key, getattr(getattr(Settings(), name), key))
        return _section(box, name, **{key: _other(list(choices), now, rng)})

    return change


def _model(box: Box, rng: random.Random) -> Wanted:
    others = [str(path) for path in box.networks]
    return _section(box, "matting", model=_other(others, box.data["matting"]["model"], rng))


def _source(box: Box, rng: random.Random) -> Wanted:
    others = [str(path) for path in box.clips]
    return _section(box, "source", uri=_other(others, box.data["source"]["uri"], rng))


def _output(box: Box, rng: random.Random) -> Wanted:
    outputs = box.data["outputs"]
    if len(outputs) == 1:
        outputs = [*outputs, {"uri": str(box.path.with_name("recording.mkv"))}]
    else:
        outputs = outputs[:1]
    return {**box.data, "outputs": outputs}, ["outputs.1"]


def _encoding(box: Box, rng: random.Random) -> Wanted:
    first, *rest = box.data["outputs"]
    key, choices = rng.choice((("bitrate_kbps", [300, 600, 900]), ("keyframe_s", [1.0, 3.0])))
    changed = first | {key: _other(choices, first.get(key), rng)}
    return {**box.data, "outputs": [changed, *rest]}, ["outputs.0"]


STAGES: dict[str, dict[str, Any]] = {
    **{name: {} for name in StagesSettings.model_fields if name != "select"},
    "mattes": {"room": "0.9,0 1,0 1,1 0.9,1"},
}
"""What each stage is switched on with, besides ``enabled``."""


def _stage(name: str) -> Callable[[Box, random.Random], Wanted]:
    def change(box: Box, rng: random.Random) -> Wanted:
        stages = dict(box.data.get("stages", {}))
        on = stages.get(name, {}).get("enabled", False)
        stages[name] = {} if on else {"enabled": True, **STAGES[name]}
        return {**box.data, "stages": stages}, ["stages"]

    return change


def _refused(box: Box, rng: random.Random) -> Wanted:
    bad = rng.choice(
        [
            ("steady", {"strength": 7}),
            ("background", {"uri": str(box.path)}),
            ("background", {"uri": "nothing-here.png"}),
            ("matting", {"model": "nobody"}),
            ("canvas", {"size": "640x360"}),
            ("sauce", {}),
        ]
    )
    return {**box.data, bad[0]: bad[1]}, None


KINDS: dict[str, Callable[[Box, random.Random], Wanted]] = {
    "background": _background,
    "picture": _picture,
    "softness": _value("edge", "softness", 0.0, 3.0, 8.5),
    "smoothing": _value("steady", "strength", 0.0, 0.5, 0.85),
    "edges": _value("refine", "radius", 1, 2, 3),
    "cleaning": _value("clean", "grow", 2, 4, 6),
    "roi": _value("roi", "margin", 0.1, 0.2, 0.4),
    "no roi": _value("roi", "enabled", True, False),
    "model": _model,
    "threads": _value("matting", "threads", 1, 2),
    "source": _source,
    "source again": _value("source", "latency_ms", 100, 200, 300),
    "output": _output,
    "encoding": _encoding,
    "log": _value("log", "level", "debug", "info"),
    "refused": _refused,
}
STAGE_KINDS = {f"stage {name}": _stage(name) for name in STAGES}
KINDS |= STAGE_KINDS


@contextmanager
def running(folder: Path) -> Iterator[Box]:
    """The program over a clip of the disc in the room, and a client that has seen a frame."""
    networks = [bright_network(folder / name) for name in ("one", "other")]
    clips = [room_clip(folder / f"{name}.mp4") for name in ("first", "second")]
    data: dict[str, Any] = {
        "source": {"uri": str(clips[0])},
        "background": {"uri": grey(GREYS[0])},
        "matting": {"model": str(networks[0]), "threads": 1},
        "outputs": [{"uri": "rtsp://127.0.0.1:0/live"}],
        "http": {"enabled": False},
        "log": {"level": "info", "format": "plain"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    with (
        tempfile.TemporaryDirectory(prefix="mb") as runtime,
        (folder / "log").open("w") as log,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance.cli", "run", "--config", str(path)],
            env=os.environ | {"RUNTIME_DIRECTORY": runtime},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], 40)
            assert ready, (folder / "log").read_text()
            address = process.stdout.readline().strip()
            assert address.startswith("rtsp://"), (folder / "log").read_text()
            socket = Path(runtime) / f"{process.pid}.sock"
            with Client(address) as client:
                client.wait(lambda frames: any(got.person for got in frames), 40)
                picture = folder / "picture.png"
                yield Box(path, socket, process, client, data, networks, clips, picture)
                assert client.ended is None, client.ended
            process.terminate()
            assert process.wait(10) == 0, (folder / "log").read_text()
        except BaseException:
            # What the program itself says of it: pytest shows it where the test failed.
            print("".join((folder / "log").read_text().splitlines(keepends=True)[-40:]))
            raise
        finally:
            process.kill()
            process.communicate(timeout=10)


def judge(frames: list[Got]) -> None:
    """Check what must hold for every frame, however busy the machine was."""
    wrong = [(number, a, b) for number, (a, b) in enumerate(pairwise(frames)) if a.pts >= b.pts]
    assert not wrong, wrong[:5]
    worst = max(got.room for got in frames)
    assert worst <= MOST_ROOM, f"a frame shows the room: {worst:.3f} of it"


def test_each_kind_of_change_once_with_a_client_that_stays(tmp_path: Path) -> None:
    rng = random.Random(5)
    with running(tmp_path) as box:
        for kind in KINDS:
            box.change(kind, rng)
        judge(box.client.frames)
        # Only while the source changes is there nothing to show.
        for kind, before, after, _ in box.log:
            slates = sum(got.placeholder for got in box.client.frames[before:after])
            assert not slates or kind.startswith("source"), kind
        # Of quick edits in succession, some only half a file, the last one wins without a reload.
        last = _other(list(GREYS), box.stage, rng)
        whole = yaml.safe_dump({**box.data, "background": {"uri": grey(last)}})
        for number in range(40):
            box.save({**box.data, "background": {"uri": grey(60 + number)}}, aside=number % 2 == 0)
            box.path.write_text(whole[: rng.randrange(len(whole))])
        box.path.write_text(whole)
        box.client.wait(lambda frames: abs(frames[-1].stage - last) <= 4)
        judge(box.client.frames)
        # And the client would see the room if it were shown.
        box.save({**box.data, "background": {"uri": "blur://"}}, aside=False)
        control_client.ask(box.socket, {"verb": "reload"}, OUTCOME_S)
        box.client.wait(lambda frames: frames[-1].room > 0.2)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_two_hundred_reloads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(int(os.environ.get("MATTEBOX_SEED", "1")))
    with running(tmp_path) as box:
        for _ in range(200):
            box.change(rng.choice(list(KINDS)), rng)
            # The same time again without a change: what the machine itself does to the picture.
            box.look("(none)", len(box.client.frames))
        judge(box.client.frames)
    text, longest, slates = report(box)
    with capsys.disabled():
        print(f"\n{text}")
    # A busy machine makes gaps anyway, and the text counts those with and without a reload. But
    # none may be long enough to bring out the placeholder.
    assert longest < 0.5 * 1e9 / PERIOD_NS, text
    assert not slates, text


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_stages_switched_two_hundred_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a client attached, and with the memory measured: nothing stays, nothing is late."""
    rng = random.Random(int(os.environ.get("MATTEBOX_SEED", "1")))
    with running(tmp_path) as box:
        for kind in (*STAGE_KINDS, *STAGE_KINDS):
            box.change(kind, rng)
        before = descriptors(box.process.pid), memory(box.process.pid)
        for number in range(200):
            # An even number of each, so that they end as they began.
            box.change([*STAGE_KINDS][number // 2 % len(STAGE_KINDS)], rng)
            box.look("(none)", len(box.client.frames))
        after = descriptors(box.process.pid), memory(box.process.pid)
        judge(box.client.frames)
    text, longest, slates = report(box)
    with capsys.disabled():
        print(f"\n{text}\ndescriptors {before[0]} -> {after[0]}, MiB {before[1]} -> {after[1]}")
    assert after[0] <= before[0]
    assert after[1] <= before[1] + 40
    assert longest < 0.5 * 1e9 / PERIOD_NS, text
    assert not slates, text


def descriptors(process: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def memory(process: int) -> int:
    """What a process has in memory, MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if "VmRSS" in line)) // 1024


def report(box: Box) -> tuple[str, float, int]:
    """The counts as text; the longest gap in periods; slates.

    Source changes are reported but not counted: during one, slates may go out.
    """
    frames = box.client.frames
    lines, gaps, slates, longest = [], [0, 0], 0, 0.0
    for kind in sorted(Counter(kind for kind, *_ in box.log)):
        of_kind = [entry for entry in box.log if entry[0] == kind]
        parts = [frames[max(0, before - 1) : after] for _, before, after, _ in of_kind]
        took = [1e3 * seconds for *_, seconds in of_kind]
        times = [(b.pts - a.pts) / PERIOD_NS for part in parts for a, b in pairwise(part)]
        over = sum(periods > 2.1 for periods in times)
        shown = sum(got.placeholder for part in parts for got in part)
        if not kind.startswith("source"):
            gaps[kind == "(none)"] += over
            slates += shown
            longest = max(longest, *times)
        lines.append(
            f"{kind:20}{len(parts):4}   longest gap {max(times):5.2f} periods, over two {over:3}, "
            f"slates {shown:3}, answered in {np.median(took):6.1f} ms (most {max(took):6.1f})"
        )
    worst = max(got.room for got in frames)
    reloads = sum(kind != "(none)" for kind, *_ in box.log)
    lines.append(
        f"{reloads} reloads, {len(frames)} frames, no disconnect, at most {worst:.4f} of one is of "
        f"the room; gaps over two periods: {gaps[0]} with, {gaps[1]} without a reload"
    )
    return "\n".join(lines), longest, slates
