"""Many concurrent RTSP readers, with every packet counted; and what the process holds."""

from __future__ import annotations

import gc
import os
import selectors
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.outputs.conftest import RtspByHand


class Held(NamedTuple):
    """What this process holds: descriptors, threads, resident memory in kB."""

    descriptors: int
    threads: int
    resident_kb: int

    @classmethod
    def now(cls) -> Held:
        """The current figures, after garbage collection."""
        gc.collect()
        status = Path("/proc/self/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return cls(
            len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")),
            int(resident.split()[1]),
        )  # fmt: skip


@dataclass
class Reader:
    """One reader: RTP packets received, and those missing in between."""

    by_hand: RtspByHand
    packets: int = 0
    missing: int = 0
    ended: bool = False
    _buffer: bytes = b""
    _sequence: int | None = None

    def take(self, data: bytes) -> None:
        """More of its stream."""
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[2:4], "big")
            if len(self._buffer) < 4 + size:
                return
            packet, channel = self._buffer[4 : 4 + size], self._buffer[1]
            self._buffer = self._buffer[4 + size :]
            if channel != 0:
                continue
            sequence = int.from_bytes(packet[2:4], "big")
            if self._sequence is not None:
                self.missing += (sequence - self._sequence - 1) % 65536
            self._sequence = sequence
            self.packets += 1


class Readers:
    """Reads for all of them, in one thread."""

    def __init__(self) -> None:
        self.readers: list[Reader] = []
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, by_hand: RtspByHand) -> Reader:
        """Add one that is already playing."""
        reader = Reader(by_hand)
        by_hand.socket.setblocking(False)
        self.readers.append(reader)
        self._selector.register(by_hand.socket, selectors.EVENT_READ, reader)
        return reader

    def stop(self) -> None:
        """Stop, and hang up all of them."""
        self._stop.set()
        self._thread.join(5)
        self._selector.close()
        for reader in self.readers:
            reader.by_hand.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.05):
                self._take(key.data)

    def _take(self, reader: Reader) -> None:
        try:
            data = reader.by_hand.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        if not data:
            reader.ended = True
            self._selector.unregister(reader.by_hand.socket)
        reader.take(data)


@contextmanager
def reading() -> Iterator[Readers]:
    """Readers that hang up at the end."""
    readers = Readers()
    try:
        yield readers
    finally:
        readers.stop()
