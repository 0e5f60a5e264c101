"""Microphones: real ALSA and a real sound server, which come, go, and come back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from appliance.config.settings import SourceSettings
from appliance.media.audio import RATE
from appliance.media.audio_ring import AudioRing
from appliance.media.gst import Gst
from appliance.sources.microphone import Microphone
from tests.media.sounds import I16, clicks, sine
from tests.sources.microphones import PulseServer, wait_until

SETTINGS = SourceSettings(retry_first_s=0.1, retry_most_s=0.2)
MS = 1_000_000


class Listener:
    """Takes from a ring what was said up to now, again and again."""

    def __init__(self) -> None:
        self.ring = AudioRing()
        self.heard: I16 = self.ring.take(time.monotonic_ns()).samples

    def listen(self) -> I16:
        """What came since the last call."""
        got = self.ring.take(time.monotonic_ns() - 100 * MS, 400 * MS).samples
        self.heard = np.concatenate((self.heard, got))
        return got

    def loud(self) -> bool:
        """Whether there is any sound in what came since the last call."""
        return bool(np.abs(self.listen()).max(initial=0) > 1000)


@contextmanager
def microphone(find: str | Callable[[], str | None]) -> Iterator[tuple[Microphone, Listener]]:
    listener = Listener()
    one = Microphone(find if callable(find) else lambda: find, SETTINGS, listener.ring)
    listener.ring.use(one)
    one.start()
    try:
        yield one, listener
    finally:
        assert one.stop(5)
    assert "microphone" not in {thread.name for thread in threading.enumerate()}


def test_a_sound_server_is_heard_and_heard_again_when_it_was_gone(pulse: PulseServer) -> None:
    with microphone("pulse://null.monitor") as (one, listener), capture_logs() as logs:
        wait_until(listener.loud)
        assert one.state.state == "live"
        begun = len(listener.heard)
        wait_until(lambda: (listener.listen(), len(listener.heard) > begun + RATE)[1])
        second = listener.heard[begun : begun + RATE]
        # A sine at full scale from the server's 44.1 kHz: whole, and without a step in it.
        assert clicks(second, peak=float(np.abs(second).max())) < 1.3
        assert listener.ring.cut == 0
        pulse.stop()
        wait_until(lambda: one.state.state == "waiting")
        assert "pulse://null.monitor" in one.state.reason
        assert "next try in" in one.state.reason
        wait_until(lambda: not listener.listen().any() and len(listener.heard) > 0)
        pulse.start()
        wait_until(listener.loud)
        assert one.state.state == "live"
        assert one.reopened == 1
    told = [entry["event"] for entry in logs if "gives no sound" in entry["event"]]
    assert 1 <= len(told) <= 3, "the same trouble is told once, not at each try"


def test_where_no_server_runs_the_words_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere/at/all")
    with microphone("pulse://") as (one, _):
        wait_until(lambda: one.state.state == "waiting")
        assert "no sound server to be reached" in one.state.reason
        assert "alsa://" in one.state.reason


@pytest.fixture
def alsa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """ALSA without a card: ``fifo`` hears what is written into the file that is given."""
    if Gst.ElementFactory.find("alsasrc") is None:
        pytest.skip("gstreamer1.0-alsa is not installed (make test installs it)")
    fifo, settings = tmp_path / "fifo", tmp_path / "asound.conf"
    os.mkfifo(fifo)
    settings.write_text(
        "pcm.quiet { type null }\n"
        f"pcm.fifo {{ type file slave.pcm quiet file /dev/null infile {fifo} format raw }}\n"
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(settings))
    return fifo


def test_a_device_of_alsas_is_heard(alsa: Path) -> None:
    done = threading.Event()

    def speak() -> None:
        first = 0
        with alsa.open("wb", buffering=0) as file:
            while not done.wait(0.01):
                try:
                    file.write(sine(480, first).tobytes())
                except BrokenPipeError:
                    return
                first += 480

    thread = threading.Thread(target=speak, daemon=True)
    with microphone("alsa://fifo") as (one, listener):
        thread.start()
        wait_until(listener.loud)
        assert one.state.state == "live"
        assert one.uri == "alsa://fifo"
        done.set()
    thread.join(5)


def test_a_microphone_that_is_not_there_is_asked_for_again_and_told_once(alsa: Path) -> None:
    with capture_logs() as logs, microphone("alsa://hw:7") as (one, listener):
        wait_until(lambda: sum("next try" in one.state.reason for _ in range(3)) == 3)
        assert one.state.state == "waiting"
        assert "is it plugged in?" in one.state.reason
        before = listener.ring.missing
        listener.listen()
        assert listener.ring.missing == before == 0, "what cannot come is not missing"
    assert sum("gives no sound" in entry["event"] for entry in logs) == 1


def test_a_device_that_runs_away_is_given_up(alsa: Path) -> None:
    with microphone("alsa://quiet") as (one, _):
        wait_until(lambda: one.state.state == "waiting")
        assert "faster than time" in one.state.reason


def test_a_camera_without_a_microphone_gets_one_when_it_is_replaced(pulse: PulseServer) -> None:
    found: list[str] = []
    with microphone(lambda: found[0] if found else None) as (one, listener):
        wait_until(lambda: one.state.state == "none")
        assert "no microphone of its own" in one.state.reason
        found.append("pulse://null.monitor")
        wait_until(listener.loud)
        assert one.state.state == "live"
