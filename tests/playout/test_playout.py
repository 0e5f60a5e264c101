from __future__ import annotations

import io
import random
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import Avatar, load_avatar
from appliance.avatars.clip import samples_until
from appliance.media.audio import I16
from appliance.playout.playout import MOST_TURNS, Playout, TurnRefused
from appliance.playout.turn import Piece
from appliance.voices.base import Mark, Speech
from tests.avatars import make_tiny_avatar, tiny_sound
from tests.playout.speech import LEVEL, WordVoice, ready, spoken_words, ticks_until


@pytest.fixture(scope="module")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> Avatar:
    return load_avatar(make_tiny_avatar(tmp_path_factory.mktemp("avatars") / "tiny"))


@pytest.fixture
def voice() -> WordVoice:
    return WordVoice()


@pytest.fixture
def playout(avatar: Avatar, voice: WordVoice) -> Iterator[Playout]:
    with_voice = Playout(avatar, voice)
    yield with_voice
    with_voice.close()


def kinds(playout: Playout) -> list[str]:
    return [event.kind for event in playout.events.after(0) if event.kind != "word"]


class LateVoice:
    """Says two words; the second is marked and heard so many milliseconds after the first's end."""

    name, language = "late", "en"

    def __init__(self, first_ms: int, silent_ms: int, mark_ms: int = 0) -> None:
        self.first_ms, self.silent_ms, self.mark_ms = first_ms, silent_ms, mark_ms

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Speech]:
        first = np.full(self.first_ms * 48, LEVEL, np.int16)
        second = np.zeros(4800, np.int16)
        second[self.silent_ms * 48 :] = LEVEL
        at = text.index("\n") + 1
        yield Speech(first, 48_000, (Mark(0, "word", "One", 0, 3),))
        yield Speech(second, 48_000, (Mark(self.mark_ms, "word", "Two", at, 3),))

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(
    ("first_ms", "silent_ms", "mark_ms", "tick"),
    [(100, 0, 0, 2), (101, 0, 0, 3), (159, 0, 0, 4), (85, 30, 0, 3), (90, 30, 60, 3)],
)
def test_a_caption_comes_with_the_picture_nearest_to_its_first_sound(
    avatar: Avatar, first_ms: int, silent_ms: int, mark_ms: int, tick: int
) -> None:
    playout = Playout(avatar, LateVoice(first_ms, silent_ms, mark_ms))
    playout.speak("One\nTwo")
    turn = playout._turns[0]
    deadline = time.monotonic() + 5
    while not turn._done and time.monotonic() < deadline:
        time.sleep(0.001)
    ticks_until(playout, lambda one: "finished" in kinds(playout))
    told = {
        (e.kind, e.data.get("word", e.data.get("text"))): e.tick for e in playout.events.after(0)
    }
    assert told["caption", "Two"] == tick
    assert told["word", "Two"] == (first_ms + mark_ms) // 40
    assert playout.track.since(1)[0].begin_ns == tick * 40_000_000
    playout.close()


def test_an_interrupt_takes_back_a_caption_that_was_to_come(avatar: Avatar) -> None:
    playout = Playout(avatar, LateVoice(110, 0))
    playout.speak("One\nTwo")
    turn = playout._turns[0]
    deadline = time.monotonic() + 5
    while not turn._done and time.monotonic() < deadline:
        time.sleep(0.001)
    for _ in range(3):
        playout.tick()
    assert playout._coming
    playout.interrupt()
    assert playout.tick().caption is None
    playout.close()


def test_nobody_asks_and_it_idles_in_true_silence(playout: Playout) -> None:
    for _ in range(50):
        tick = playout.tick()
        assert not tick.samples.any()
        assert len(tick.samples) == 1920
        assert tick.caption is None
        assert tick.patch is None


@pytest.mark.parametrize("fps", [(25, 1), (30000, 1001), (24, 1), (60000, 1001), (50, 3)])
def test_samples_are_exactly_the_ticks_at_every_rate(fps: tuple[int, int], tmp_path: Path) -> None:
    playout = Playout(load_avatar(make_tiny_avatar(tmp_path / "tiny", fps=fps)))
    counts = [len(playout.tick().samples) for _ in range(1000)]
    playout.close()
    assert sum(counts) == 1000 * 48_000 * fps[1] // fps[0]
    assert max(counts) - min(counts) <= 1
    day = 24 * 3600 * fps[0] // fps[1]
    assert samples_until(day, fps) == day * 48_000 * fps[1] // fps[0]


def test_a_text_is_heard_whole_at_once_and_told_as_it_is_played(playout: Playout) -> None:
    state = playout.speak("One two.\nThree!")
    assert (state.number, state.state) == (1, "queued")
    ready(playout, 1)
    ticks = ticks_until(playout, lambda tick: "finished" in kinds(playout))
    heard = np.concatenate([tick.samples for tick in ticks])
    assert (heard[:14_400] == LEVEL).all()
    assert not heard[14_400:].any()
    assert kinds(playout) == ["queued", "started", "caption", "caption", "finished"]
    words = [event for event in playout.events.after(0) if event.kind == "word"]
    assert [(event.data["word"], event.tick) for event in words] == [
        ("One", 0), ("two.", 2), ("Three!", 5),
    ]  # fmt: skip
    assert playout.turns()[0].state == "finished"
    assert playout.turns()[0].heard_s == pytest.approx(0.3)


def test_captions_come_with_their_first_word_and_go_a_little_after_the_last(
    playout: Playout,
) -> None:
    playout.speak("One two.\nThree!")
    ready(playout, 1)
    time.sleep(0.05)
    texts = [
        tick.caption.text if tick.caption else "" for tick in (playout.tick() for _ in range(40))
    ]
    assert texts[:5] == ["One two."] * 5
    assert texts[5:10] == ["Three!"] * 5
    assert "" in texts
    assert texts[-1] == ""


def test_two_turns_follow_each_other_without_a_gap(playout: Playout, voice: WordVoice) -> None:
    playout.speak("One.")
    playout.speak("Two.")
    ready(playout, 2)
    heard = np.concatenate([playout.tick().samples for _ in range(6)])
    assert (heard[:9600] == LEVEL).sum() >= 2 * 2 * 4800 - 2 * 1920
    ticks_until(playout, lambda tick: kinds(playout).count("finished") == 2)


def test_an_action_is_played_at_its_word_with_its_own_sound(playout: Playout) -> None:
    playout.speak("One two [action:wave] three four five six.")
    ready(playout, 1)
    ticks = ticks_until(playout, lambda tick: tick.place.clip == "wave" and tick.place.frame == 11)
    first = next(tick.number for tick in ticks if tick.place.clip == "wave")
    at = next(event.tick for event in playout.events.after(0) if event.data.get("word") == "three")
    # At the next exit after its word; the clip has one every six frames.
    assert at < first <= at + 6
    own = np.concatenate([t.samples for t in ticks if t.place.clip == "wave" and not t.place.seam])
    speech = np.zeros((len(own), 2), np.int64)
    left = max(0, 6 * 4800 - first * 1920)
    speech[:left] = LEVEL
    assert (own - speech == tiny_sound(2, len(own))).all()
    action = next(event for event in playout.events.after(0) if event.kind == "action")
    assert (action.turn, action.tick, action.data) == (1, first, {"action": "wave"})


def test_an_interrupt_is_silent_within_ten_milliseconds_and_idles_soon(playout: Playout) -> None:
    playout.speak("One two [action:wave] three four. " * 20)
    playout.speak("And more.")
    ready(playout, 1)
    ticks_until(playout, lambda tick: tick.place.clip == "wave" and tick.place.frame == 3)
    assert playout.interrupt() == 2
    after = [playout.tick() for _ in range(60)]
    heard = np.concatenate([tick.samples for tick in after])
    fade = heard[:480, 1]
    assert fade[0] > 0
    assert (np.diff(fade[fade > 3].astype(int)) <= 0).all()
    assert not heard[480:].any()
    assert kinds(playout)[-3:] == ["interrupted", "interrupted", "idle"]
    assert any(tick.place.clip == "idle" for tick in after)


def test_replace_ends_what_is_said_and_speaks_at_once(playout: Playout) -> None:
    playout.speak("One two three four five six.")
    ready(playout, 1)
    playout.tick()
    playout.speak("Seven.", "replace")
    ready(playout, 2)
    playout.tick()
    told = [(event.kind, event.turn) for event in playout.events.after(0)]
    assert ("interrupted", 1) in told
    assert told[-1] == ("word", 2)


def test_what_a_voice_gives_after_an_interrupt_is_never_heard(avatar: Avatar) -> None:
    go_on, reached = threading.Event(), threading.Event()

    def before(index: int, cancel: threading.Event) -> None:
        if index == 1:
            reached.set()
            assert go_on.wait(5)

    playout = Playout(avatar, WordVoice(before))
    playout.speak("One. Two.")
    assert reached.wait(5)
    playout.tick()
    playout.interrupt()
    first = playout.tick()
    go_on.set()
    heard = np.concatenate([tick.samples for tick in (playout.tick() for _ in range(50))])
    playout.close()
    assert not first.samples[480:].any()
    assert not heard.any()


def test_interrupts_at_every_moment_of_a_turn(avatar: Avatar) -> None:
    chance = random.Random(4)
    voice = WordVoice(lambda index, cancel: time.sleep(chance.random() * 0.002))
    playout = Playout(avatar, voice)
    for moment in range(40):
        playout.speak("One two [action:wave] three. Four.")
        for _ in range(moment % 12):
            playout.tick()
        playout.interrupt()
        playout.tick()
        for _ in range(3):
            assert not (playout.tick().samples == LEVEL).any()
    assert {state.state for state in playout.turns()} == {"interrupted"}
    playout.close()


def test_a_voice_that_fails_ends_its_turn_with_the_reason(avatar: Avatar) -> None:
    def before(index: int, cancel: threading.Event) -> None:
        raise RuntimeError("out of breath")

    playout = Playout(avatar, WordVoice(before))
    playout.speak("One.")
    ticks_until(playout, lambda tick: "failed" in kinds(playout))
    assert playout.turns()[0].reason == "the voice failed: RuntimeError: out of breath"
    assert playout.tick().place.clip.startswith("idle")
    playout.close()


def test_a_voice_that_hangs_is_given_up_and_the_next_turn_is_spoken(avatar: Avatar) -> None:
    let_go = threading.Event()

    def before(index: int, cancel: threading.Event) -> None:
        if len(voice.asked) == 1:
            assert let_go.wait(10)

    voice = WordVoice(before)
    playout = Playout(avatar, voice, voice_timeout_s=0.05)
    playout.speak("One.")
    playout.speak("Two.")
    ticks_until(playout, lambda tick: "finished" in kinds(playout))
    assert kinds(playout)[2:4] == ["failed", "started"]
    assert "gave nothing for 0.05 s" in playout.turns()[0].reason
    let_go.set()
    playout.close()


def test_without_a_voice_a_text_fails_in_words_and_actions_are_played(avatar: Avatar) -> None:
    playout = Playout(avatar, no_voice="no voice is installed: pip install x")
    playout.speak("One [action:wave]")
    ticks_until(playout, lambda tick: tick.place.clip == "wave")
    assert playout.turns()[0].reason == "no voice is installed: pip install x"
    playout.close()


def test_too_many_turns_are_refused_but_replace_is_not(playout: Playout) -> None:
    for _ in range(MOST_TURNS):
        playout.speak("One.")
    with pytest.raises(TurnRefused, match="wait already"):
        playout.speak("One more.")
    playout.speak("Now!", "replace")
    assert [state.state for state in playout.turns()][-1] == "queued"


def wav(samples: I16, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples.tobytes())
    return file.getvalue()


def test_a_recording_is_played_with_its_words(playout: Playout) -> None:
    # Not English, so that nothing listens for the words of a tone.
    text = "Привет всем"
    playout.recite(wav(spoken_words(text, rate=16_000).pcm, 16_000), text)
    ready(playout, 1)
    ticks = ticks_until(playout, lambda tick: "finished" in kinds(playout))
    heard = np.concatenate([tick.samples for tick in ticks])[:, 0]
    assert (np.abs(heard.astype(int) - LEVEL) < 100).sum() > 9400
    assert not heard[9600:].any()
    assert kinds(playout) == ["queued", "started", "caption", "finished"]


def test_a_recording_of_minutes_does_not_hold_up_whoever_asks(playout: Playout) -> None:
    began = threading.Event()
    minutes = wav(np.ones(8_000 * 150, np.int16), 8_000)
    asking = threading.Thread(target=lambda: (playout.recite(minutes), began.set()))
    asking.start()
    assert began.wait(5)
    asking.join()
    playout.interrupt()


def test_speech_in_pieces_from_outside(playout: Playout) -> None:
    turn = playout.open_turn()
    playout.tick()
    assert turn.add(Piece(np.full((3000, 2), LEVEL, np.int16)), 1)
    assert (playout.tick().samples == LEVEL).all()
    # The next piece is late: silence, and what comes then is not lost.
    assert (playout.tick().samples[:, 0] == LEVEL).sum() == 1080
    assert not playout.tick().samples.any()
    assert turn.add(Piece(np.full((960, 2), LEVEL, np.int16)), 1)
    turn.complete()
    assert (playout.tick().samples[:, 0] == LEVEL).sum() == 960
    playout.tick()
    assert kinds(playout) == ["queued", "started", "finished"]
    assert playout.counts.underruns == 1


def test_pieces_that_stop_coming_end_their_turn(avatar: Avatar) -> None:
    playout = Playout(avatar, voice_timeout_s=0.02)
    playout.open_turn()
    ticks_until(playout, lambda tick: "failed" in kinds(playout))
    playout.close()


def test_closing_ends_every_thread_and_the_voice(avatar: Avatar) -> None:
    before = set(threading.enumerate())
    voice = WordVoice()
    playout = Playout(avatar, voice)
    playout.speak("One. " * 500)
    playout.tick()
    playout.close()
    playout.close()
    assert voice.closed
    assert set(threading.enumerate()) <= before
    assert playout.events.closed


def test_a_turn_of_nothing_but_an_action_is_over_when_that_is(playout: Playout) -> None:
    playout.play("wave")
    playout.speak("And now.")
    ready(playout, 2)
    ticks = ticks_until(playout, lambda tick: "finished" in kinds(playout))
    assert kinds(playout)[:4] == ["queued", "queued", "action", "finished"]
    assert [tick.place.frame for tick in ticks if tick.place.clip == "wave"][:12] == list(range(12))
    playout.play("wave")
    ticks_until(playout, lambda tick: kinds(playout).count("action") == 2)
    assert playout.interrupt() == 1
