"""How soon an avatar speaks when it is asked to, and how soon it is silent when it is not to.

Its path is that of a session up to the encoders: what they would be handed is timed.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from appliance.avatars.avatar import avatars
from appliance.background.make import make_background
from appliance.config.settings import BackgroundSettings, Settings
from appliance.daemon.audio_bus import AudioBus
from appliance.daemon.negotiate import first_open
from appliance.daemon.placeholder import slate
from appliance.daemon.programme import Programme
from appliance.daemon.worker import Worker
from appliance.errors import InputError, VoiceError
from appliance.media.audio import AudioBlock, AudioQueue, time_of
from appliance.media.audio_ring import AudioRing
from appliance.media.canvas import BufferPool
from appliance.media.frame import Frame
from appliance.media.mailbox import Mailbox
from appliance.networks.none import NoNetwork
from appliance.pipeline.cpu import Pipeline
from appliance.playout.events import Event
from appliance.playout.playout import Playout
from appliance.sources.avatar.source import AvatarSource

TEXTS = (
    "Good morning, and welcome.", "How can I help you today?", "The lecture begins at nine.",
    "Please wait a moment.", "Your train leaves from platform four.", "That is a good question.",
    "The museum is open until six.", "I am looking for it now.", "Thank you very much.",
    "The weather will be fine tomorrow.", "You will find it on the second floor.",
    "Let me show you how it works.", "We have three rooms left.", "Yes, of course.",
    "This way, if you please.", "I did not quite understand.", "The next tour starts at noon.",
    "Have a pleasant day.", "It takes about ten minutes.", "Goodbye, and come again.",
)  # fmt: skip
_LOUD = 200
_WAIT_S = 20.0
_QUIET_S = 0.8


class Ear(AudioQueue):
    """Where an encoder would take its sound: notes when voiced samples come, and when they play."""

    def __init__(self) -> None:
        super().__init__()
        self.voiced = threading.Event()
        self.first_ns = self.last_ns = self.last_pts = 0

    def listen(self) -> None:
        """Note the next voiced sample as the first."""
        self.voiced.clear()

    def put(self, sound: AudioBlock) -> None:
        """See ``AudioQueue``; nothing is kept."""
        loud = np.flatnonzero(np.abs(sound.samples).max(axis=1) > _LOUD)
        if not len(loud):
            return
        now = time.monotonic_ns()
        self.last_ns = now
        self.last_pts = sound.pts + time_of(int(loud[-1]) + 1)
        if not self.voiced.is_set():
            self.first_ns = now
            self.voiced.set()


@dataclass(frozen=True, slots=True)
class TalkStage:
    """An avatar on air, without encoders."""

    playout: Playout
    ear: Ear


@contextmanager
def on_air(settings: Settings, avatar: str) -> Iterator[TalkStage]:
    """Play an avatar in real time over a colour. Raises InputError (AvatarError)."""
    data = settings.model_dump()
    data |= {"source": {"uri": f"avatar://{avatar}"}, "scenes": (), "outputs": [{"uri": "null://"}]}
    data |= {"http": {"enabled": False}, "rtsp": {}}
    own = Settings.model_validate(data)
    line, ear = AudioRing(), Ear()
    with ExitStack() as ending:
        feeder, format = first_open(own, line)
        ending.callback(feeder.stop)
        background = make_background(BackgroundSettings(uri="colour:#336699"), format)
        ending.callback(background.close)
        mailbox: Mailbox[Frame] = Mailbox()
        programme = Programme(
            format, [mailbox], lambda: slate(format), stall_s=own.matting.stall_s,
            reason=lambda: "", line=AudioBus(line, own.sound), sounds=[ear],
        )  # fmt: skip
        pipeline = Pipeline(own, format, NoNetwork(), background)
        worker = Worker(feeder.mailbox, pipeline, programme, BufferPool(format, 8))
        programme.start()
        ending.callback(programme.stop)
        worker.start()
        ending.callback(worker.stop)
        source = feeder.source
        assert isinstance(source, AvatarSource)
        assert source.playout is not None
        yield TalkStage(source.playout, ear)


def measure(settings: Settings, avatar: str, seed: int = 1) -> Any:
    """Figures in milliseconds, median and 95th percentile; the text's are over 20 utterances."""
    chance = random.Random(seed)
    with on_air(settings, avatar) as stage:
        _spoken(stage, "Once, to be warm.")
        starts = [_spoken(stage, text) for text in TEXTS]
        silences, silent_at, idles = [], [], []
        for number, text in enumerate(TEXTS):
            silence, handed, idle = _interrupted(stage, text, number, chance)
            silences.append(silence)
            silent_at.append(handed)
            idles.append(idle)
        counts = stage.playout.counts
    return {
        "avatar": avatar,
        "voice": stage.playout.voice,
        "format": str(stage.playout.format),
        "text_to_voice_ms": _summary(starts),
        "interrupt_to_last_sample_heard_ms": _summary(silences),
        "interrupt_to_last_sample_handed_on_ms": _summary(silent_at),
        "interrupt_to_idle_ms": _summary(idles),
        "cuts": counts.cuts,
        "underruns": counts.underruns,
        "late_patches": counts.late,
    }


def _spoken(stage: TalkStage, text: str) -> float:
    """Say a text to its end; returns when its first sample was handed on, ms after the text."""
    time.sleep(random.random() / 20)
    stage.ear.listen()
    after, began = stage.playout.events.last, time.monotonic_ns()
    stage.playout.speak(text)
    if not stage.ear.voiced.wait(_WAIT_S):
        raise VoiceError(f"nothing was said within {_WAIT_S:g} s: {stage.playout.turns()[-1]}")
    _await(stage, after, "finished")
    return (stage.ear.first_ns - began) / 1e6


def _interrupted(
    stage: TalkStage, text: str, number: int, chance: random.Random
) -> tuple[float, float, float]:
    """Interrupt a text, every other time within an action; see ``measure``, milliseconds."""
    playout, ear = stage.playout, stage.ear
    actions = playout.actions
    ear.listen()
    after = playout.events.last
    cue = f"[action:{actions[number // 2 % len(actions)]}] " if actions and number % 2 else ""
    playout.speak(cue + " ".join([text] * 6))
    ear.voiced.wait(_WAIT_S)
    if cue:
        _await(stage, after, "action")
    time.sleep(0.1 + chance.random())
    after, asked = playout.events.last, time.monotonic_ns()
    playout.interrupt()
    idle = 0.0 if playout.idles else _await(stage, after, "idle") - asked / 1e6
    time.sleep(_QUIET_S)
    heard = max(0.0, (ear.last_pts - asked) / 1e6)
    return heard, max(0.0, (ear.last_ns - asked) / 1e6), idle


def _await(stage: TalkStage, after: int, kind: str) -> float:
    """Wait for an event; returns when it came, ``time.monotonic()`` in milliseconds."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        events: list[Event] = stage.playout.events.after(after, 0.5)
        if any(event.kind == kind for event in events):
            return time.monotonic() * 1e3
        if events:
            after = events[-1].number
    raise VoiceError(f"no event {kind!r} within {_WAIT_S:g} s")


def _summary(values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{ordered[len(ordered) // 2]:.0f}, p95 {p95:.0f}, most {ordered[-1]:.0f}"


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Measure ``options.avatar``; print a table or JSON."""
    known = avatars()
    if options.avatar is None and not known:
        raise InputError(
            "--talk: there is no avatar to measure with; make one from a folder of clips: "
            "mattebox avatar make FOLDER"
        )
    result = measure(settings, options.avatar or known[0])
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        table = Table(title=f"{result['avatar']} speaks", show_header=False)
        for key, value in result.items():
            table.add_row(key.replace("_", " "), str(value))
        Console().print(table)
    return 0
