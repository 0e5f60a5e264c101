"""What outputs that write encoded pictures and sound to a disk have in common."""

from __future__ import annotations

from typing import Protocol

from appliance.errors import OutputError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame
from appliance.outputs import encoders
from appliance.outputs.encoded.audio import Codec
from appliance.outputs.encoded.packet import Packet
from appliance.outputs.encoded.shared import EncodedStream
from appliance.outputs.even import even_frame


class TakesPackets(Protocol):
    """``Muxer`` and ``Mp4``, as far as they are used here."""

    def check(self) -> None:
        """Raises OutputError when it has failed."""
        ...

    def take(self, packet: Packet) -> None:
        """Hand a packet on; see ``Deliver``."""
        ...

    def stop(self, *, finish: bool, ends: int | None = None) -> None:
        """End it; see ``Muxer.stop``."""
        ...


class WrittenOutput:
    """An encoded stream and the muxer that takes its packets.

    Attributes:
        uri, dropped: see ``Output``.
        lossless: see ``TakesLossless``.
    """

    def __init__(self, uri: str, wanted: encoders.Wanted, *, lossless: bool, no_sound_ns: int):
        """``no_sound_ns``: how long sound may be behind its picture before silence stands in."""
        self.uri, self.lossless = uri, lossless
        self.dropped = 0
        self._wanted, self._no_sound_ns = wanted, no_sound_ns
        self._stream: EncodedStream | None = None
        self._muxer: TakesPackets | None = None
        self._dropped_before = 0

    def _begin(self, muxer: TakesPackets, format: Format, codec: Codec | None) -> None:
        """Have ``muxer`` take packets; ``_end`` is due after. Raises as ``EncodedStream`` does."""
        self._muxer = muxer
        self._stream = EncodedStream(
            format, self._wanted, codec, muxer.take, lossless=self.lossless
        )
        self._dropped_before = self.dropped

    def _end(self, ends: int | None = None) -> None:
        """Finish what was begun; see ``Muxer.stop``. Raises OutputError if that fails."""
        stream, self._stream = self._stream, None
        muxer, self._muxer = self._muxer, None
        try:
            if stream is not None:
                stream.close(finish=True)
        finally:
            if muxer is not None:
                muxer.stop(finish=True, ends=ends)

    def hear(self, sound: AudioBlock) -> None:
        """See ``Hears``."""
        if self._stream is not None:
            self._stream.hear(sound)

    def write(self, frame: Frame) -> None:
        """Have a frame encoded and written. Raises OutputError when disk or encoder fail."""
        if self._stream is None or self._muxer is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        self._muxer.check()
        self._stream.push(even_frame(frame), self._no_sound_ns)
        self.dropped = self._dropped_before + self._stream.dropped

    def clients(self) -> int:
        """Always 0: nobody reads from here."""
        return 0
