"""The learnt room in a file: used again where it fits, and told in words where it does not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.media.frame import Colour, Format
from appliance.stages.learnt_room import LearntRoom, UnusableRoom, copy_of, read, remove, write
from appliance.stages.plate_control import PlateControl
from tests.scenes import FULL
from tests.stages.plate.room import HEIGHT, WIDTH, Room, figure

SOURCE = "v4l2:///dev/video0"
FORMAT = Format(WIDTH, HEIGHT, (30, 1), FULL)


def learnt() -> tuple[Room, LearntRoom]:
    room = Room()
    for _ in range(60):
        room.run(room.shoot())
    steps = room.steps
    return room, copy_of(steps.plate_state, steps._light, steps.sound)


@pytest.fixture(scope="module")
def before() -> tuple[Room, LearntRoom]:
    return learnt()


def kept(path: Path, room: LearntRoom) -> LearntRoom:
    write(path, room, SOURCE)
    found = read(path, FORMAT, SOURCE)
    assert found is not None
    return found


def test_what_is_written_is_read(tmp_path: Path, before: tuple[Room, LearntRoom]) -> None:
    path = tmp_path / "new" / "room.npz"
    assert read(path, FORMAT, SOURCE) is None
    room = replace(before[1], offset=before[1].offset + 3, gain=1.25)
    found = kept(path, room)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == ["room.npz"]
    assert (found.picture.y == room.picture.y).all()
    assert (found.picture.uv == room.picture.uv).all()
    assert (found.times == room.times).all()
    assert (found.spread == room.spread).all()
    assert (found.offset == room.offset).all()
    assert (found.gain, found.known) == (1.25, room.known)
    assert remove(path)
    assert not remove(path)
    assert os.listdir(path.parent) == []


def test_after_a_restart_the_same_room_is_used_once_it_agrees(
    tmp_path: Path, before: tuple[Room, LearntRoom]
) -> None:
    mask, again = figure(110), Room()
    again.y = before[0].y.copy()
    again.common.plate.offer(kept(tmp_path / "room.npz", before[1]))
    fresh = Room()
    frame = again.shoot(mask)
    assert np.array_equal(again.run(frame, mask), fresh.run(frame, mask))
    assert not again.steps.sound, "it has to prove itself"
    assert again.steps.plate_state.known > 0.99
    for _ in range(8):
        again.run(again.shoot(mask, 1.02), mask)
    assert again.steps.sound
    # Behind the person, too, whom it has never seen elsewhere.
    off = np.abs(again.steps.plate_state.picture.y.astype(np.float32) - again.y)
    assert off[mask > 0.5].mean() < 1.5


def test_another_room_is_forgotten(tmp_path: Path, before: tuple[Room, LearntRoom]) -> None:
    mask, other = figure(110), Room()
    other.y = before[0].y[:, ::-1].copy()
    other.common.plate.offer(kept(tmp_path / "room.npz", before[1]))
    fresh = Room()
    for k in range(4):
        frame = other.shoot(mask)
        assert np.array_equal(other.run(frame, mask), fresh.run(frame, mask)), k
    # What it knows by now it has learnt itself.
    known = other.steps.plate_state.times >= 6
    assert not known.any()


def test_what_does_not_fit_is_told(tmp_path: Path, before: tuple[Room, LearntRoom]) -> None:
    path = tmp_path / "room.npz"
    write(path, before[1], SOURCE)
    with pytest.raises(UnusableRoom, match="of another source: 'v4l2:///dev/video0', not 'rtsp"):
        read(path, FORMAT, "rtsp://camera")
    with pytest.raises(UnusableRoom, match="of other colours: 'BT601 FULL', not 'BT709 LIMITED'"):
        read(path, replace(FORMAT, colour=Colour()), SOURCE)
    with pytest.raises(UnusableRoom, match="a room of 320x180; the canvas has 640x360"):
        read(path, replace(FORMAT, width=640, height=360), SOURCE)
    with pytest.raises(UnusableRoom, match="has more than the"):
        read(path, replace(FORMAT, width=64, height=36), SOURCE)


def test_a_damaged_file_is_told(tmp_path: Path, before: tuple[Room, LearntRoom]) -> None:
    path = tmp_path / "room.npz"
    write(path, before[1], SOURCE)
    whole = path.read_bytes()
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(UnusableRoom, match="is damaged"):
            read(path, FORMAT, SOURCE)
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(whole), 60):
        bent = bytearray(whole)
        bent[place] ^= 0x41
        path.write_bytes(bytes(bent))
        try:
            found = read(path, FORMAT, SOURCE)
        except UnusableRoom:
            continue
        # A byte that means nothing, such as a date of the archive.
        assert found is not None
        assert (found.picture.y == before[1].picture.y).all()


def test_what_others_may_have_put_there(tmp_path: Path, before: tuple[Room, LearntRoom]) -> None:
    path = tmp_path / "room.npz"
    room = before[1]
    os.mkfifo(path)
    with pytest.raises(UnusableRoom, match="is not a file"):
        read(path, FORMAT, SOURCE)
    path.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"x")
    path.symlink_to(elsewhere)
    with pytest.raises(UnusableRoom, match="cannot be read"):
        read(path, FORMAT, SOURCE)
    write(path, room, SOURCE)
    assert elsewhere.read_bytes() == b"x"
    for wrong, words in (
        ({"gain": np.float64(np.nan)}, "beyond their range"),
        ({"gain": np.float64(9)}, "a gain of 9"),
        ({"spread": np.full_like(room.spread, np.inf)}, "beyond their range"),
        ({"y": room.picture.y[1:]}, "y: found uint8"),
        ({"times": np.array([object()])}, "pickle"),
        ({"version": np.int64(2)}, "of version 2"),
    ):
        with np.load(tmp_path / "room.npz") as found:
            arrays = {**found}
        bent = tmp_path / "bent.npz"
        np.savez(bent, **{**arrays, **wrong})  # type: ignore[arg-type]
        with pytest.raises(UnusableRoom, match=words):
            read(bent, FORMAT, SOURCE)
        np.savez_compressed(bent, **arrays)
        with pytest.raises(UnusableRoom, match="compressed"):
            read(bent, FORMAT, SOURCE)


def test_nobody_answers_nobody_waits() -> None:
    control = PlateControl()
    assert control.ask(0.01) is None
    made: list[int] = []
    control.answer(lambda: made.append(1))  # type: ignore[arg-type, return-value]
    assert not made, "nobody asks any more: nothing is copied"
