"""An avatar's clock, for longer than anybody watches a test: a day, four hours, 1,000 clips."""

from __future__ import annotations

import io
import random
import threading
import time
import tracemalloc
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from appliance.avatars.avatar import load_avatar
from appliance.avatars.clip import samples_until
from appliance.config.settings import Settings, SourceSettings, VoiceSettings
from appliance.media.frame import Frame, blank
from appliance.networks.none import NoNetwork
from appliance.pipeline.cpu import Pipeline
from appliance.playout.playout import Playout, TurnRefused
from appliance.playout.turn import Piece
from appliance.sources.avatar import source as source_module
from appliance.sources.avatar.source import AvatarSource
from appliance.system import malloc
from appliance.voices.make import make_voice
from tests.avatars import make_tiny_avatar, tiny_number, tiny_steps
from tests.playout.speech import WordVoice, spoken_words, ticks_until
from tests.scenes import Stage
from tests.voices.tones import Tones

pytestmark = pytest.mark.soak

SIZE = (160, 120)


def feed(playout: Playout, samples: int) -> None:
    """A turn whose speech is all here at once, so that no thread is waited for."""
    turn = playout.open_turn("replace")
    turn.add(Piece(np.full((samples, 2), 500, np.int16)), 1)
    turn.complete()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fps", [(25, 1), (30000, 1001)])
def test_a_day_of_ticks_has_exactly_its_samples(fps: tuple[int, int], tmp_path: Path) -> None:
    """Whatever is said, done and interrupted meanwhile; after every single tick."""
    playout = Playout(load_avatar(make_tiny_avatar(tmp_path / "tiny", fps=fps)))
    chance = random.Random(18)
    ticks = 24 * 3600 * fps[0] // fps[1]
    sent, next_one = 0, 0
    began = time.thread_time()
    for number in range(ticks):
        if number == next_one:
            next_one += chance.randrange(1, 4000)
            match chance.randrange(3):
                case 0:
                    feed(playout, chance.randrange(1, 400_000))
                case 1:
                    playout.play("wave")
                case _:
                    playout.interrupt()
        sent += len(playout.tick().samples)
        if sent != samples_until(number + 1, fps):
            pytest.fail(f"{sent} samples after {number + 1} ticks")
    took = time.thread_time() - began
    print(f"{ticks} ticks, {sent} samples, {1e6 * took / ticks:.1f} us of CPU a tick")
    assert sent == ticks * 48_000 * fps[1] // fps[0]
    assert playout.counts.samples == sent
    playout.close()


class Studio:
    """The avatar as a source, as fast as it goes, and the pipeline behind it, with captions."""

    def __init__(self, folder: Path, voice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(source_module, "make_voice", lambda settings: voice)
        self.source = AvatarSource(SourceSettings(pace="fast"), str(folder))
        format = self.source.open(None)
        assert self.source.playout is not None
        self.playout = self.source.playout
        settings = Settings.model_validate(
            {"stages": {"captions": {"enabled": True}}, "source": {"pace": "fast"}}
        )
        stage = Stage(format.width, format.height)
        self.pipeline = Pipeline(settings, format, NoNetwork(), stage)
        self.out = blank(format.width, format.height, format.colour)
        self.frames = self.samples = 0

    def frame(self) -> Frame:
        """The next composite; it is overwritten by the one after it."""
        frame = self.source.read(1)
        assert frame is not None
        assert frame.serial == self.frames
        self.frames += 1
        self.samples += sum(len(block.samples) for block in self.source.sounds())
        self.pipeline.process(frame, self.out)
        return self.out

    def close(self) -> None:
        self.source.close()
        self.pipeline.close()


@pytest.mark.timeout(600)
def test_a_thousand_changes_of_clip_lose_and_repeat_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every picture that comes out of the pipeline is the one that follows in the graph."""
    folder = make_tiny_avatar(tmp_path / "tiny", size=SIZE)
    steps, chance = tiny_steps(), random.Random(1000)
    studio = Studio(folder, WordVoice(), monkeypatch)
    changes, before = 0, None
    actions = 0
    while changes < 1000:
        match chance.randrange(60):
            case 0:
                studio.playout.play("wave", "replace")
            case 1:
                studio.playout.interrupt()
            case 2:
                feed(studio.playout, chance.randrange(1, 40_000))
            case _:
                pass
        number = tiny_number(studio.frame().y)
        if before is not None:
            assert (before, number) in steps
            changes += number[0] != before[0]
            actions += number == (2, 0)
        before = number
    counts = studio.playout.counts
    print(f"{changes} changes in {counts.ticks} frames, {actions} actions, {counts.cuts} cuts")
    assert counts.cuts == 0
    assert actions > 50
    assert studio.samples == samples_until(studio.frames, (25, 1))
    studio.close()


def recording(text: str) -> bytes:
    """Those words as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        written.writeframes(spoken_words(text, rate=16_000).pcm.tobytes())
    return file.getvalue()


class Moody(Tones):
    """Speaks, as a rule; sometimes dies in the middle, or holds its breath until it is stopped."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance

    def stream(self, text: str, cancel: threading.Event) -> Iterator[Any]:
        mood = self.chance.randrange(20)
        for index, speech in enumerate(super().stream(text, cancel)):
            if mood == 0 and index == 1:
                raise RuntimeError("out of breath")
            if mood == 1 and index == 1:
                cancel.wait(5)
                return
            yield speech


TEXTS = (
    "One two. [action:wave] Three four five. Six!",
    "你好 世界。 " * 3,
    "مرحبا بالعالم.",
    "A longer sentence with many words in it, that goes on for a while. " * 4,
    "[action:wave]",
    "Yes. 🙂 No.",
)


def ask(studio: Studio, chance: random.Random) -> None:
    """Something at random."""
    playout, how = studio.playout, chance.choice(("queue", "replace"))
    try:
        match chance.randrange(8):
            case 0 | 1 | 2:
                playout.speak(chance.choice(TEXTS), how)
            case 3:
                playout.interrupt()
            case 4:
                playout.play("wave", how)
            case 5:
                playout.recite(recording("раз два три"), "раз два три", how)
            case 6:
                # Pieces from outside, which stop half of the time.
                turn = playout.open_turn(how)
                turn.add(Piece(np.full((chance.randrange(1, 90_000), 2), 900, np.int16)), 0.1)
                if chance.randrange(2):
                    turn.complete()
            case _:
                feed(playout, chance.randrange(1, 200_000))
    except TurnRefused:
        playout.interrupt()


def held() -> tuple[float, int, int]:
    """MB of memory of its own, threads and descriptors of this process."""
    malloc.give_back()
    text = Path("/proc/self/smaps_rollup").read_text()
    line = next(line for line in text.splitlines() if line.startswith("Anonymous:"))
    tasks, files = (len(list(Path(f"/proc/self/{name}").iterdir())) for name in ("task", "fd"))
    return int(line.split()[1]) / 1000, tasks, files


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged: structlog's own way to show an exception takes megabytes."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("quiet")
@pytest.mark.timeout(1800)
def test_four_hours_of_random_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory, threads and descriptors stay; sound is exact; the avatar idles at the end."""
    malloc.bound()
    folder = make_tiny_avatar(tmp_path / "tiny", size=SIZE, frames=50, sounding=True)
    chance = random.Random(4)
    studio = Studio(folder, Moody(random.Random(5)), monkeypatch)
    # A voice that hangs is given up soon, as a second of it is minutes of these.
    studio.playout._patience = 0.2
    hours = 4 * 3600 * 25
    next_one, seen = 0, []
    for number in range(hours):
        if number == next_one:
            next_one += chance.randrange(1, 250)
            ask(studio, chance)
        studio.frame()
        if number % (hours // 20) == hours // 20 - 1:
            # Speech that waits is held while it waits.
            studio.playout.interrupt()
            seen.append(held())
            print(f"{number + 1} frames: {seen[-1]}", flush=True)
    ends = [turn.state for turn in studio.playout.turns()]
    print(f"{studio.playout.counts}, {ends}")
    assert studio.samples == samples_until(hours, (25, 1))
    # What is warm after 36 minutes is compared with the rest.
    memory, threads, files = zip(*seen[2:], strict=True)
    assert max(memory[-3:]) <= min(memory[:3]) + 4
    assert max(threads) <= threads[0] + 3
    assert max(files) <= files[0]
    studio.playout.interrupt()
    for _ in range(400):
        studio.frame()
    assert studio.playout.idles
    studio.close()


def test_what_a_picture_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 720p, while it speaks, acts and is interrupted: time of its own, and memory asked for."""
    folder = make_tiny_avatar(tmp_path / "tiny", size=(1280, 720), frames=50, sounding=True)
    monkeypatch.setattr(source_module, "make_voice", lambda settings: None)
    source = AvatarSource(SourceSettings(pace="fast"), str(folder))
    source.open(None)
    playout = source.playout
    assert playout is not None

    def read() -> None:
        source.read(1)
        source.sounds()

    def times(what: Callable[[], object], count: int) -> str:
        took = []
        for number in range(count):
            if number % 150 == 0:
                feed(playout, 400_000)
            elif number % 150 == 110:
                playout.play("wave", "replace")
            began = time.thread_time_ns()
            what()
            took.append((time.thread_time_ns() - began) / 1000)
        parts = ", ".join(f"{np.percentile(took, p):.0f}" for p in (50, 99, 100))
        return f"{parts} us of CPU (median, p99, most)"

    print(f"a tick {times(playout.tick, 3000)}; a read {times(read, 3000)}")
    tracemalloc.start()
    most = 0
    for number in range(600):
        if number % 150 == 0:
            feed(playout, 400_000)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        read()
        most = max(most, tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    print(
        f"{most / 1000:.0f} kB at most within a read; a picture has {1280 * 720 * 2.5 / 1000:.0f}"
    )
    assert most < 100_000
    source.close()


SPEECH = (
    "In the morning the harbour is quiet, and boats lie still in the water. Later on, people "
    "come with baskets and bring bread, fruit and flowers to the market. Nobody is in a hurry"
    " there. Old men play chess under the trees; children run after the pigeons. At noon a "
    "bell rings, and all of them go home for lunch. Then it is quiet again until four.",
    "Take the second door on the left. Behind it, you will find the stairs. Go up two floors "
    "and turn right. The office is at the end of the corridor, next to the window. Bring a "
    "document with your name and picture. The staff will check it, and print a badge for you."
    " Keep the badge with you all day. When you leave, drop it into the box beside the exit. "
    "Thanks a lot!",
    "Please take a seat. Coffee is on the left. Tea is on the right! Do you see the door?",
)


@pytest.mark.parametrize("fps", [(25, 1), (30, 1)])
def test_captions_lie_at_the_first_sounds_of_a_real_voice(
    fps: tuple[int, int], tmp_path: Path
) -> None:
    """Each cue's first picture against the nearest sound that begins after a pause."""
    pytest.importorskip("hibari")
    playout = Playout(
        load_avatar(make_tiny_avatar(tmp_path / "tiny", fps=fps)),
        make_voice(VoiceSettings(name="hibari")),
    )
    off = []
    for text in SPEECH:
        number = playout.speak(text).number
        turn = next(one for one in playout._turns if one.number == number)
        deadline = time.monotonic() + 30
        before = playout._number
        while not turn._done and turn._made < 12 * 48_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        ticks = ticks_until(playout, lambda tick: not playout._turns, wait_s=60)
        sound = np.abs(np.concatenate([tick.samples[:, 0] for tick in ticks]).astype(int))
        loud = np.flatnonzero(sound > 600) + samples_until(before, fps)
        begins = loud[np.diff(loud, prepend=-48_000) > 2880]
        cues = [one for one in playout.events.after(0) if one.kind == "caption"]
        for cue in cues:
            if cue.turn == number:
                at = samples_until(cue.tick, fps)
                off.append(float(min((at - begins) / 48, key=abs)))
    print(f"{len(off)} cues, {min(off):.1f} to {max(off):.1f} ms, median "
          f"{np.median(np.abs(off)):.1f} off")  # fmt: skip
    assert len(off) > 12
    assert np.abs(off).max() <= 40
    playout.close()
