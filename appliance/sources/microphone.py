"""A microphone: a sound card by ALSA, or a source of PulseAudio's or PipeWire's.

    alsasrc or pulsesrc ! audioconvert ! audioresample ! appsink

It has a thread of its own, and is opened again for ever, apart from the picture: a microphone that
is missing, in use or unplugged never stops the picture, there is silence until it is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import structlog

from appliance.config.settings import SourceSettings
from appliance.config.sound_uris import PULSE, device_of
from appliance.errors import MatteboxError, SourceError
from appliance.media.audio import CHANNELS, RATE, AudioBlock
from appliance.media.audio_ring import AudioRing
from appliance.media.gst import Gst, error_text
from appliance.sources.elements import chain, make
from appliance.sources.sample_clock import SampleClock
from appliance.system.microphones import sound_inputs

log = structlog.get_logger(__name__)

_FORM = f"audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels={CHANNELS}"
_GLANCE_S = 0.1
_STOP_S = 1.5
# How long a microphone that runs may give nothing.
_LATEST_S = 3.0
# What is heard right after opening is left out: it comes in bursts, and says nothing about time.
_SETTLE_S = 0.2
# How many times as fast as time sound may come, over the first second: no clock is that wrong.
_FASTEST = 1.5
# Microseconds: how much the card collects before it hands it over, and how much it can hold.
_PERIOD_US, _BUFFER_US = 10_000, 400_000

State = Literal["opening", "live", "waiting", "none"]


@dataclass(frozen=True, slots=True)
class MicrophoneState:
    """How a microphone is doing: ``state``, and ``reason`` in words for people.

    opening: being opened. live: sound comes. waiting: it failed and will soon be tried again.
    none: the camera has no microphone, at the moment.
    """

    state: State
    reason: str = ""


class Microphone:
    """Records from one microphone into the ring.

    Attributes:
        uri: its address; that of the latest try, "" if there was none to try.
        state: see ``MicrophoneState``.
        reopened: times that it was opened again.
    """

    def __init__(
        self, find: Callable[[], str | None], settings: SourceSettings, ring: AudioRing
    ) -> None:
        """``find``: its address, asked at each try; None where the camera has no microphone."""
        self.uri = ""
        self.state = MicrophoneState("opening")
        self.reopened = 0
        self._find, self._settings, self._ring = find, settings, ring
        self._stop = threading.Event()
        self._pipeline: Any = None
        self._told: str | None = None
        self._was_live = False
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)

    def start(self) -> None:
        """Begin; never waits for the microphone."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Have the thread end soon; ``stop`` waits for it."""
        self._stop.set()

    def stop(self, timeout: float = 2.0) -> bool:
        """End it; False if it has not let go of the device after ``timeout`` seconds."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # Inside the thread.

    def _run(self) -> None:
        wait = self._settings.retry_first_s
        try:
            while not self._stop.is_set():
                reason = self._once()
                if self._stop.is_set():
                    return
                self._ring.expect(False, by=self)
                if self.state.state == "live":
                    wait, self._told = self._settings.retry_first_s, None
                if reason is not None:
                    self._tell(reason, wait)
                self._stop.wait(wait)
                wait = min(wait * 2, self._settings.retry_most_s)
        finally:
            self._ring.expect(False, by=self)

    def _tell(self, reason: str, wait: float) -> None:
        self.state = MicrophoneState("waiting", f"{reason}; next try in {wait:.3g} s")
        # The same trouble again and again is logged once, not at each try.
        if reason != self._told:
            log.warning(
                "the microphone gives no sound; the picture goes on with silence", reason=reason,
                retry_every_s=f"{self._settings.retry_first_s:.3g} to "
                f"{self._settings.retry_most_s:.3g}",
            )  # fmt: skip
        self._told = reason

    def _once(self) -> str | None:
        """Open and record until it ends; returns why it failed, None if there is none to open."""
        found = self._find()
        if found is None:
            if self.state.state != "none":
                log.info("the camera has no microphone of its own: silence")
            self.state = MicrophoneState("none", "the camera has no microphone of its own")
            return None
        self.uri = found
        if self.state.state != "waiting":
            self.state = MicrophoneState("opening")
        try:
            self._record(self._open(found))
        except MatteboxError as error:
            return str(error)
        except Exception as error:
            reason = f"{found}: {type(error).__name__}: {error}"
            if reason != self._told:
                log.exception("the microphone failed where nobody expected it")
            return reason
        finally:
            self._close()
        return None

    def _open(self, uri: str) -> Any:
        self._pipeline = pipeline = Gst.Pipeline()
        # Every sample as it was taken: by default those that the clocks differ by are skipped.
        options = {
            "provide_clock": False, "slave_method": "re-timestamp", "latency_time": _PERIOD_US,
            "buffer_time": _BUFFER_US,
        }  # fmt: skip
        device = device_of(uri)
        if uri.startswith(PULSE):
            source = make("pulsesrc", client_name="Mattebox", **options)
            if device:
                source.set_property("device", device)
        else:
            source = make("alsasrc", **options)
            source.set_property("device", device)
        sink = make(
            "appsink", sync=False, max_buffers=200, drop=True, enable_last_sample=False,
        )  # fmt: skip
        sink.set_property("caps", Gst.Caps.from_string(_FORM))
        chain(pipeline, [source, make("audioconvert"), make("audioresample"), sink])
        pipeline.use_clock(Gst.SystemClock.obtain())
        if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            self._look(uri)
            raise SourceError(f"{uri}: GStreamer could not start it")
        return sink

    def _record(self, sink: Any) -> None:
        clock, count, began, heard = SampleClock(), 0, 0.0, False
        deadline = time.monotonic() + _LATEST_S
        while not self._stop.is_set():
            sample = sink.try_pull_sample(int(_GLANCE_S * Gst.SECOND))
            arrived, now = time.monotonic_ns(), time.monotonic()
            self._look(self.uri)
            if sample is None:
                if now > deadline:
                    raise SourceError(
                        f"{self.uri}: nothing for {_LATEST_S:g} s, not even silence; is it there?"
                    )
                continue
            deadline = now + _LATEST_S
            buffer = sample.get_buffer()
            if buffer.has_flags(Gst.BufferFlags.DISCONT):
                clock.restart()
            data = buffer.extract_dup(0, buffer.get_size())
            samples = np.frombuffer(data, np.int16).reshape(-1, CHANNELS)
            pts = clock.enter(len(samples), arrived)
            began, count = began or now, count + len(samples)
            if count > _FASTEST * RATE * (now - began + 1):
                raise SourceError(f"{self.uri}: it gives sound faster than time passes")
            if now - began < _SETTLE_S:
                continue
            if not heard:
                self._begin()
            self._ring.put(AudioBlock(samples, pts, restart=not heard), by=self)
            heard = True

    def _begin(self) -> None:
        if self._was_live:
            self.reopened += 1
        log.info("the microphone is open", uri=self.uri, reopened=self.reopened)
        self._was_live, self.state = True, MicrophoneState("live")
        self._ring.expect(True, by=self)

    def _look(self, uri: str) -> None:
        """Raise what the pipeline has reported."""
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR | Gst.MessageType.EOS)
        if message is None:
            return
        if message.type == Gst.MessageType.EOS:
            raise SourceError(f"{uri}: the microphone has ended")
        raise SourceError(_words(uri, error_text(message)))

    def _close(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is None:
            return
        # A driver that does not answer can block the state change for ever.
        closer = threading.Thread(
            target=pipeline.set_state, args=(Gst.State.NULL,), name="mic-close", daemon=True
        )
        closer.start()
        closer.join(_STOP_S)
        if closer.is_alive():
            log.warning("a microphone does not let go; left behind", uri=self.uri)


def _words(uri: str, text: str) -> str:
    """What went wrong, and what to do about it."""
    low = text.lower()
    if uri.startswith(PULSE):
        if "refused" in low or "connect" in low:
            return (
                f"{uri}: there is no sound server to be reached ({text}); PulseAudio and PipeWire "
                "run for a user who is logged in: a service takes alsa://, or PULSE_SERVER"
            )
        return f"{uri}: {text}; pactl list short sources names what there is"
    if "busy" in low:
        return (
            f"{uri}: another program is using the microphone; end it (fuser -v /dev/snd/* names "
            f"it), or take it from the sound server: pulse:// ({text})"
        )
    there = ", ".join(one.uri for one in sound_inputs()) or "none"
    return f"{uri}: {text} (microphones here: {there}); is it plugged in?"
