"""One encoder of sound: blocks in from whoever has them first, packets out to all who take them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

from appliance.errors import MissingDependency
from appliance.media.audio import CHANNELS, I16, RATE, AudioBlock, position, silence, time_of
from appliance.media.gst import GLib, Gst, error_text
from appliance.outputs.encoded.packet import GivesPackets, Packet

Codec = Literal["opus", "aac"]

_CAPS = f"audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels={CHANNELS}"
_LAUNCH: dict[Codec, str] = {
    "opus": "opusenc bitrate=128000 frame-size=20",
    # The parser gives the bytes that say what they are to those who mux them.
    "aac": "avenc_aac bitrate=160000 ! aacparse ! audio/mpeg,stream-format=raw",
}
# Samples that an encoder puts in front: without this all sound would come late by them.
_PRIMING: dict[Codec, int] = {"opus": 0, "aac": 1024}
_PLUGINS: dict[Codec, str] = {"opus": "gstreamer1.0-plugins-base", "aac": "gstreamer1.0-libav"}
# Never more silence at once than this: a jump of the clock must not make an hour of it.
_MOST_SILENCE = RATE
# Nor less than Opus makes a packet of: less would wake the encoder's thread for nothing.
_LEAST_SILENCE = RATE // 50


def codec_of(wanted: str, otherwise: Codec) -> Codec | None:
    """The codec that the settings ask for; ``otherwise`` for auto; None for no sound."""
    if wanted == "none":
        return None
    return "opus" if wanted == "opus" else "aac" if wanted == "aac" else otherwise


@dataclass(frozen=True, slots=True)
class AudioKey:
    """What makes two tracks the same: the codec, and whose sound it is (``encoders.Wanted``)."""

    codec: Codec
    programme: str = ""


class AudioEncoder(GivesPackets):
    """An encoder that runs from construction to ``stop``.

    Attributes:
        key: what it was made for.
    """

    def __init__(self, key: AudioKey) -> None:
        """Start it. Raises MissingDependency."""
        super().__init__()
        self.key, codec = key, key.codec
        self.error: str | None = None
        self._lock = threading.Lock()
        self._begins: int | None = None
        self._next = 0
        self._caps: Any = None
        self._shift = time_of(_PRIMING[codec])
        try:
            self._pipeline: Any = Gst.parse_launch(
                f"appsrc name=sound format=time max-bytes=0 caps={_CAPS} ! audioconvert ! "
                f"{_LAUNCH[codec]} ! "
                "appsink name=packets sync=false emit-signals=true enable-last-sample=false"
            )
        except GLib.Error as error:
            raise MissingDependency(
                f"sound cannot be encoded as {codec}: {error.message}; install it with: "
                f"apt install {_PLUGINS[codec]}"
            ) from None
        self._source = self._pipeline.get_by_name("sound")
        out = self._pipeline.get_by_name("packets")
        self._bus = self._pipeline.get_bus()
        self._bus.enable_sync_message_emission()
        self._handlers = [
            (out, out.connect("new-sample", self._on_sample)),
            (self._bus, self._bus.connect("sync-message::error", self._on_error)),
        ]
        self._pipeline.set_state(Gst.State.PLAYING)

    def push(self, sound: AudioBlock) -> None:
        """Encode what of a block has not been encoded yet."""
        with self._lock:
            if self._begins is None:
                self._begins = sound.pts
            samples, first = sound.samples, position(sound.pts - self._begins)
            if first <= self._next + 1:
                # Rounded twice, or another output was the first to bring it.
                samples, first = samples[max(0, self._next - first - 1) :], self._next
            if len(samples):
                self._send(samples, first)

    def fill(self, pts: int, patience: int) -> None:
        """Encode silence where no sound has come that is older than ``pts`` by ``patience``, ns.

        Nobody may wait for sound: neither a muxer nor a reader gets a picture meanwhile.
        """
        with self._lock:
            if self._begins is None:
                self._begins = pts
            upto = position(pts - patience - self._begins)
            count = min(upto - self._next, _MOST_SILENCE)
            if count >= _LEAST_SILENCE:
                self._send(silence(count), upto - count)

    def stop(self) -> None:
        """End it."""
        self._pipeline.set_state(Gst.State.NULL)
        for item, handler in self._handlers:
            item.disconnect(handler)
        self._bus.disable_sync_message_emission()
        self._handlers = []

    def finish(self, timeout: float) -> None:
        """Have what is in it come out, as far as it does within ``timeout`` seconds."""
        self._source.end_of_stream()
        wanted = Gst.MessageType.EOS | Gst.MessageType.ERROR
        self._bus.timed_pop_filtered(int(timeout * Gst.SECOND), wanted)

    def _send(self, samples: I16, first: int) -> None:
        self._next = first + len(samples)
        buffer = Gst.Buffer.new_wrapped(samples.tobytes())
        buffer.pts = time_of(first)
        buffer.duration = time_of(self._next) - time_of(first)
        self._source.push_buffer(buffer)

    def _on_sample(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        begins = self._begins
        if sample is None or begins is None:
            return Gst.FlowReturn.OK
        buffer, caps = sample.get_buffer(), sample.get_caps()
        if self._caps is None or not self._caps.is_equal(caps):
            self._caps = caps
        pts = begins + buffer.pts - self._shift
        duration = 0 if buffer.duration == Gst.CLOCK_TIME_NONE else buffer.duration
        packet = Packet("sound", buffer, self._caps, pts, duration, True)
        self.give(packet)
        return Gst.FlowReturn.OK

    def _on_error(self, _bus: Any, message: Any) -> None:
        self.error = self.error or error_text(message)
