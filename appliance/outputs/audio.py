"""Sound on its way out: an appsrc beside that of the frames, and what encodes it."""

from __future__ import annotations

from typing import Any, Literal

from appliance.media.audio import CHANNELS, I16, RATE, AudioBlock, position, silence, time_of
from appliance.media.gst import Gst

Codec = Literal["opus", "aac"]

SOURCE = "appsrc name=sound format=time is-live=true max-bytes=0 max-time=0 max-buffers=0"
# What a stream needs to be known at all.
_FIRST = RATE // 50
_CAPS = f"audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels={CHANNELS}"
# A frame's worth of AAC that encoders put in front: without this all sound would come late by it.
_PRIMING = {"avenc_aac": 1024}
_LAUNCH: dict[Codec, str] = {
    "opus": "opusenc name=voice bitrate=128000",
    "aac": "avenc_aac name=voice bitrate=160000 ! aacparse",
}


def codec_of(wanted: str, otherwise: Codec) -> Codec | None:
    """The codec that the settings ask for; ``otherwise`` for auto; None for no sound."""
    if wanted == "none":
        return None
    return "opus" if wanted == "opus" else "aac" if wanted == "aac" else otherwise


def launch(codec: Codec) -> str:
    """The launch line from the appsrc to encoded sound."""
    return f"{SOURCE} ! audioconvert ! {_LAUNCH[codec]}"


class AudioAppsrc:
    """Pushes blocks into the appsrc of a pipeline that was launched with ``launch``."""

    def __init__(self, element: Any, encoder: Any) -> None:
        """``element``: the appsrc. ``encoder``: the element called voice."""
        self._element = element
        element.set_property("caps", Gst.Caps.from_string(_CAPS))
        priming = _PRIMING.get(encoder.get_factory().get_name(), 0)
        if priming:
            encoder.get_static_pad("src").set_offset(-time_of(priming))
        self._next: int | None = None

    def push(self, sound: AudioBlock, begins: int) -> None:
        """Hand a block over; what lies before ``begins``, nanoseconds, is left out."""
        samples, first = sound.samples, position(sound.pts - begins)
        if first < 0:
            samples, first = samples[-first:], 0
        if len(samples) == 0:
            return
        if self._next is not None and first <= self._next + 1:
            # Rounded twice, or silence was sent there already.
            samples, first = samples[max(0, self._next - first - 1) :], self._next
        if len(samples) == 0:
            return
        self._send(samples, first)

    def fill(self, until: int) -> None:
        """Send silence up to a time, nanoseconds from the beginning, if nothing has come so far.

        Nobody may wait for sound: neither a muxer nor a reader gets a picture meanwhile.
        """
        first, upto = self._next or 0, position(until)
        if self._next is None:
            upto = max(upto, _FIRST)
        if upto > first:
            self._send(silence(min(upto - first, RATE)), upto - min(upto - first, RATE))

    def _send(self, samples: I16, first: int) -> None:
        self._next = first + len(samples)
        buffer = Gst.Buffer.new_wrapped(samples.tobytes())
        buffer.pts = time_of(first)
        buffer.duration = time_of(self._next) - time_of(first)
        self._element.push_buffer(buffer)

    def end(self) -> None:
        """Nothing more will come."""
        self._element.end_of_stream()
