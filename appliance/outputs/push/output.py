"""What all pushed outputs do: connect, send, notice that nothing is taken, let go in time."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod

import structlog

from appliance.errors import InputError, MissingDependency, OutputError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst
from appliance.media.mailbox import Closed
from appliance.outputs import encoders
from appliance.outputs.encoded.audio import Codec, codec_of
from appliance.outputs.encoded.muxer import Muxer
from appliance.outputs.encoded.shared import EncodedStream
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.push.detached import Detached
from appliance.outputs.push.reach import Unreachable
from appliance.system.redact import HIDDEN, redact

log = structlog.get_logger(__name__)

# What may wait for the link before pictures are left out, in seconds of the stream.
BEHIND_S = 2.0
LEAST_BYTES = 64 << 10
SOUND_KBPS = 160
CONNECT_S = 10.0
# A link that takes nothing for so long is gone, whatever it says.
STUCK_S = 10.0
# Sound is not waited for longer than the programme does.
NO_SOUND_NS = 2 * 10**9
FAREWELL_S = 0.3
CLOSE_S = 1.0
_POLL_S = 0.05


class PushOutput(ABC):
    """One stream to one receiver, or to whoever calls.

    Nothing here waits for the network for long: GStreamer's own threads do, and ending them is
    left to a thread that may be left behind.

    Attributes:
        uri: its address, without secrets.
        dropped: frames that the encoder or the link was too slow for.
    """

    default: Codec = "aac"
    """What ``sound: auto`` means."""
    carries: tuple[Codec, ...] = ("aac",)
    """The sound that this protocol's receivers understand."""
    elements: tuple[tuple[str, str], ...] = ()
    """What it needs of GStreamer, with the packages."""
    calls_with_data = False
    """Whether the connection is made only when there is something to send."""

    def __init__(self, uri: str, video: encoders.Wanted, sound: str) -> None:
        """Raises InputError when the protocol has no such sound."""
        self.uri = redact(uri)
        self.dropped = 0
        codec = codec_of(sound, self.default)
        if codec is not None and codec not in self.carries:
            raise InputError(
                f"output {self.uri}: sound {codec} cannot be sent this way; "
                f"expected auto, {', '.join(self.carries)} or none"
            )
        self._wanted, self._codec = video, codec
        self._format = Format(2, 2)
        self._secrets: tuple[str, ...] = ()
        self._muxer: Muxer | None = None
        self._stream: EncodedStream | None = None
        self._opening: Detached[Muxer] | None = None
        self._leaving: Detached[None] | None = None
        self._asked_to_stop = threading.Event()
        self._connected = False
        self._dropped_before = 0
        self._since = self._moved_at = 0.0
        self._moved_bytes = 0

    @abstractmethod
    def build(self, most_bytes: int) -> Muxer:
        """A muxer whose sink has begun to connect. Raises OutputError.

        In a thread of its own; may hang.
        """

    @abstractmethod
    def is_connected(self, muxer: Muxer) -> bool:
        """Whether the receiver has accepted the stream."""

    @abstractmethod
    def explain(self, error: str, after_s: float) -> str:
        """GStreamer's words in an operator's, ``after_s`` seconds after the beginning."""

    def receivers(self, muxer: Muxer) -> int:
        """How many take the stream now."""
        return int(self._connected)

    def open(self, format: Format) -> None:
        """Begin to connect. Raises MissingDependency or OutputError; Closed when asked to stop."""
        for element, package in self.elements:
            if Gst.ElementFactory.find(element) is None:
                raise MissingDependency(
                    f"output {self.uri}: GStreamer's element {element} is not here; install it "
                    f"with: apt install {package}"
                )
        self._format = even_format(format)
        if any(last is not None and last.alive for last in (self._leaving, self._opening)):
            raise OutputError(f"{self.uri}: the last connection has not ended yet")
        self._connected = False
        self._since = self._moved_at = time.monotonic()
        self._moved_bytes = 0
        kbps = self._wanted.rate(self._format).kbps + (SOUND_KBPS if self._codec else 0)
        most_bytes = max(LEAST_BYTES, int(kbps * 125 * BEHIND_S))
        self._opening = Detached(lambda: self.build(most_bytes), _discard, f"open {self.uri}")
        while not self._opening.wait(_POLL_S):
            late = time.monotonic() - self._since > CONNECT_S
            if late or self._asked_to_stop.is_set():
                self._opening.give_up()
                if late:
                    raise OutputError(f"{self.uri}: no connection within {CONNECT_S:g} s")
                raise Closed
        try:
            self._muxer = self._opening.result()
        except Unreachable as error:
            raise OutputError(f"{self.uri}: {error}") from None
        except OutputError as error:
            text = str(error).removeprefix(f"{self.uri}: ")
            raise OutputError(f"{self.uri}: {self._explained(text)}") from None
        if self.calls_with_data:
            self._take()

    def interrupt(self) -> None:
        """See ``Interruptible``."""
        self._asked_to_stop.set()

    @property
    def waits_for(self) -> str | None:
        """See ``Connects``."""
        return None if self._connected or self._muxer is None else "connecting"

    def write(self, frame: Frame) -> None:
        """Have a frame encoded and sent. Raises OutputError when the receiver is gone."""
        muxer = self._muxer
        if muxer is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        self._check(muxer)
        if self._stream is None and self.wants_data(muxer):
            self._take()
        if self._stream is not None:
            self._stream.push(even_frame(frame), NO_SOUND_NS)
        self._count()

    def wants_data(self, muxer: Muxer) -> bool:
        """Whether to encode now."""
        return self._connected

    def hear(self, sound: AudioBlock) -> None:
        """See ``Hears``."""
        if self._stream is not None:
            self._stream.hear(sound)

    def clients(self) -> int:
        """How many receivers take the stream."""
        muxer = self._muxer
        return 0 if muxer is None else self.receivers(muxer)

    def close(self) -> None:
        """End the connection; what hangs meanwhile is left to end by itself."""
        self.let_go_of_the_encoders()
        muxer, self._muxer = self._muxer, None
        if muxer is None:
            return
        self._dropped_before += muxer.skipped
        self._leaving = Detached(lambda: self._leave(muxer), _nothing, f"leave {self.uri}")
        if not self._leaving.wait(CLOSE_S):
            log.debug("a connection ends later", uri=self.uri)

    def let_go_of_the_encoders(self) -> None:
        """Take no more packets; the last one to do so ends the encoder."""
        stream, self._stream = self._stream, None
        if stream is not None:
            self._dropped_before += stream.dropped
            stream.close()

    def _leave(self, muxer: Muxer) -> None:
        try:
            # With an end, at which some protocols say good-bye.
            muxer.stop(finish=self._connected, timeout=FAREWELL_S)
        except OutputError as error:
            log.debug("a connection did not end well", uri=self.uri, reason=str(error))

    def _take(self) -> None:
        muxer = self._muxer
        assert muxer is not None
        self._stream = EncodedStream(self._format, self._wanted, self._codec, muxer.take)

    def _count(self) -> None:
        muxer, stream = self._muxer, self._stream
        self.dropped = (
            self._dropped_before
            + (0 if muxer is None else muxer.skipped)
            + (0 if stream is None else stream.dropped)
        )

    def _check(self, muxer: Muxer) -> None:
        if muxer.error is not None:
            raise OutputError(f"{self.uri}: {self._explained(muxer.error)}")
        now = time.monotonic()
        if not self._connected:
            self._connected = self.is_connected(muxer)
            if not self._connected and now - self._since > CONNECT_S:
                raise OutputError(f"{self.uri}: no connection within {CONNECT_S:g} s")
        left = muxer.sent_bytes - muxer.waiting_bytes
        if left != self._moved_bytes or muxer.waiting_bytes == 0:
            self._moved_bytes, self._moved_at = left, now
        elif self._connected and now - self._moved_at > STUCK_S:
            raise OutputError(
                f"{self.uri}: the receiver has taken nothing for {STUCK_S:g} s; connected anew"
            )

    def _explained(self, error: str) -> str:
        for secret in self._secrets:
            error = error.replace(secret, HIDDEN)
        return redact(self.explain(redact(error), time.monotonic() - self._since))


def _discard(muxer: Muxer) -> None:
    muxer.stop(finish=False)


def _nothing(_made: None) -> None:
    return None
