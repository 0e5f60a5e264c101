"""What browsers watch: there whenever HTTP is, and encoding only while somebody watches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from appliance.config.settings import OutputSettings
from appliance.config.settings.http import HttpSettings
from appliance.config.uris import output_scheme
from appliance.errors import MatteboxError, MissingDependency, OutputError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Format, Frame
from appliance.outputs import encoders
from appliance.outputs.encoded.packet import Packet
from appliance.outputs.encoded.shared import EncodedStream, Encoders
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.whep import offer
from appliance.outputs.whep.offer import NoPlace

if TYPE_CHECKING:
    from appliance.outputs.whep.room import ViewersRoom

# Longer than the programme waits for sound.
NO_SOUND_NS = 600_000_000
STOP_S = 2.0

log = structlog.get_logger(__name__)


def shared_encoding(outputs: tuple[OutputSettings, ...]) -> encoders.Wanted:
    """The encoding of the first output that sends the picture, so that one encoder serves both."""
    for output in outputs:
        scheme = output_scheme(output.uri)
        if scheme is not None and scheme.encodes:
            wanted = encoders.Wanted.of(output)
            if wanted.what == encoders.DEFAULT.what:
                return wanted
    return encoders.DEFAULT


class WhepOutput:
    """An output without an address of its own: viewers come through HTTP.

    ``open`` and ``close`` are for what is encoded; viewers stay over both, until ``stop``.
    """

    def __init__(
        self, http: HttpSettings, wanted: encoders.Wanted = encoders.DEFAULT, *, live: bool = True,
        elsewhere: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        """Get ready.

        Args:
            http: whose ``whep_viewers`` bounds how many there are.
            wanted: how to encode.
            live: False where a file is read as fast as possible, which nobody can watch.
            elsewhere: viewers of other programmes, who count towards the same bound.
        """
        self.uri = "whep"
        self._elsewhere = elsewhere
        self.dropped = 0
        self._http, self._wanted, self._live = http, wanted, live
        self._format = Format(2, 2)
        self._room: ViewersRoom | None = None
        self._stream: EncodedStream | None = None
        self._dropped_before = 0
        self._lock = threading.Lock()
        self._stopped = False

    # Output and Hears: in the feeder's thread.

    def open(self, format: Format) -> None:
        """Get ready; the encoder starts with the first viewer."""
        self._format = even_format(format)

    def write(self, frame: Frame) -> None:
        """Have ``frame`` encoded if somebody watches. Raises OutputError."""
        if not self.viewers:
            self.close()
            return
        try:
            with self._lock:
                stream = self._stream
                if stream is None:
                    stream = EncodedStream(self._format, self._wanted, "opus", self._deliver)
                    self._stream, self._dropped_before = stream, self.dropped
            stream.push(even_frame(frame), NO_SOUND_NS)
        except OutputError:
            raise
        except MatteboxError as error:
            # Tried again, unlike an output that cannot be opened as configured.
            raise OutputError(f"{self.uri}: {error}") from error
        self.dropped = self._dropped_before + stream.dropped

    def hear(self, sound: AudioBlock) -> None:
        """See ``Hears``."""
        stream = self._stream
        if stream is not None:
            stream.hear(sound)

    @property
    def idle(self) -> bool:
        """See ``Idles``; not yet idle where ``write`` has an encoder to stop."""
        return not self.viewers and self._stream is None

    def close(self) -> None:
        """Encode no more. Viewers stay, and go on when it is opened again."""
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            if self._room is not None:
                self._room.cut()

    def clients(self) -> int:
        """Number of viewers to whom packets are being sent."""
        return 0 if self._room is None else self._room.watching

    def _deliver(self, packet: Packet) -> None:
        room = self._room
        if room is not None:
            room.take(packet)

    # From any thread.

    @property
    def viewers(self) -> int:
        """Viewers, those included who are not connected yet."""
        return 0 if self._room is None else self._room.count

    def join(self, data: bytes) -> tuple[str, str]:
        """Identity of a new viewer, and the answer to its offer; takes up to some seconds.

        Raises OfferError, NotPlayable, NoPlace or MissingDependency.
        """
        most = self._http.whep_viewers
        if not self._live:
            raise NoPlace("a file is read as fast as possible: that cannot be watched")
        wanted = offer.read(data)
        room, elsewhere = self._ready(), self._elsewhere()
        try:
            joined = room.join(wanted, max(0, most - elsewhere))
        except TimeoutError:
            raise NoPlace("no answer was found in time; the machine has too much to do") from None
        if joined is None:
            raise NoPlace(
                f"{room.count + elsewhere} watch by WHEP already, as many as http.whep_viewers "
                f"allows ({most})"
            )
        return joined

    def leave(self, identity: str) -> bool:
        """Let a viewer go; False if there is none of that name."""
        return self._room is not None and self._room.leave(identity)

    def follow(self, http: HttpSettings, wanted: encoders.Wanted) -> None:
        """Use other settings; viewers stay unless they are not to be let in any more."""
        before, self._http = self._http, http
        if self._room is not None and not http.enabled:
            self._room.clear("HTTP is switched off")
        elif self._room is not None and http.token != before.token:
            self._room.clear("http.token has changed")
        with self._lock:
            if wanted == self._wanted:
                return
            self._wanted, stream = wanted, self._stream
            if stream is None:
                return
            if self._room is not None:
                self._room.cut()
            try:
                stream.change(wanted)
            except MatteboxError as error:
                # The next frame begins anew, and says so if that fails, too.
                self._stream = None
                stream.close()
                log.warning("whep: another encoding failed", reason=str(error))

    def stop(self, timeout: float = STOP_S) -> bool:
        """Let all viewers go, for good; False if something has to be left behind."""
        with self._lock:
            self._stopped, room, self._room = True, self._room, None
        return room is None or room.stop(timeout)

    def _ready(self) -> ViewersRoom:
        # Found out now, while somebody waits for the reason.
        Encoders.choose(self._wanted, self._format)
        with self._lock:
            if self._stopped:
                raise NoPlace("mattebox is stopping")
            if self._room is None:
                # Only now: the library takes time and memory that a box without viewers saves.
                try:
                    from appliance.outputs.whep.room import ViewersRoom
                except ImportError as error:
                    raise MissingDependency(
                        f"WHEP needs aiortc ({error}); install it with: pip install aiortc"
                    ) from error
                self._room = ViewersRoom(self._force_key_frame)
            return self._room

    def _force_key_frame(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.force_key_frame()
