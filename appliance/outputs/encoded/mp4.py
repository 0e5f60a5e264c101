"""MP4 by libavformat: in fragments while it is written, an ordinary seekable file once closed.

GStreamer's mp4mux writes fragments of two tracks that other programs refuse to read when the sound
is silent (all samples of a size, of which the last run leaves out the size).
"""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from appliance.errors import MissingDependency, OutputError
from appliance.media.audio import RATE
from appliance.media.frame import Format
from appliance.outputs.encoded.audio import Codec
from appliance.outputs.encoded.bitstream import annex_b
from appliance.outputs.encoded.packet import Packet

if TYPE_CHECKING:
    import av

log = structlog.get_logger(__name__)

FRAGMENT_US = 1_000_000
FINISH_TIMEOUT_S = 2.0
WAIT_S = 1.0
# MPEG's clock: the usual frame rates are whole numbers of its ticks.
_TICK = Fraction(1, 90_000)
_SAMPLE = Fraction(1, RATE)
_NAMES = {"opus": "libopus", "aac": "aac"}


class Mp4:
    """One file, written by a thread of its own; see ``Muxer`` for what its methods do."""

    def __init__(
        self, path: Path, format: Format, codec: Codec | None, *, most_bytes: int, waits: bool
    ) -> None:
        """Open ``path``, which exists. Raises MissingDependency or OutputError.

        ``waits``: when ``most_bytes`` are not written yet, ``take`` waits rather than fail.
        """
        try:
            import av
        except ImportError as error:
            raise MissingDependency(
                f"{path}: MP4 needs PyAV ({error}); install it with: pip install av"
            ) from None
        self._path, self._most, self._waits = path, most_bytes, waits
        self.error: str | None = None
        self.begins: int | None = None
        self._told = False
        self._held: Packet | None = None
        self._early: deque[Packet] = deque(maxlen=256)
        self._queue: deque[tuple[Packet, int]] = deque()
        self._bytes = 0
        self._ending = False
        self._moved = threading.Condition()
        try:
            self._file: Any = av.open(
                str(path),
                "w",
                format="mp4",
                options={
                    "movflags": "hybrid_fragmented",
                    "frag_duration": str(FRAGMENT_US),
                    "flush_packets": "1",
                },
            )
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
        self._video = self._file.add_mux_stream(
            "h264", rate=Fraction(*format.fps), width=format.width, height=format.height
        )
        self._video.time_base = _TICK
        self._sound: Any = None
        if codec is not None:
            # It never encodes: its parameters stand in the file, and ours are the same.
            self._sound = self._file.add_stream(_NAMES[codec], rate=RATE, layout="stereo")
            self._sound.codec_context.open()
        self._thread = threading.Thread(target=self._run, name=f"mp4 {path.name}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises OutputError when it has failed."""
        if self.error is not None:
            self._told = True
            raise OutputError(f"{self._path}: {self.error}")

    def take(self, packet: Packet) -> None:
        """Hand a packet on; see ``Deliver``."""
        with self._moved:
            if packet.kind == "sound":
                self._early.append(packet)
            elif self.begins is not None or packet.key:
                self.begins = packet.pts if self.begins is None else self.begins
                before, self._held = self._held, packet
                if before is not None:
                    self._add(before, max(1, packet.pts - before.pts))
            while self.begins is not None and self._early:
                piece = self._early.popleft()
                if piece.pts >= self.begins and self._sound is not None:
                    self._add(piece, piece.duration)

    def _add(self, packet: Packet, duration: int) -> None:
        if self._bytes > self._most and self._waits:
            self._moved.wait_for(lambda: self._bytes <= self._most or self.error, WAIT_S)
        if self._bytes > self._most:
            self.error = self.error or (
                f"{self._most >> 20} MB wait and are not written; the disk is stuck"
            )
        if self.error is None:
            self._queue.append((packet, duration))
            self._bytes += packet.buffer.get_size()
            self._moved.notify_all()

    def _run(self) -> None:
        try:
            while True:
                with self._moved:
                    self._moved.wait_for(lambda: self._queue or self._ending, WAIT_S)
                    if not self._queue and self._ending:
                        break
                    waiting = list(self._queue)
                    self._queue.clear()
                for packet, duration in waiting:
                    self._file.mux(self._packet(packet, duration))
                    with self._moved:
                        self._bytes -= packet.buffer.get_size()
                        self._moved.notify_all()
            if self.begins is not None:
                self._file.close()
        except (OSError, ValueError) as error:
            with self._moved:
                self.error = self.error or f"cannot be written ({error})"
                self._moved.notify_all()
            self._abandon()

    def _abandon(self) -> None:
        """Close the file as it is: its last fragments stay readable."""
        try:
            self._file.close()
        except (OSError, ValueError) as error:
            log.debug("a recording's file did not close well", path=str(self._path), why=str(error))

    def _packet(self, packet: Packet, duration: int) -> av.Packet[Any]:
        import av

        assert self.begins is not None
        video = packet.kind == "video"
        made = av.Packet(annex_b(packet) if video else packet.data)
        made.stream = self._video if video else self._sound
        made.time_base = base = _TICK if video else _SAMPLE
        made.pts = made.dts = round(Fraction(packet.pts - self.begins, 10**9) / base)
        made.duration = round(Fraction(duration, 10**9) / base)
        made.is_keyframe = packet.key
        return made

    def stop(self, *, finish: bool, ends: int | None = None) -> None:
        """End it; see ``Muxer.stop``."""
        with self._moved:
            held, self._held = self._held, None
            if held is not None and finish:
                self._add(held, max(held.duration, (ends or 0) - held.pts))
            self._ending = True
            self._moved.notify_all()
        self._thread.join(FINISH_TIMEOUT_S)
        late = self._thread.is_alive()
        if finish and not self._told and (late or self.error is not None):
            raise OutputError(
                f"{self._path}: not finished properly: "
                f"{self.error or f'the end was not written within {FINISH_TIMEOUT_S:g} s'}"
            )
