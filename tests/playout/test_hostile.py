"""What a kiosk left alone for months meets: each once made the avatar mute, stuck, or too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import Avatar, SeamEntry, load_avatar, save_manifest
from appliance.avatars.clip import Clip
from appliance.faces.base import FaceSpec, Patch, Shown, Spoken
from appliance.media.frame import Rect
from appliance.playout.playout import MOST_TURNS, Playout, TurnRefused
from appliance.playout.script import Script
from appliance.playout.speaker import Speaker
from appliance.playout.turn import Piece, Turn
from appliance.playout.walk import Place
from appliance.voices.base import Speech
from tests.avatars import make_tiny_avatar
from tests.playout.speech import WordVoice, ready, spoken_words, ticks_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_avatar(tmp_path_factory.mktemp("avatars") / "tiny")


@pytest.fixture(scope="module")
def avatar(folder: Path) -> Avatar:
    return load_avatar(folder)


@pytest.fixture
def playout(avatar: Avatar) -> Iterator[Playout]:
    with_voice = Playout(avatar, WordVoice())
    yield with_voice
    with_voice.close()


def kinds(playout: Playout) -> list[str]:
    return [event.kind for event in playout.events.after(0) if event.kind != "word"]


def with_seams(folder: Path, *seams: SeamEntry) -> Avatar:
    """The tiny avatar with other seams only."""
    avatar = load_avatar(folder)
    save_manifest(folder, avatar.manifest.model_copy(update={"seams": seams}))
    return load_avatar(folder)


def way_to_wave(avatar: Avatar) -> SeamEntry:
    """A seam with frames of its own from the end of idle to wave."""
    made = next(seam for seam in avatar.manifest.seams if seam.frames)
    return made.model_copy(update={"source": "idle", "target": "wave", "key": "in"})


def test_an_interrupt_on_the_way_into_an_action_turns_round(tmp_path: Path) -> None:
    folder = make_tiny_avatar(tmp_path / "tiny", frames=40)
    before = load_avatar(folder).manifest.seams
    out = SeamEntry(source="wave", exit=2, target="idle", entry=0)
    into = way_to_wave(load_avatar(folder))
    kept = [s for s in before if s.target != "wave"]
    with Closing(Playout(with_seams(folder, *kept, out, into))) as playout:
        playout.play("wave")
        ticks_until(playout, lambda tick: tick.place.seam == into)
        playout.interrupt()
        places = [playout.tick().place for _ in range(30)]
    assert places[0] == Place("idle", into.exit)
    assert not [place for place in places if place.clip == "wave" and place.seam is None]


def test_an_interrupt_at_the_begin_of_an_action_leaves_it_at_its_first_exit(tmp_path: Path) -> None:
    folder = make_tiny_avatar(tmp_path / "tiny", frames=40)
    before = load_avatar(folder).manifest.seams
    out = SeamEntry(source="wave", exit=2, target="idle", entry=0)
    kept = [s for s in before if s.target != "wave"]
    into = SeamEntry(source="idle", exit=3, target="wave", entry=0)
    with Closing(Playout(with_seams(folder, *kept, out, into))) as playout:
        playout.play("wave")
        ticks_until(playout, lambda tick: tick.place == Place("wave", 0))
        playout.interrupt()
        places = [playout.tick().place for _ in range(30)]
    assert [place.frame for place in places if place.clip == "wave"] == [1, 2]


class Closing:
    def __init__(self, playout: Playout) -> None:
        self.playout = playout

    def __enter__(self) -> Playout:
        return self.playout

    def __exit__(self, *error: object) -> None:
        self.playout.close()


def test_a_caption_goes_when_the_next_turn_has_none(playout: Playout) -> None:
    playout.speak("Hello.")
    ready(playout, 1)
    turn = playout.open_turn()
    turn.add(Piece(np.full((96_000, 2), 500, np.int16)), 0)
    ticks = ticks_until(playout, lambda tick: turn.taken > 40_000)
    assert ticks[-1].caption is None
    assert any(tick.caption for tick in ticks)


def test_a_caption_goes_while_a_voice_is_waited_for_and_comes_back(avatar: Avatar) -> None:
    go = threading.Event()

    class Halting(WordVoice):
        def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
            yield spoken_words("Hello")
            go.wait(5)
            yield spoken_words("you.", offset=6)

    with Closing(Playout(avatar, Halting())) as playout:
        playout.speak("Hello you.")
        ready(playout, 1)
        first = playout.tick().caption
        assert first is not None
        assert [playout.tick().caption for _ in range(40)][-1] is None
        go.set()
        ticks = ticks_until(playout, lambda tick: bool(tick.samples.any()))
        assert ticks[-1].caption is first


def test_a_long_word_keeps_its_caption(playout: Playout) -> None:
    from appliance.playout.turn import At

    playout.speak("Hello.")
    ready(playout, 1)
    turn = playout._turns[0]
    turn._ats = type(turn._ats)(at for at in turn._ats if at.kind != "viseme")
    turn._pieces.append(Piece(np.full((96_000, 2), 500, np.int16)))
    turn._made += 96_000
    assert isinstance(turn._ats[0], At)
    ticks = ticks_until(playout, lambda tick: turn.taken > 80_000)
    assert all(tick.caption for tick in ticks)


def test_no_action_is_forgotten_and_too_many_are_refused(playout: Playout) -> None:
    asked = MOST_TURNS + 2
    playout.speak("[action:wave] " * asked + "One.")
    ready(playout, 1)
    ticks_until(playout, lambda _: len(playout._actions) >= MOST_TURNS)
    with pytest.raises(TurnRefused, match="actions wait"):
        playout.play("wave")
    ticks_until(playout, lambda _: not playout._actions, most=40 * asked)
    assert kinds(playout).count("action") == asked
    playout.play("wave", "replace")


@pytest.mark.parametrize(
    "seams",
    [
        pytest.param(
            (SeamEntry(source="idle", exit=11, target="idle", entry=0),), id="no way to it"
        ),
        pytest.param(
            (
                SeamEntry(source="idle", exit=11, target="idle", entry=0),
                SeamEntry(source="idle", exit=5, target="wave", entry=3),
                SeamEntry(source="wave", exit=11, target="idle", entry=0),
            ),
            id="entered in its middle",
        ),
        pytest.param(
            (
                SeamEntry(source="idle", exit=11, target="wave", entry=0),
                SeamEntry(source="wave", exit=11, target="wave", entry=0),
            ),
            id="leads to itself only",
        ),
    ],
)
def test_an_action_comes_and_goes_whatever_seams_there_are(
    seams: tuple[SeamEntry, ...], tmp_path: Path
) -> None:
    avatar = with_seams(make_tiny_avatar(tmp_path / "tiny"), *seams)
    with Closing(Playout(avatar)) as playout:
        playout.play("wave")
        ready(playout, 1)
        clips = [playout.tick().place.clip for _ in range(80)]
        assert kinds(playout).count("action") == 1
        assert 0 < clips.count("wave") <= 12
        assert playout.idles


def test_a_speaker_given_up_too_late_loses_no_turn() -> None:
    """It gets over it in the moment in which it is given up."""
    speaker = Speaker()
    begun, go = threading.Event(), threading.Event()

    def first(cancel: threading.Event) -> Iterator[Piece]:
        begun.set()
        go.wait(5)
        yield Piece(np.zeros((10, 2), np.int16))

    one, two = Turn(1, Script("a")), Turn(2, Script("b"))
    speaker.speak(one, first)
    assert begun.wait(5)
    since = speaker.busy_since
    assert since is not None
    go.set()
    _until(lambda: one._done)
    speaker.speak(two, lambda cancel: iter([Piece(np.zeros((10, 2), np.int16))]))
    other = speaker.abandon(since)
    assert other is None
    _until(lambda: two._done)
    assert speaker.close()


def _until(done) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 5
    while not done():
        assert time.monotonic() < deadline, "not within its time"
        time.sleep(0.001)


def test_a_turn_is_spoken_though_the_voice_hangs_with_the_one_it_replaced(avatar: Avatar) -> None:
    go, hangs = threading.Event(), threading.Event()

    class Hanging(WordVoice):
        def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
            if "Old" in text:
                hangs.set()
                go.wait(5)
            yield spoken_words(text)

    with Closing(Playout(avatar, Hanging(), voice_timeout_s=0.05)) as playout:
        playout.speak("Old.")
        assert hangs.wait(5)
        playout.speak("New.", "replace")
        ticks_until(playout, lambda _: playout.turns()[-1].state not in ("queued", "speaking"))
        assert playout.turns()[-1].state == "finished"
        go.set()


def test_a_voice_that_cannot_be_closed_does_not_silence_the_next(avatar: Avatar) -> None:
    class Bad(WordVoice):
        def close(self) -> None:
            raise OSError("it is stuck")

    with Closing(Playout(avatar, Bad())) as playout:
        playout.use_voice(WordVoice())
        playout.speak("Hello.")
        ticks_until(playout, lambda _: "finished" in kinds(playout))


def test_nothing_is_taken_once_it_is_closed(avatar: Avatar) -> None:
    playout = Playout(avatar, WordVoice())
    playout.close()
    with pytest.raises(TurnRefused, match="opened anew"):
        playout.speak("Hello.")
    late = WordVoice()
    playout.use_voice(late)
    assert late.closed
    face = Driver()
    playout.use_face(face)
    assert face.closed


class Driver:
    name = "hostile"
    spec = FaceSpec()

    def __init__(self, *patches: Patch | None) -> None:
        self.patches = list(patches)
        self.closed = False

    def prepare(self, avatar: Avatar) -> None:
        pass

    def step(self, turn: int, shown: list[Shown], spoken: list[Spoken]) -> list[Patch | None]:
        return list(self.patches)

    def reset(self, turn: int) -> None:
        pass

    def close(self) -> None:
        self.closed = True


RECT = Rect(20, 20, 8, 8)
GOOD = Patch(RECT, np.zeros((8, 8), np.uint8), np.zeros((4, 4, 2), np.uint8))


@pytest.mark.parametrize(
    "patches",
    [
        (),
        (GOOD, GOOD),
        (replace(GOOD, uv=GOOD.uv.astype(np.float32)),),
        (replace(GOOD, mask=np.ones((8, 8), np.float32)),),
        (replace(GOOD, y=[1, 2, 3]),),  # type: ignore[arg-type]
        (Patch(Rect(20, 20, 0, 8), np.zeros((8, 0), np.uint8), np.zeros((4, 0, 2), np.uint8)),),
    ],
)
def test_a_driver_that_gives_nonsense_is_left_alone(
    avatar: Avatar, patches: tuple[Patch | None, ...]
) -> None:
    driver = Driver(*patches)
    with Closing(Playout(avatar, WordVoice())) as playout:
        playout.use_face(driver)
        playout.speak("One two three four five six seven eight nine ten.")
        ticks = ticks_until(playout, lambda _: "finished" in kinds(playout))
        assert not any(tick.patch for tick in ticks)
        assert playout._face is not None
        assert playout._face._thread.is_alive()


def test_what_is_shown_was_read_from_the_disk_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the clock waits for the disk, a page at a time."""
    folder = make_tiny_avatar(tmp_path / "tiny", frames=20)
    way = way_to_wave(load_avatar(folder))
    kept = [s for s in load_avatar(folder).manifest.seams if s.target != "wave"]
    avatar = with_seams(folder, *kept, way)
    asked: set[tuple[Path, int]] = set()
    soon = Clip.soon

    def noted(clip: Clip, index: int, count: int = 1) -> None:
        soon(clip, index, count)
        asked.update((clip.path, index + i) for i in range(count))

    monkeypatch.setattr(Clip, "soon", noted)
    with Closing(Playout(avatar)) as playout:
        playout.play("wave")
        ready(playout, 1)
        for number in range(100):
            before = set(asked)
            place = playout.tick().place
            # Idle clips are looped, and were read when they began.
            if place.seam is None and (place.frame > 7 or place.clip == "wave") and number > 7:
                assert (avatar.clips[place.clip].path, place.frame) in before
        assert "action" in kinds(playout)
