"""The learnt room is kept while the appliance is stopped, if asked; never against its owner."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from appliance.config.settings import Settings
from appliance.daemon.kept_room import RoomKeeper, kept_room
from appliance.media.frame import Format
from appliance.stages.learnt_room import LearntRoom, copy_of, read, write
from appliance.stages.plate_control import PlateControl
from tests.daemons import running
from tests.scenes import FULL
from tests.stages.plate.room import HEIGHT, WIDTH, Room

FORMAT = Format(WIDTH, HEIGHT, (30, 1), FULL)
SOURCE = "rtsp://camera/one"


def settings(keep: bool = True, source: str = SOURCE, **plate: object) -> Settings:
    return Settings.model_validate(
        {"source": {"uri": source}, "stages": {"plate": {"enabled": True, "keep": keep, **plate}}}
    )


@pytest.fixture(scope="module")
def learnt() -> LearntRoom:
    room = Room()
    for _ in range(60):
        room.run(room.shoot())
    return copy_of(room.steps.plate_state, room.steps._light, room.steps.sound)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "state" / "plate"


@contextmanager
def frames(control: PlateControl, room: LearntRoom) -> Iterator[None]:
    """What the stage does with each frame."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.002):
            control.answer(lambda: room)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def keeper(
    control: PlateControl, wanted: Settings | None = None, every_s: float = 600.0
) -> RoomKeeper:
    made = RoomKeeper(wanted or settings(), FORMAT, lambda: control, every_s)
    made.start()
    return made


def end(one: RoomKeeper) -> None:
    one.ask_to_stop()
    assert one.stop(10)


def test_it_is_written_at_the_end_and_offered_at_the_start(learnt: LearntRoom) -> None:
    control = PlateControl()
    one = keeper(control)
    assert control.take_offered() is None
    with frames(control, learnt):
        end(one)
    again = PlateControl()
    end(keeper(again))
    offered = again.take_offered()
    assert offered is not None
    assert (offered.picture.y == learnt.picture.y).all()
    with structlog.testing.capture_logs() as told:
        other = PlateControl()
        end(keeper(other, settings(source="rtsp://x:secret@camera/two")))
    assert other.take_offered() is None
    assert any("of another source" in line.get("reason", "") for line in told)
    assert "secret" not in str(told)


def test_it_is_written_now_and_then(learnt: LearntRoom) -> None:
    control = PlateControl()
    with frames(control, learnt):
        one = keeper(control, every_s=0.01)
        until(kept_room().exists)
        end(one)


def test_no_password_is_kept(learnt: LearntRoom) -> None:
    control = PlateControl()
    with frames(control, learnt):
        end(keeper(control, settings(source="rtsp://me:hunter22@camera/one")))
    data = kept_room().read_bytes()
    assert "camera".encode("utf-32-le") in data
    assert "hunter22".encode("utf-32-le") not in data
    again = PlateControl()
    end(keeper(again, settings(source="rtsp://me:changed9@camera/one")))
    assert again.take_offered() is not None


@pytest.mark.parametrize("why", ["in doubt", "little known", "keep off", "stage off", "no frames"])
def test_nothing_else_is_written(learnt: LearntRoom, why: str) -> None:
    control, room, wanted = PlateControl(), learnt, settings()
    if why == "in doubt":
        room = LearntRoom(
            room.picture, room.times, room.spread, room.offset, room.gain, sound=False
        )
    if why == "little known":
        room = LearntRoom(room.picture, room.times // 100, room.spread, room.offset, 1.0, True)
    if why == "keep off":
        wanted = settings(keep=False)
    if why == "stage off":
        wanted = settings(enabled=False)
    if why == "no frames":
        end(keeper(control, wanted))
    else:
        with frames(control, room):
            end(keeper(control, wanted))
    assert not kept_room().exists()


def test_switched_off_it_is_deleted(learnt: LearntRoom) -> None:
    control = PlateControl()
    write(kept_room(), learnt, SOURCE)
    with frames(control, learnt):
        one = keeper(control)
        one.configure(settings(keep=False))
        assert not kept_room().exists()
        end(one)
    assert not kept_room().exists()


def test_switched_off_in_between_it_is_deleted_at_the_start(learnt: LearntRoom) -> None:
    write(kept_room(), learnt, SOURCE)
    end(keeper(PlateControl(), settings(keep=False, source="rtsp://camera/two")))
    assert kept_room().exists(), "another appliance's"
    end(keeper(PlateControl(), settings(keep=False)))
    assert not kept_room().exists()
    kept_room().write_bytes(b"damaged")
    end(keeper(PlateControl(), settings(keep=False)))
    assert not kept_room().exists()


def test_a_wish_to_forget_deletes_it(learnt: LearntRoom) -> None:
    control = PlateControl()
    write(kept_room(), learnt, SOURCE)
    one = keeper(control)
    with frames(control, learnt):
        one._last = learnt, one._forgotten
        one.forget()
    one._ending.set()
    assert one.stop(10)
    assert not kept_room().exists(), "nor is a copy from before written after that"


def test_a_damaged_file_is_told_and_replaced(learnt: LearntRoom, folder: Path) -> None:
    control = PlateControl()
    folder.mkdir(parents=True)
    kept_room().write_bytes(b"PK not a room")
    with structlog.testing.capture_logs() as told, frames(control, learnt):
        end(keeper(control))
    assert control.take_offered() is None
    assert [line["log_level"] for line in told if "damaged" in str(line)] == ["warning"]
    assert read(kept_room(), FORMAT, SOURCE) is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave(learnt: LearntRoom, folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    _told_once(learnt, "Permission denied")


def test_a_folder_that_cannot_be(learnt: LearntRoom, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    _told_once(learnt, "File exists")


def test_the_gpu_says_that_it_keeps_none(learnt: LearntRoom) -> None:
    cpu = PlateControl()
    with frames(cpu, learnt):
        end(keeper(cpu))
    control = PlateControl(copies=False)
    with structlog.testing.capture_logs() as told:
        end(keeper(control))
    assert [line["event"] for line in told if line["log_level"] == "warning"] == [
        "stages.plate.keep: frames are on the GPU, where the learnt room is not kept"
    ]
    assert control.take_offered() is None
    assert control.ask(10) is None
    assert kept_room().exists(), "the CPU's of another day"


def _told_once(learnt: LearntRoom, words: str) -> None:
    control = PlateControl()
    with structlog.testing.capture_logs() as told, frames(control, learnt):
        one = keeper(control, every_s=0.005)
        until(lambda: any("cannot be kept" in line["event"] for line in told))
        end(one)
    lines = [line for line in told if "cannot be kept" in line["event"]]
    assert [line["error"] for line in lines] == [words]


def test_a_whole_appliance_keeps_it(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    wanted = {"source": {"uri": str(room)}, "stages": {"plate": {"enabled": True, "keep": True}}}
    for kept in (False, True):
        with (
            structlog.testing.capture_logs() as told,
            running(monkeypatch, network, **wanted) as (daemon, recorder, _),
        ):
            recorder.wait_for("composite", 3)
            plate = daemon.pipeline.plate
            assert plate is not None
            until(lambda plate=plate: plate.status.used and plate.status.known > 0.2)  # type: ignore[misc]
            # The clip's end is a cut: the room is in doubt for a moment.
            until(lambda plate=plate: (copy := plate.ask(1)) is not None and copy.sound)  # type: ignore[misc]
        assert any("a kept room is used" in line["event"] for line in told) is kept
        assert kept_room().exists()
