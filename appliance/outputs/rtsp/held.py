"""What gst-rtsp-server still points at without a reference: kept until it has let go.

A stream's transport calls its connection for each packet, and its session after each, through bare
pointers (GStreamer 1.22 to 1.26 at least). The thread that sends packets may be in the middle of
that while the connection ends in another thread. What it then finds is freed memory: at best
"'data_seq' should not be NULL" and an abort. Here each connection and session has a reference more,
given up once nobody but the connection itself has the transport any more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from appliance.media.gst import GLib, Gst
from appliance.outputs.rtsp.library import GstRtspServer

_REMOVE = GstRtspServer.RTSPFilterResult.REMOVE
# A reader that has reported its reception leaves the transport with the media's RTP session, for
# minutes. That only calls the RTSP session. No packet is on its way to a connection for so long.
LONGEST_TICKS = 10


@dataclass
class _Connection:
    """One connection that has had a SETUP, and everything that came of those.

    ``transports`` has the channels each has ever had; none over UDP. ``context`` is the loop that
    serves the connection; ``last`` what waits there to be run after all else.
    """

    client: Any
    context: Any
    sessions: list[Any] = field(default_factory=list)
    medias: list[Any] = field(default_factory=list)
    transports: dict[Any, set[int]] = field(default_factory=dict)
    closed: bool = False
    ticks: int = 0
    last: Any = None

    def others(self, transport: Any) -> int:
        """How many references to ``transport`` are neither ours nor the connection's own."""
        own = [
            channel
            for channel in self.transports[transport]
            if self.client.get_stream_transport(channel) == transport
        ]
        return int(transport.__grefcount__) - 1 - len(own)

    def is_done(self) -> bool:
        """Whether nothing is sent to a closed connection any more."""
        if not any(self.others(transport) for transport in self.transports):
            return True
        return self.ticks >= LONGEST_TICKS and not any(
            transport in transport.get_stream().transport_filter(None)
            for transport in self.transports
        )


class Held:
    """The connections of all servers, from their first SETUP until the library has let go."""

    def __init__(self) -> None:
        self._connections: dict[int, _Connection] = {}
        # Of connections that are gone: a transport that something has, and the sessions it calls.
        self._remains: list[tuple[Any, list[Any]]] = []
        self._lock = threading.Lock()

    def waiting(self) -> int:
        """How many closed connections are still held."""
        with self._lock:
            return sum(connection.closed for connection in self._connections.values())

    def remains(self) -> int:
        """How many transports of connections that are gone are still somebody's."""
        return len(self._remains)

    def add(self, client: Any, context: Any) -> None:
        """Call on "setup-request", in the connection's own thread."""
        with self._lock:
            held = self._connections.get(hash(client))
            if held is None:
                loop = GLib.main_current_source().get_context()
                held = self._connections[hash(client)] = _Connection(client, loop)
        for item, items in ((context.session, held.sessions), (context.sessmedia, held.medias)):
            if item not in items:
                items.append(item)
        channels = held.transports.setdefault(context.trans, set())
        way = context.trans.get_transport()
        if way.lower_transport == type(way.lower_transport).TCP:
            channels.update({way.interleaved.min, way.interleaved.max})

    def owner(self, session: Any) -> Any:
        """The connection on which a session was made; None if that is closed or unknown."""
        with self._lock:
            for held in self._connections.values():
                if not held.closed and session in held.sessions:
                    return held.client
        return None

    def is_sent_to(self, client: Any) -> bool:
        """Whether packets may be on their way over TCP to a connection; call in its own thread."""
        held = self._connections.get(hash(client))
        if held is None:
            return False
        present = [
            item.get_transport(number)
            for session in client.session_filter(None)
            for item in session.filter(None)
            for number in range(item.get_media().n_streams())
        ]
        return any(
            channels and held.others(transport) > (transport in present)
            for transport, channels in held.transports.items()
        )

    def close(self, client: Any) -> list[Any]:
        """Call on "closed", in the connection's own thread; returns its sessions."""
        held = self._connections.get(hash(client))
        if held is None:
            return []
        # Its own thread uses them no more; a media without readers may now be taken down.
        held.medias.clear()
        held.closed = True
        return list(held.sessions)

    def look(self) -> None:
        """Call at every tick: gives up what the library has let go of."""
        with self._lock:
            closed = [item for item in self._connections.items() if item[1].closed]
            # With us, only the list has it. Dropped without the lock: the end of an object of the
            # library's waits for locks of its, whose holders may be waiting for ours.
            before = self._remains
            self._remains = [item for item in before if item[0].__grefcount__ > 1]
        del before
        over = []
        for key, held in closed:
            held.ticks += 1
            for session in held.sessions:
                session.filter(_end)
            if not held.is_done():
                continue
            if held.context.acquire():
                # Its thread has ended: nothing that waits there will ever run.
                held.context.release()
                over.append(key)
            elif held.last is None:
                # A failed send has the loop close the connection, by a bare pointer, too. What
                # was put there first runs first.
                held.last = GLib.idle_source_new()
                held.last.set_callback(self._on_last, key)
                held.last.attach(held.context)
        if over:
            # In a thread of its own: this may take a media down that hangs.
            threading.Thread(
                target=self._forget, args=(over,), name="rtsp-held", daemon=True
            ).start()

    def _on_last(self, key: int) -> bool:
        self._forget([key])
        return False

    def _forget(self, keys: list[int]) -> None:
        for key in keys:
            with self._lock:
                held = self._connections.pop(key, None)
            if held is None:
                continue
            remains = [
                (transport, held.sessions)
                for transport in held.transports
                if held.others(transport)
            ]
            with self._lock:
                self._remains += remains
            if held.last is not None:
                held.last.destroy()
            del held, remains


def _end(_: Any, item: Any) -> Any:
    """Nobody plays a closed connection's media, even if a PLAY came just before."""
    item.set_state(Gst.State.NULL)
    return _REMOVE


held = Held()
