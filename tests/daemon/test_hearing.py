"""Where sound comes from, and what becomes of it, in a running appliance."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Settings, SoundSettings, SourceSettings
from appliance.daemon.audio_bus import AudioBus
from appliance.daemon.daemon import Daemon
from appliance.daemon.hearing import microphone
from appliance.media.audio import RATE, AudioBlock, time_of
from appliance.media.audio_ring import FADE, AudioRing
from tests.daemons import running
from tests.media.sounds import I16, clicks, sine
from tests.sources.microphones import PulseServer, wait_until

TONE = {"uri": "test://black", "size": "160x90", "fps": 15}


class Ear:
    """What the first output is sent, as whoever listens to it hears it."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.blocks: list[AudioBlock] = []

    def listen(self) -> I16:
        """What came since the last call."""
        got = self.daemon.outputs[0].sounds.take()
        self.blocks += got
        return np.concatenate([np.zeros((0, 2), np.int16), *(block.samples for block in got)])

    def peak(self, seconds: float = 0.3) -> int:
        """The loudest of the next so many seconds of sound."""
        self.listen()
        found = np.zeros((0, 2), np.int16)

        def more() -> bool:
            nonlocal found
            found = np.concatenate((found, self.listen()))
            return len(found) >= seconds * RATE

        wait_until(more)
        return int(np.abs(found.astype(int)).max())

    def check_whole(self) -> None:
        """Each block joins on to the last, and nowhere is a click."""
        self.listen()
        for one, other in zip(self.blocks, self.blocks[1:], strict=False):
            assert abs(other.pts - one.pts - one.duration) <= 2 * time_of(1)
        every = np.concatenate([block.samples for block in self.blocks])
        assert clicks(every, peak=3277) < 1.5


def but(daemon: Daemon, **sections: Any) -> Settings:
    """The daemon's settings with some keys changed."""
    data = daemon.settings.model_dump()
    for name, value in sections.items():
        data[name] = data[name] | value
    return Settings.model_validate(data)


@pytest.fixture
def deaf_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the sound in the output's queue, for the test to take."""
    monkeypatch.setattr("appliance.outputs.feeder.OutputFeeder._hear", lambda _: None)


@pytest.mark.usefixtures("deaf_output")
def test_the_tone_is_muted_made_louder_and_exchanged_without_a_click(
    monkeypatch: pytest.MonkeyPatch, network: Path, pulse: PulseServer
) -> None:
    with running(monkeypatch, network, source=TONE) as (daemon, _, _):
        ear, feeder = Ear(daemon), daemon.feeder
        wait_until(lambda: len(ear.listen()) > 0)
        # -20 dBFS.
        assert ear.peak() == 3277
        assert daemon.hearing.state.state == "live"
        assert daemon.sound.meter.level_db == pytest.approx(-20, abs=0.2)
        daemon.apply(but(daemon, sound={"volume": -6.0}))
        wait_until(lambda: ear.peak(0.1) == pytest.approx(3277 * 10 ** (-6 / 20), abs=2))
        daemon.apply(but(daemon, sound={"mute": True}))
        wait_until(lambda: ear.peak(0.1) == 0)
        daemon.apply(but(daemon, sound={"mute": False, "volume": 0.0}))
        wait_until(lambda: ear.peak(0.1) == 3277)
        ear.check_whole()
        assert daemon.feeder is feeder, "the picture went on"
        # A microphone in its place, and back. The tone's source stays deaf meanwhile.
        daemon.apply(but(daemon, source={"sound": "pulse://null.monitor"}))
        wait_until(lambda: daemon.hearing.state.state == "live")
        wait_until(lambda: ear.peak(0.1) > 10_000)
        assert daemon.hearing.state.uri == "pulse://null.monitor"
        pulse.stop()
        wait_until(lambda: daemon.hearing.state.state == "waiting")
        composites = daemon.programme.composites
        wait_until(lambda: ear.peak(0.1) == 0)
        wait_until(lambda: daemon.programme.composites > composites + 3)
        daemon.apply(but(daemon, source={"sound": "auto"}))
        wait_until(lambda: ear.peak(0.1) == 3277)
        assert "microphone" not in {thread.name for thread in threading.enumerate()}
        daemon.apply(but(daemon, source={"sound": "none"}))
        wait_until(lambda: ear.peak(0.1) == 0)
        assert daemon.hearing.state.reason == "source.sound is none"


@pytest.mark.usefixtures("deaf_output")
@pytest.mark.parametrize("what", ["keep", "mute"])
def test_the_voice_beside_the_placeholder(
    monkeypatch: pytest.MonkeyPatch, network: Path, what: str
) -> None:
    with running(
        monkeypatch, network, source=TONE, sound={"with_placeholder": what}
    ) as (daemon, recorder, matting):  # fmt: skip
        ear = Ear(daemon)
        recorder.wait_for("background", 2)  # nobody is in that picture
        wait_until(lambda: ear.peak(0.1) == 3277)
        matting.break_it("throws")
        recorder.wait_for("slate", 2)
        wait_until(lambda: ear.peak(0.2) == (3277 if what == "keep" else 0))
        matting.mend()
        recorder.wait_for("background", 2)  # nobody is in that picture
        wait_until(lambda: ear.peak(0.2) == 3277)
        ear.check_whole()


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ({"uri": "demo://"}, None),
        ({"uri": "clip.mp4"}, None),
        ({"uri": "rtsp://camera/main"}, None),
        ({"uri": "v4l2:///dev/video9"}, "v4l2:///dev/video9"),
        ({"uri": "v4l2:///dev/video9", "sound": "none"}, None),
        ({"uri": "v4l2:///dev/video9", "sound": "alsa://hw:1"}, "alsa://hw:1"),
        ({"uri": "rtsp://camera/main", "sound": "pulse://"}, "pulse://"),
    ],
)
def test_which_sources_take_their_sound_from_a_microphone(
    source: dict[str, str], known: str | None
) -> None:
    found = microphone(SourceSettings(**source))
    assert (None if found is None else found[0]) == known
    if found is not None:
        # There is no such camera here, so it has no microphone either.
        assert found[1]() == (None if known == "v4l2:///dev/video9" else known)


def test_the_bus_clips_what_is_too_loud() -> None:
    ring = AudioRing()
    bus = AudioBus(ring, SoundSettings(volume=20.0))
    bus.take(0, 0, placeholder=False)
    ring.put(AudioBlock(sine(4800, peak=32_000), 0))
    got = bus.take(time_of(4800), 0, placeholder=False).samples
    assert bus.clipped > 4800
    assert np.abs(got.astype(int)).max() >= 32_767
    # Where it is loud it is loud in the same direction: nothing wraps around.
    loud = np.abs(sine(4800, peak=32_000)[FADE:-FADE]) > 4000
    assert (np.sign(got[FADE:-FADE][loud]) == np.sign(sine(4800)[FADE:-FADE][loud])).all()


def test_a_delay_lays_sound_behind_its_picture() -> None:
    ring = AudioRing()
    bus = AudioBus(ring, SoundSettings(delay_ms=100))
    bus.take(0, 0, placeholder=False)
    ring.put(AudioBlock(sine(9600), 0))
    got = bus.take(time_of(9600), 0, placeholder=False).samples
    assert not got[:4800].any()
    assert np.array_equal(got[4800 + 100 : -FADE], sine(4800 - 100 - FADE, 100))
