"""The ways out of a session: one RTSP stream, where the box has any, and WHEP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.config.settings import OutputSettings, Settings
from appliance.daemon.sessions.plan import encoding_of, stream_of
from appliance.media.frame import Format
from appliance.outputs.feeder import OutputFeeder, OutputStatus
from appliance.outputs.rtsp.output import RtspOutput
from appliance.outputs.whep.output import WhepOutput


class Outlets:
    """What frames of one session are handed to. Changed by one thread at a time.

    Attributes:
        whep: what browsers join.
        fed: all of them, in no order.
    """

    def __init__(
        self, box: Settings, addresses: Sequence[str], identity: str, format: Format,
        elsewhere: Callable[[], int],
    ) -> None:  # fmt: skip
        """Get ready; ``start`` opens them.

        Args:
            box: the box's settings. addresses: of its outputs, as bound.
            format: of the session's frames.
            elsewhere: how many watch other programmes by WHEP.

        Raises InputError when the stream cannot be served.
        """
        self._identity, self._format = identity, format
        self._stream = stream_of(box, addresses, identity)
        encoding = encoding_of(box, self._stream, identity)
        self.whep = WhepOutput(box.http, encoding, elsewhere=elsewhere)
        self._whep_feeder = OutputFeeder(self.whep, format)
        self._rtsp, self._rtsp_feeder = self._make(box, self._stream)

    @property
    def fed(self) -> list[OutputFeeder]:
        """See the class."""
        rtsp = self._rtsp_feeder
        return [self._whep_feeder] if rtsp is None else [rtsp, self._whep_feeder]

    @property
    def uri(self) -> str | None:
        """The RTSP address, as bound; None if there is none."""
        return None if self._rtsp_feeder is None else self._rtsp_feeder.status().uri

    @property
    def watched(self) -> bool:
        """Whether somebody watches, or is about to. Asked for every frame."""
        return self.whep.viewers > 0 or (self._rtsp is not None and self._rtsp.wanted)

    @property
    def clients(self) -> int:
        """How many watch now."""
        return sum(status.clients for status in self.statuses())

    def statuses(self) -> list[OutputStatus]:
        """The status of each."""
        return [feeder.status() for feeder in self.fed]

    def start(self) -> None:
        """Open them."""
        for feeder in self.fed:
            feeder.start()

    def follow(self, box: Settings, addresses: Sequence[str]) -> list[Callable[[], object]]:
        """Follow the box's settings: who may read, how it is encoded, and where it is served.

        Returns the calls that end what is no longer fed; readers stay unless the address changes.
        Raises InputError, having changed nothing but rules.
        """
        stream, old = stream_of(box, addresses, self._identity), self._stream
        encoding = encoding_of(box, stream, self._identity)
        gone: list[Callable[[], object]] = []
        feeder = self._rtsp_feeder
        if feeder is not None:
            feeder.use_rtsp(box.rtsp)
        use: Callable[[], None] | None = None
        if stream != old:
            same = stream is not None and old is not None and stream.uri == old.uri
            if same and stream is not None and feeder is not None:
                use = feeder.prepare_video(stream)
            if use is None:
                made = self._make(box, stream)
                if feeder is not None:
                    gone.append(feeder.stop)
                self._rtsp, self._rtsp_feeder = made
                if same and feeder is not None:
                    # The path can be served once only.
                    feeder.stop()
                if made[1] is not None:
                    made[1].start()
        self._stream = stream
        if use is not None:
            use()
        self.whep.follow(box.http, encoding)
        return gone

    def ask_to_stop(self) -> None:
        """Have them end soon."""
        for feeder in self.fed:
            feeder.ask_to_stop()

    def stop(self, left: Callable[[], float]) -> bool:
        """End them; False if one hung. ``left``: seconds that there are."""
        clean = [feeder.stop(left()) for feeder in self.fed]
        return self.whep.stop(left()) and all(clean)

    @property
    def errors(self) -> dict[str, BaseException | None]:
        """What each one's thread died of; None while it is well."""
        return {f"output {feeder.wanted_uri}": feeder.error for feeder in self.fed}

    def _make(
        self, box: Settings, stream: OutputSettings | None
    ) -> tuple[RtspOutput | None, OutputFeeder | None]:
        if stream is None:
            return None, None
        encoding = encoding_of(box, stream, self._identity)
        output = RtspOutput(stream.uri, encoding, box.rtsp, sound=stream.sound)
        feeder = OutputFeeder(output, self._format)
        return output, feeder
