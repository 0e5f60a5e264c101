"""All viewers of one appliance, and the packets on their way to them; in one loop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import structlog

from appliance.outputs.encoded.bitstream import annex_b
from appliance.outputs.encoded.packet import Packet
from appliance.outputs.whep import sender
from appliance.outputs.whep.loop import LoopThread
from appliance.outputs.whep.offer import Offer
from appliance.outputs.whep.viewer import CLOSE_S, Viewer

ANSWER_S = 10.0
LOOK_S = 1.0
# Packets between the encoders' threads and the loop: a second of them.
_MOST_ARRIVED = 128

log = structlog.get_logger(__name__)


class ViewersRoom:
    """Callable from any thread, unless it is said otherwise."""

    def __init__(self, force_key_frame: Callable[[], None]) -> None:
        """Start its loop. Raises MissingDependency."""
        sender.check()
        self._force = force_key_frame
        # Replaced, never mutated: counted in other threads.
        self._viewers: dict[str, Viewer] = {}
        self._arrived: deque[Packet] = deque()
        self._called = self._lost = False
        self._lock = threading.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._thread = LoopThread("whep")
        self._watch: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """Viewers, those included who are not connected yet."""
        return len(self._viewers)

    @property
    def faults(self) -> int:
        """Exceptions that nobody was waiting for: each is a mistake, here or in the library."""
        return self._thread.faults

    @property
    def watching(self) -> int:
        """Viewers to whom packets are being sent."""
        return sum(viewer.watching for viewer in self._viewers.values())

    def join(self, offer: Offer, most: int) -> tuple[str, str] | None:
        """Identity and answer of a new viewer; None if there are ``most`` already.

        Raises OfferError, NoPlace or TimeoutError.
        """
        return self._thread.call(self._join(offer, most), ANSWER_S)

    def leave(self, identity: str) -> bool:
        """Let a viewer go; False if there is none of that name."""
        return self._thread.call(self._leave(identity), ANSWER_S)

    def clear(self, why: str) -> None:
        """Let all viewers go; not waited for."""
        self._thread.loop.call_soon_threadsafe(self._drop_all, why)

    def take(self, packet: Packet) -> None:
        """Hand a packet to all viewers; see ``Deliver``."""
        with self._lock:
            if len(self._arrived) >= _MOST_ARRIVED:
                self._arrived.clear()
                self._lost = True
            self._arrived.append(packet)
            called, self._called = self._called, True
        if not called:
            # Stopped meanwhile: then nobody is left who could watch.
            with contextlib.suppress(RuntimeError):
                self._thread.loop.call_soon_threadsafe(self._spread)

    def cut(self) -> None:
        """What comes next does not go on where the last picture was: wait for a key frame."""
        with self._lock:
            self._lost = True

    def stop(self, timeout: float) -> bool:
        """Let all go and end the loop; False if it has to be left behind."""
        try:
            self._thread.call(self._clear("mattebox stops"), timeout)
        except TimeoutError:
            log.warning("viewers hang; left behind")
        return self._thread.stop(timeout)

    # Below: in the loop.

    async def _join(self, offer: Offer, most: int) -> tuple[str, str] | None:
        if len(self._viewers) >= most:
            return None
        viewer = Viewer(secrets.token_urlsafe(16), offer, self._force)
        # Counted before it is answered, so that no number of them at once goes beyond the limit.
        self._viewers = {**self._viewers, viewer.identity: viewer}
        try:
            answer = await viewer.answer()
        except BaseException:
            self._let_go(viewer)
            raise
        if self._watch is None or self._watch.done():
            self._watch = asyncio.ensure_future(self._look())
        log.info("a viewer by WHEP", viewer=viewer.identity, viewers=len(self._viewers))
        return viewer.identity, answer

    async def _leave(self, identity: str) -> bool:
        viewer = self._viewers.get(identity)
        if viewer is not None:
            self._drop(viewer, "it has left")
        return viewer is not None

    def _drop(self, viewer: Viewer, why: str) -> None:
        log.info("a viewer by WHEP is gone", viewer=viewer.identity, why=why)
        self._let_go(viewer)

    def _drop_all(self, why: str) -> None:
        for viewer in list(self._viewers.values()):
            self._drop(viewer, why)

    async def _clear(self, why: str) -> None:
        self._drop_all(why)
        if self._closing:
            await asyncio.wait(self._closing, timeout=CLOSE_S)

    def _let_go(self, viewer: Viewer) -> None:
        self._viewers = {key: one for key, one in self._viewers.items() if one is not viewer}
        task = asyncio.ensure_future(viewer.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _look(self) -> None:
        """Let those go who are gone, as long as there are any."""
        while self._viewers:
            await asyncio.sleep(LOOK_S)
            now = time.monotonic()
            for viewer in list(self._viewers.values()):
                why = viewer.over(now)
                if why is not None:
                    self._drop(viewer, why)

    def _spread(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            lost, self._lost, self._called = self._lost, False, False
        viewers = list(self._viewers.values())
        if lost:
            for viewer in viewers:
                viewer.video.cut()
        if not any(viewer.watching for viewer in viewers):
            return
        for packet in arrived:
            made = _made(packet)
            for viewer in viewers:
                viewer.put(packet.kind, made)


def _made(packet: Packet) -> Any:
    kind = "video" if packet.kind == "video" else "audio"
    made: av.Packet[Any] = av.Packet(annex_b(packet) if kind == "video" else packet.data)
    made.pts = made.dts = sender.ticks(packet.pts, kind)
    made.time_base = Fraction(1, sender.RATES[kind])
    made.is_keyframe = packet.key
    return made
