"""The sound of a stream, beside its pictures: decoded, brought to one form, set aside in time.

    a stream of decodebin's or rtspsrc's ! decodebin ! audioconvert ! audioresample ! appsink

Whatever is wrong with the sound, the picture goes on: this branch fails by falling silent.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

import numpy as np
import structlog

from appliance.media.audio import CHANNELS, RATE, AudioBlock
from appliance.media.clock import NO_TIME
from appliance.media.gst import Gst, error_text, first_structure
from appliance.sources.allowed import may_take_sound
from appliance.sources.elements import chain, make

log = structlog.get_logger(__name__)

_TRY, _SKIP = 0, 2
_FORM = f"audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels={CHANNELS}"
# Sound that nobody fetches yet, in seconds: a demuxer can be ahead of a small picture by minutes.
_MOST_HELD_S = 180.0
# How far ahead of its picture sound is given out: whoever takes it holds a few seconds only.
_AHEAD_NS = 1_000_000_000
# How far a file's sound may be ahead of what was fetched, in samples.
_AHEAD = 3 * RATE
_LONGEST_S = 30.0
# Without a picture for so long, it may be the sound that holds it up.
_STARVED_S = 0.5
_LOOK_S = 0.002
# Times in Matroska are in milliseconds.
_JITTER_NS = 2_000_000


class Heard:
    """What was decoded and is not fetched yet. Filled by streaming threads.

    A file that is played in a loop begins a round each time; the sound of a round is given out once
    the first picture of that round is there, as only that says where it lies.

    The sound of a file is made to wait when it is ahead of the pictures: they set the pace, and
    nothing else would keep a decoder from running through all of the sound at once.
    """

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, AudioBlock]] = deque()
        self._held = 0
        self._moved = threading.Condition()
        self._round = 0
        # Where what has come in this round ends, nanoseconds.
        self._reached = 0
        self._flushing = self._closed = False
        self._most, self._fetched = _AHEAD, time.monotonic()
        self.waits = False
        """Whether sound waits for the pictures."""
        self.lost = 0
        """Samples that nobody fetched in time."""

    def flush(self, *, flushing: bool) -> None:
        """A seek begins or is over: nobody waits meanwhile."""
        with self._moved:
            self._flushing = flushing
            self._moved.notify_all()

    @property
    def round(self) -> int:
        """The round of what comes now."""
        return self._round

    def next_round(self) -> None:
        """What comes from now on belongs to another round."""
        with self._moved:
            self._round += 1
            self._reached = 0

    def clear(self) -> None:
        """Forget everything: the source was opened anew."""
        with self._moved:
            self._blocks.clear()
            self._held = self._round = self._reached = 0
            self._most, self._closed, self._flushing = _AHEAD, False, False

    def close(self) -> None:
        """Let go of whoever waits."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    def let_on(self) -> None:
        """Let more sound come if pictures have long been waited for: they may lie behind it."""
        with self._moved:
            now = time.monotonic()
            if now - self._fetched > _STARVED_S:
                self._fetched, self._most = now, self._held + _AHEAD
                self._moved.notify_all()

    def reaches(self, until: int) -> bool:
        """Whether this round's sound has come up to a time, nanoseconds on the stream's line."""
        return self._reached + _JITTER_NS >= until

    def add(self, sound: AudioBlock) -> None:
        """Set a block aside; waits where the pictures are to set the pace."""
        with self._moved:
            self._blocks.append((self._round, sound))
            self._held += len(sound.samples)
            begins = self._reached if sound.pts == NO_TIME else sound.pts
            self._reached = begins + sound.duration
            while self._held > _MOST_HELD_S * RATE:
                _, oldest = self._blocks.popleft()
                self._held -= len(oldest.samples)
                self.lost += len(oldest.samples)
            if self.waits:
                # With an end, so that no fault of ours ever holds up a pipeline for good.
                self._moved.wait_for(
                    lambda: self._held <= self._most or self._flushing or self._closed, _LONGEST_S
                )

    def take(self, rounds: int, picture: int = NO_TIME) -> list[AudioBlock]:
        """What there is of the rounds up to this one, with the stream's own times.

        Of this round only what belongs near its newest picture, whose time is ``picture``, in
        nanoseconds; all of it if that is ``NO_TIME``.
        """
        found = []
        with self._moved:
            while self._blocks and self._blocks[0][0] <= rounds:
                of_round, sound = self._blocks[0]
                if of_round == rounds and picture != NO_TIME and sound.pts > picture + _AHEAD_NS:
                    break
                self._blocks.popleft()
                self._held -= len(sound.samples)
                # What came too late for its round would be placed in the next one.
                if of_round == rounds or not self.waits:
                    found.append(sound)
            self._most, self._fetched = _AHEAD, time.monotonic()
            self._moved.notify_all()
        return found


class AudioBranch:
    """The elements that take one stream of sound out of a pipeline."""

    def __init__(self, pipeline: Any, name: str, heard: Heard) -> None:
        self._pipeline: Any = pipeline
        self._name, self._heard = name, heard
        self._lock = threading.Lock()
        self._fresh = True
        self._endless: bool | None = None
        self._decoder: Any = None
        self.shift = 0
        """Nanoseconds that the sound's own times are behind the pictures'."""
        self.taken = False
        """Whether a stream was chosen: the first, as players do."""
        self.silent = False
        """Whether it cannot be decoded."""
        self.ended = threading.Event()
        """Set when all of it has come, or none will."""
        self.ended.set()

    def attach(self, pad: Any) -> None:
        """Decode the stream on this pad, if it is the first; called by a streaming thread."""
        pipeline = self._pipeline
        with self._lock:
            if self.taken or pipeline is None:
                return
            self.taken = True
        self._decoder = decoder = make("decodebin", caps=Gst.Caps.from_string("audio/x-raw"))
        decoder.connect("autoplug-select", self._select)
        decoder.connect("pad-added", self._on_pad)
        pipeline.add(decoder)
        self.ended.clear()
        pad.link(decoder.get_static_pad("sink"))
        decoder.sync_state_with_parent()

    def close(self) -> None:
        """Let go of the pipeline, which holds this object by its callbacks; before that stops."""
        self._heard.close()
        self._pipeline = self._decoder = None

    def await_rest(self, until: int, timeout: float) -> bool:
        """Wait for the sound up to a time, nanoseconds on the stream's line, or its end.

        Whether it came within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self._heard.reaches(until):
            if self.ended.wait(_LOOK_S):
                return True
            if time.monotonic() > deadline:
                return False
        return True

    def failed(self, message: Any) -> bool:
        """Whether an error is the sound's, which then falls silent; it is logged."""
        decoder = self._decoder
        if decoder is None or not (message.src == decoder or message.src.has_as_ancestor(decoder)):
            return False
        if not self.ended.is_set():
            log.warning(
                "the sound cannot be decoded; the picture goes on without", source=self._name,
                why=error_text(message),
            )  # fmt: skip
        self.silent = True
        self.ended.set()
        return True

    def _select(self, _decoder: Any, _pad: Any, caps: Any, factory: Any) -> int:
        return _TRY if may_take_sound(factory, caps) else _SKIP

    def _on_pad(self, decoder: Any, pad: Any) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return  # closed, while the stream was still being looked at
        caps = pad.get_current_caps() or pad.query_caps(None)
        if first_structure(caps).get_name() != "audio/x-raw":
            log.warning("the sound cannot be decoded", source=self._name, found=caps.to_string())
            self.silent = True
            self.ended.set()
            return
        # Sync off, no limit: pictures set the pace of a file, and a full queue would stop them.
        sink = make(
            "appsink", sync=False, max_buffers=0, emit_signals=True, enable_last_sample=False
        )
        sink.set_property("caps", Gst.Caps.from_string(_FORM))
        sink.connect("new-sample", self._on_sample)
        sink.get_static_pad("sink").add_probe(
            Gst.PadProbeType.EVENT_DOWNSTREAM | Gst.PadProbeType.EVENT_FLUSH, self._on_event
        )
        made = [make("audioconvert"), make("audioresample"), sink]
        chain(pipeline, made)
        begins = made[0].get_static_pad("sink")
        begins.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._on_segment)
        pad.link(begins)

    def _on_segment(self, pad: Any, info: Any) -> Any:
        """Take the end out of a round's segment, if the first had none.

        matroskademux puts the file's length there, which is in milliseconds: the last block would
        be cut short by some samples, and the loop's seam be heard.
        """
        event = info.get_event()
        if event.type != Gst.EventType.SEGMENT:
            return Gst.PadProbeReturn.OK
        segment = event.parse_segment()
        if self._endless is None:
            self._endless = segment.stop == Gst.CLOCK_TIME_NONE
        if not self._endless or segment.stop == Gst.CLOCK_TIME_NONE:
            return Gst.PadProbeReturn.OK
        segment = segment.copy()
        segment.stop = Gst.CLOCK_TIME_NONE
        other = Gst.Event.new_segment(segment)
        other.set_seqnum(event.get_seqnum())
        pad.send_event(other)
        return Gst.PadProbeReturn.DROP

    def _on_event(self, _pad: Any, info: Any) -> Any:
        kind = info.get_event().type
        if kind == Gst.EventType.EOS:
            self.ended.set()
        elif kind == Gst.EventType.FLUSH_START:
            self._heard.flush(flushing=True)
        elif kind == Gst.EventType.FLUSH_STOP:
            self._heard.flush(flushing=False)
            self.ended.clear()
            self._fresh = True
            self._heard.next_round()
        return Gst.PadProbeReturn.OK

    def _on_sample(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        if sample is None:
            return Gst.FlowReturn.OK
        buffer = sample.get_buffer()
        pts = buffer.pts
        if pts != Gst.CLOCK_TIME_NONE:
            pts = sample.get_segment().to_running_time(Gst.Format.TIME, pts)
        data = buffer.extract_dup(0, buffer.get_size())
        samples = np.frombuffer(data, np.int16).reshape(-1, CHANNELS)
        if pts == Gst.CLOCK_TIME_NONE:
            pts = NO_TIME
        elif (pts := pts + self.shift) < 0:
            return Gst.FlowReturn.OK  # before the first picture
        fresh, self._fresh = self._fresh, False
        self._heard.add(AudioBlock(samples, int(pts), fresh))
        return Gst.FlowReturn.OK
