"""Scenes in the running appliance, by its own frames: on the next frame, and how they fade."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from structlog.testing import capture_logs

from appliance.config.load import load_located
from appliance.daemon import apply as apply_module
from appliance.daemon import dissolve as dissolve_module
from appliance.daemon.changes import ChangeOutcome, Reloader
from appliance.daemon.daemon import Daemon
from appliance.media.frame import Frame
from appliance.pixels import cpu
from tests.daemon.test_privacy import reel as moving
from tests.daemons import Breakable, running
from tests.kernels.gpus import emulated, fresh
from tests.memory import _status
from tests.scenes import PERSON, room_clip, room_share

LIMIT_S = 20.0
MOST_ROOM = 0.002
BASE, OFFICE, WIDE = 120, 200, 150


def grey(luma: int) -> dict[str, str]:
    return {"uri": f"colour:#{luma:02x}{luma:02x}{luma:02x}"}


# With another edge, the whole picture fades; with another background alone, the backgrounds do.
WHOLE = {"edge": {"softness": 1.0}}


def scene(name: str, luma: int, frames: int = 0, **settings: Any) -> dict[str, Any]:
    return {
        "name": name, "dissolve_frames": frames,
        "settings": {"background": grey(luma), **settings},
    }  # fmt: skip


@dataclass(frozen=True)
class Mixed:
    """One picture of a dissolve: what faded, what it faded into before the mix, the weight."""

    before: Frame
    out: Frame
    weight: float


@dataclass
class Box:
    """The appliance, and every composite that it sent, in order and none left out."""

    daemon: Daemon
    reloader: Reloader
    matting: Breakable
    path: Path
    data: dict[str, Any]
    sent: list[Frame] = field(default_factory=list)
    mixed: list[Mixed] = field(default_factory=list)

    def switch(self, name: str, frames: int | None = None) -> ChangeOutcome:
        outcome = self.reloader.switch(name, frames, LIMIT_S)
        assert outcome.refusal is None, outcome.refusal
        return outcome

    def save(self, **data: Any) -> ChangeOutcome:
        self.data |= data
        self.path.write_text(yaml.safe_dump(self.data))
        return self.reloader.ask().result(LIMIT_S)

    def more(self, count: int) -> list[Frame]:
        """The next ``count`` composites."""
        start = len(self.sent)
        until(lambda: len(self.sent) >= start + count)
        return self.sent[start : start + count]

    def corners(self, start: int) -> list[int]:
        return [int(frame.y[4, 4]) for frame in self.sent[start:]]


def until(what: Callable[[], bool]) -> None:
    moment = threading.Event()
    for _ in range(int(LIMIT_S * 100)):
        if what():
            return
        moment.wait(0.01)
    pytest.fail(f"not within {LIMIT_S} s")


def copied(frame: Frame) -> Frame:
    return Frame(frame.y.copy(), frame.uv.copy(), frame.colour, frame.pts)


@contextmanager
def on_stage(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, folder: Path, *,
    chosen: Any = None, **sections: Any,
) -> Iterator[Box]:  # fmt: skip
    data: dict[str, Any] = {
        "source": {"uri": str(room)},
        "background": grey(BASE),
        # Whatever else this machine does, every frame is made.
        "load": {"shed": False},
        "matting": {"stall_s": 5.0},
        "outputs": [{"uri": "null://recorder"}],
        "scenes": [scene("office", OFFICE, 4), scene("wide", WIDE)],
    } | sections
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    mixed: list[Mixed] = []

    def mix(before: Frame, out: Frame, weight: float) -> None:
        mixed.append(Mixed(copied(before), copied(out), weight))
        cpu.dissolve(before, out, weight)

    monkeypatch.setattr(dissolve_module, "cpu", type("Spied", (), {"dissolve": staticmethod(mix)}))
    with running(monkeypatch, network, chosen=chosen, **data) as (daemon, _, matting):
        reloader = Reloader(daemon, lambda: load_located(path), load_located(path))
        box = Box(daemon, reloader, matting, path, data, mixed=mixed)
        publish = daemon.programme.publish

        def spy(frame: Frame, *args: Any, **options: Any) -> None:
            box.sent.append(copied(frame))
            publish(frame, *args, **options)

        monkeypatch.setattr(daemon.programme, "publish", spy)
        reloader.start()
        try:
            box.more(2)
            yield box
        finally:
            assert reloader.stop(LIMIT_S)


def test_a_cut_is_on_the_next_frame(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    with on_stage(monkeypatch, network, room, tmp_path) as box:
        start = len(box.sent)
        outcome = box.switch("wide")
        assert outcome.changed == {"background", "scene"}
        assert outcome.dissolve_frames == 0
        # It is in use: the very next frame shows it, and all after that.
        after = box.more(3)
        assert {int(frame.y[4, 4]) for frame in after} == {WIDE}
        assert set(box.corners(start)) <= {BASE, WIDE}, "nothing between the two"
        assert box.reloader.scenes.active == "wide"
        assert box.daemon.settings.background.uri == grey(WIDE)["uri"]
        # It is on: nothing happens.
        before = box.daemon.background, box.reloader.state.status().applied
        outcome = box.switch("wide", 20)
        assert (outcome.changed, outcome.dissolve_frames) == (frozenset(), 0)
        assert {int(frame.y[4, 4]) for frame in box.more(2)} == {WIDE}
        assert (box.daemon.background, box.reloader.state.status().applied) == before
        assert not box.mixed


def test_a_dissolve_has_exactly_its_weights(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    scenes = [scene("office", OFFICE, **WHOLE)]
    with on_stage(monkeypatch, network, room, tmp_path, scenes=scenes) as box:
        start = len(box.sent)
        assert box.switch("office", 9).dissolve_frames == 9
        until(lambda: OFFICE in box.corners(start))
        box.more(2)
        corners = box.corners(start)
        first = next(at for at, luma in enumerate(corners) if luma != BASE)
        exact = [BASE + (OFFICE - BASE) * k / 10 for k in range(1, 10)]
        assert np.abs(np.array(corners[first : first + 9]) - exact).max() <= 0.502
        assert set(corners[first + 9 :]) == {OFFICE}
        # And every pixel of each frame, against float64: the person moves in the new ones.
        assert [one.weight for one in box.mixed] == [k / 10 for k in range(1, 10)]
        last = box.sent[start + first - 1]
        for at, one in enumerate(box.mixed):
            got = box.sent[start + first + at]
            assert (one.before.y == last.y).all(), "it fades from the last picture shown"
            for plane in ("y", "uv"):
                before, now = (np.float64(getattr(f, plane)) for f in (one.before, one.out))
                want = before * (1 - one.weight) + now * one.weight
                assert np.abs(getattr(got, plane) - want).max() <= 0.502
            assert room_share(got.uv) <= MOST_ROOM
        assert (box.mixed[0].out.y != box.mixed[-1].out.y).any()


def test_a_switch_within_a_dissolve_starts_from_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    scenes = [scene("office", OFFICE, **WHOLE), scene("wide", WIDE)]
    with on_stage(monkeypatch, network, room, tmp_path, scenes=scenes) as box:
        start = len(box.sent)
        box.switch("office", 600)
        until(lambda: box.corners(start)[-1:] > [BASE + 2])
        count = len(box.mixed)
        box.switch("wide", 5)
        until(lambda: any(one.weight == 1 / 6 for one in box.mixed[count:]))
        first = next(one for one in box.mixed[count:] if one.weight == 1 / 6)
        at = int(first.before.y[4, 4])
        assert BASE < at < OFFICE
        mixes = [frame for frame in box.sent if (frame.y == first.before.y).all()]
        assert len(mixes) == 1, "a mix that was shown, and is the last of its dissolve"


def test_none_goes_back_and_fades_as_the_scene_that_was(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    office = scene("office", OFFICE, 4, sound={"volume": -6.0})
    sections = {"scene": "office", "scenes": [office]}
    with on_stage(monkeypatch, network, room, tmp_path, **sections) as box:
        assert box.daemon.sound._settings.volume == -6.0
        assert {int(frame.y[4, 4]) for frame in box.more(2)} == {OFFICE}, "the one to start with"
        assert box.switch("none").dissolve_frames == 4
        until(lambda: int(box.sent[-1].y[4, 4]) == BASE)
        assert box.daemon.settings.background.uri == grey(BASE)["uri"]


def test_what_is_hidden_now_does_not_fade(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    """From the room out of focus to a picture: not a frame more of the room."""
    sections = {"background": {"uri": "blur://"}}
    with on_stage(monkeypatch, network, room, tmp_path, **sections) as box:
        assert room_share(box.more(1)[0].uv) > 0.3
        outcome = box.switch("office", 30)
        assert outcome.dissolve_frames == 0
        assert outcome.note == "cut, not dissolved: the picture before shows the room, out of focus"
        assert max(room_share(frame.uv) for frame in box.more(4)) <= MOST_ROOM
        # The other way nothing is hidden that was to be seen.
        assert box.switch("none", 3).dissolve_frames == 3


def test_another_change_and_a_failure_end_a_dissolve(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    scenes = [scene("office", OFFICE, **WHOLE), scene("wide", WIDE)]
    with on_stage(monkeypatch, network, room, tmp_path, scenes=scenes) as box:
        box.switch("office", 600)
        until(lambda: len(box.mixed) > 1)
        edge = box.daemon.settings.edge.model_copy(update={"softness": 2.0})
        changed = box.reloader.change(
            lambda now: now.model_copy(update={"edge": edge}), LIMIT_S
        ).changed
        assert changed == {"edge"}
        assert {int(frame.y[4, 4]) for frame in box.more(3)} == {OFFICE}
        count = len(box.mixed)
        box.switch("wide", 600)
        until(lambda: len(box.mixed) > count + 1)
        box.matting.break_it("throws")
        until(lambda: box.daemon.programme.trouble is not None)
        count, start = len(box.mixed), len(box.sent)
        box.matting.mend()
        assert {int(frame.y[4, 4]) for frame in box.more(3)} == {WIDE}
        assert (len(box.mixed), box.corners(start)[0]) == (count, WIDE)


def test_a_stall_ends_a_dissolve(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    """After the placeholder nothing comes back that was before it."""
    sections = {"scenes": [scene("office", OFFICE, **WHOLE)], "matting": {"stall_s": 0.1}}
    with on_stage(monkeypatch, network, room, tmp_path, **sections) as box:
        box.switch("office", 600)
        until(lambda: len(box.mixed) > 1)
        box.matting.break_it("hangs")
        until(lambda: box.daemon.programme.trouble is not None)
        count, start = len(box.mixed), len(box.sent)
        box.matting.mend()
        assert {int(frame.y[4, 4]) for frame in box.more(3)} == {OFFICE}
        assert (len(box.mixed), box.corners(start)[0]) == (count, OFFICE)


def test_a_scene_that_cannot_be_built_leaves_the_one_before(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    broken = {"name": "broken", "settings": {"background": {"uri": "gone.png"}}}
    scenes = [scene("office", OFFICE), broken]
    with on_stage(monkeypatch, network, room, tmp_path, scenes=scenes) as box:
        box.switch("office")
        background = box.daemon.background
        refusal = box.reloader.switch("broken", 10, LIMIT_S).refusal
        assert refusal is not None
        line = box.path.read_text().splitlines().index("      uri: gone.png") + 1
        assert f"config.yaml:{line}:12: scenes.1.settings.background.uri: " in refusal.reason
        assert "gone.png" in refusal.reason
        assert box.reloader.scenes.active == "office"
        assert box.daemon.background is background
        assert {int(frame.y[4, 4]) for frame in box.more(3)} == {OFFICE}
        # That is no fault of the file as a whole.
        assert box.reloader.state.status().refusal is None
        unknown = box.reloader.switch("stage", None, LIMIT_S).refusal
        assert unknown is not None
        assert "there is no scene 'stage'; there are none, office, broken" in unknown.reason


def test_a_saved_file_keeps_the_scene_that_is_on(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    with on_stage(monkeypatch, network, room, tmp_path) as box:
        box.switch("office")
        # What stands around it changes nothing in what it sets itself.
        assert box.save(background=grey(90)).changed == frozenset()
        assert box.daemon.settings.background.uri == grey(OFFICE)["uri"]
        # It is changed itself.
        assert box.save(scenes=[scene("office", 210)]).changed == {"background", "scenes"}
        assert box.daemon.settings.background.uri == grey(210)["uri"]
        # It is not there any more.
        with capture_logs() as said:
            assert box.save(scenes=[scene("wide", WIDE)]).changed == {
                "background", "scenes", "scene"
            }  # fmt: skip
        assert "the scene that was on is not there any more: none is on" in [
            entry["event"] for entry in said
        ]
        assert box.daemon.settings.background.uri == grey(90)["uri"]
        # The file says that another is to be on.
        assert "scene" in box.save(scene="wide").changed
        assert box.reloader.scenes.active == "wide"
        assert box.daemon.settings.background.uri == grey(WIDE)["uri"]


def test_a_change_while_a_scene_is_on_is_the_scenes_where_it_sets_that(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    with on_stage(monkeypatch, network, room, tmp_path) as box:
        box.switch("office")

        def change(**updates: dict[str, Any]) -> None:
            outcome = box.reloader.change(
                lambda now: now.model_copy(
                    update={
                        name: getattr(now, name).model_copy(update=keys)
                        for name, keys in updates.items()
                    }
                ),
                LIMIT_S,
            )
            assert outcome.changed == updates.keys()

        change(background=grey(222), edge={"softness": 3.0})
        box.switch("wide")
        now = box.daemon.settings
        assert (now.background.uri, now.edge.softness) == (grey(WIDE)["uri"], 3.0)
        box.switch("office")
        assert box.daemon.settings.background.uri == grey(222)["uri"]
        box.switch("none")
        assert box.daemon.settings.background.uri == grey(BASE)["uri"]
        # Saved, the file counts again.
        assert box.save().changed == {"edge", "scenes"}


@pytest.mark.parametrize("on", ["cpu", "gpu"])
def test_where_only_the_background_changes_the_person_does_not_fade(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path, on: str
) -> None:
    fresh()
    chosen = emulated(network) if on == "gpu" else None
    scenes = [scene("dark", 40), scene("darker", 20)]
    with on_stage(monkeypatch, network, room, tmp_path, chosen=chosen, scenes=scenes) as box:
        start = len(box.sent)
        assert box.switch("dark", 4).dissolve_frames == 4
        until(lambda: 40 in box.corners(start))
        box.more(1)
        corners = box.corners(start)
        first = next(at for at, luma in enumerate(corners) if luma != BASE)
        assert corners[first : first + 4] == [104, 88, 72, 56]
        assert set(corners[first + 4 :]) == {40}
        assert not box.mixed, "the picture as a whole is not mixed"
        assert all(np.isclose(int(f.y.max()), PERSON, atol=4) for f in box.sent[start + first :])
        # Within it, another begins with the picture that is behind the person now.
        start = len(box.sent)
        box.switch("none", 600)
        until(lambda: box.corners(start)[-1:] > [42])
        start = len(box.sent)
        box.switch("darker", 3)
        until(lambda: 20 in box.corners(start))
        corners = [box.sent[start - 1].y[4, 4], *box.corners(start)]
        end = corners.index(20)
        before, *fading = map(int, corners[end - 4 : end])
        assert before > 42
        exact = [before + (20 - before) * k / 4 for k in (1, 2, 3)]
        assert np.abs(np.array(fading) - exact).max() <= 0.502
        assert max(room_share(frame.uv) for frame in box.sent) <= MOST_ROOM


def test_a_scene_has_another_source_and_another_network(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    other = room_clip(tmp_path / "other.mp4")
    elsewhere = {"name": "elsewhere", "dissolve_frames": 3, "settings": {
        "source": {"uri": str(other)}, "matting": {"threads": 2},
        "background": {"uri": str(moving(tmp_path / "moving.mp4"))},
    }}  # fmt: skip
    with on_stage(monkeypatch, network, room, tmp_path, scenes=[elsewhere]) as box:
        monkeypatch.setattr(apply_module, "choose_network", lambda _: box.matting)
        assert box.switch("elsewhere").changed == {"source", "matting", "background", "scene"}
        until(lambda: len(box.mixed) == 3)
        box.more(3)
        assert box.switch("none").dissolve_frames == 3
        until(lambda: len(box.mixed) == 6)
        assert {int(frame.y[4, 4]) for frame in box.more(3)} == {BASE}
        assert max(room_share(frame.uv) for frame in box.sent) <= MOST_ROOM
        assert box.daemon.programme.trouble is None


def test_a_video_fades_in_behind_the_person_and_plays(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    played = {"name": "played", "dissolve_frames": 5, "settings": {
        "background": {"uri": str(moving(tmp_path / "moving.mp4"))},
    }}  # fmt: skip
    with on_stage(monkeypatch, network, room, tmp_path, scenes=[played]) as box:
        box.switch("played")
        # It goes from dark to light, again and again.
        until(lambda: len(set(box.corners(-12))) > 3)
        assert not box.mixed
        assert box.switch("none").dissolve_frames == 5
        until(lambda: int(box.sent[-1].y[4, 4]) == BASE)
        assert max(room_share(frame.uv) for frame in box.sent) <= MOST_ROOM


def test_frames_on_the_gpu_fade_too(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    fresh()
    chosen, scenes = emulated(network), [scene("office", OFFICE, 4, **WHOLE)]
    with on_stage(monkeypatch, network, room, tmp_path, chosen=chosen, scenes=scenes) as box:
        start = len(box.sent)
        assert box.switch("office", 3).dissolve_frames == 3
        until(lambda: OFFICE in box.corners(start))
        corners = box.corners(start)
        first = next(at for at, luma in enumerate(corners) if luma != BASE)
        assert corners[first : first + 4] == [140, 160, 180, OFFICE]
        assert max(room_share(frame.uv) for frame in box.sent) <= MOST_ROOM


def test_frames_made_between_fade_in_their_order(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    stages = {"interpolate": {"enabled": True}, "motion": {"quality": "ultrafast"}}
    with on_stage(monkeypatch, network, room, tmp_path, stages=stages) as box:
        until(lambda: box.daemon.worker.made > 2)
        start = len(box.sent)
        box.switch("office", 19)
        until(lambda: OFFICE in box.corners(start))
        corners = box.corners(start)
        assert corners == sorted(corners), "lighter from frame to frame, whoever made it"
        assert len({luma for luma in corners if BASE < luma < OFFICE}) >= 12


@pytest.mark.soak
def test_a_hundred_switches_leave_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    with on_stage(monkeypatch, network, room, tmp_path) as box:
        names = ["office", "wide", "none"]

        def rounds(count: int) -> tuple[int, int, int]:
            for at in range(count):
                box.switch(names[at % 3], (0, 1, 7)[at % 3])
                box.more(2)
                box.sent.clear()
                box.mixed.clear()
            tasks, files = (len(os.listdir(f"/proc/self/{name}")) for name in ("task", "fd"))
            return tasks, files, _status("VmRSS")

        first = rounds(30)
        second = rounds(100)
        assert second[0] <= first[0] + 1
        assert second[1] <= first[1] + 1
        # A canvas is 86 KB, the still of a dissolve too: 100 of them would be 8.6 MB.
        assert second[2] - first[2] < 4_000
