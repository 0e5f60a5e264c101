"""The sound of a stream, beside its pictures: decoded, brought to one form, set aside in time.

    a stream of decodebin's or rtspsrc's ! decodebin ! audioconvert ! audioresample ! appsink

Whatever is wrong with the sound, the picture goes on: this branch fails by falling silent.
"""

from __future__ import annotations

import threading
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
# Sound that nobody fetches, in seconds: of a file whose pictures are far behind its sound.
_MOST_HELD_S = 20.0


class Heard:
    """What was decoded and is not fetched yet. Filled by streaming threads.

    A file that is played in a loop begins a round each time; the sound of a round is given out once
    the first picture of that round is there, as only that says where it lies.
    """

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, AudioBlock]] = deque()
        self._held = 0
        self._lock = threading.Lock()
        self._round = 0
        self.lost = 0
        """Samples that nobody fetched in time."""

    def next_round(self) -> None:
        """What comes from now on belongs to another round."""
        with self._lock:
            self._round += 1

    def clear(self) -> None:
        """Forget everything: the source was opened anew."""
        with self._lock:
            self._blocks.clear()
            self._held = self._round = 0

    def add(self, sound: AudioBlock) -> None:
        """Set a block aside; the oldest goes when there are too many."""
        with self._lock:
            self._blocks.append((self._round, sound))
            self._held += len(sound.samples)
            while self._held > _MOST_HELD_S * RATE:
                _, oldest = self._blocks.popleft()
                self._held -= len(oldest.samples)
                self.lost += len(oldest.samples)

    def take(self, rounds: int) -> list[AudioBlock]:
        """What there is of the rounds up to this one, with the stream's own times."""
        found = []
        with self._lock:
            while self._blocks and self._blocks[0][0] <= rounds:
                sound = self._blocks.popleft()[1]
                self._held -= len(sound.samples)
                found.append(sound)
        return found


class AudioBranch:
    """The elements that take one stream of sound out of a pipeline."""

    def __init__(self, pipeline: Any, name: str, heard: Heard) -> None:
        self._pipeline: Any = pipeline
        self._name, self._heard = name, heard
        self._lock = threading.Lock()
        self._fresh = True
        self._decoder: Any = None
        self.taken = False
        """Whether a stream was chosen: the first, as players do."""
        self.ended = threading.Event()
        """Set when all of it has come, or none will."""
        self.ended.set()

    def attach(self, pad: Any) -> None:
        """Decode the stream on this pad, if it is the first; called by a streaming thread."""
        with self._lock:
            if self.taken:
                return
            self.taken = True
        self._decoder = decoder = make("decodebin", caps=Gst.Caps.from_string("audio/x-raw"))
        decoder.connect("autoplug-select", self._select)
        decoder.connect("pad-added", self._on_pad)
        self._pipeline.add(decoder)
        self.ended.clear()
        pad.link(decoder.get_static_pad("sink"))
        decoder.sync_state_with_parent()

    def close(self) -> None:
        """Let go of the pipeline: it holds this object by its callbacks."""
        self._pipeline = self._decoder = None

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
        self.ended.set()
        return True

    def _select(self, _decoder: Any, _pad: Any, caps: Any, factory: Any) -> int:
        return _TRY if may_take_sound(factory, caps) else _SKIP

    def _on_pad(self, decoder: Any, pad: Any) -> None:
        caps = pad.get_current_caps() or pad.query_caps(None)
        if first_structure(caps).get_name() != "audio/x-raw":
            log.warning("the sound cannot be decoded", source=self._name, found=caps.to_string())
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
        chain(self._pipeline, made)
        pad.link(made[0].get_static_pad("sink"))

    def _on_event(self, _pad: Any, info: Any) -> Any:
        kind = info.get_event().type
        if kind == Gst.EventType.EOS:
            self.ended.set()
        elif kind == Gst.EventType.FLUSH_STOP:
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
        fresh, self._fresh = self._fresh, False
        self._heard.add(AudioBlock(samples, int(pts), fresh))
        return Gst.FlowReturn.OK
