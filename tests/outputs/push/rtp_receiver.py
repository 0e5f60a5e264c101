"""An RTSP server that takes one stream and puts it in time by RTCP's reports, as RFC 3550 says.

Recorders of GStreamer's start each stream at zero, and ffmpeg's listener takes no "mode=RECORD".
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator

import av
import numpy as np

_OK = "RTSP/1.0 200 OK\r\nCSeq: {}\r\nSession: 1\r\n{}\r\n"
_CLOCKS = {0: 90_000, 2: 48_000}


class RtpReceiver:
    """Takes the picture (H.264, announced first) and the sound (Opus) by one TCP connection."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.packets: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        """By channel: timestamp and payload of each packet."""
        self.reports: dict[int, tuple[float, int]] = {}
        """By channel: the first report's time in seconds, and the timestamp that it is."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._serve(self._server.accept()[0])

    def _serve(self, connection: socket.socket) -> None:
        self.packets.clear()
        self.reports.clear()
        with connection, connection.makefile("rb") as stream:
            while first := stream.read(1):
                if first == b"$":
                    channel, size = struct.unpack(">BH", stream.read(3))
                    self._take(channel, stream.read(size))
                    continue
                head = [(first + stream.readline()).decode()]
                while line := stream.readline().decode().strip():
                    head.append(line)
                said = dict(line.lower().split(": ", 1) for line in head[1:])
                stream.read(int(said.get("content-length", 0)))
                more = "Public: ANNOUNCE, SETUP, RECORD, TEARDOWN\r\n"
                if head[0].startswith("SETUP"):
                    more = f"Transport: {said['transport'].split(',')[0]}\r\n"
                connection.sendall(_OK.format(said["cseq"], more).encode())

    def _take(self, channel: int, data: bytes) -> None:
        if channel in _CLOCKS:
            self.packets[channel].append((struct.unpack(">I", data[4:8])[0], data[12:]))
        elif data[1] == 200 and channel - 1 not in self.reports:
            seconds, fraction, stamp = struct.unpack(">III", data[8:20])
            self.reports[channel - 1] = seconds + fraction / 2**32, stamp

    def _time(self, channel: int, stamp: int) -> float:
        at, known = self.reports[channel]
        return at + ((stamp - known + (1 << 31)) % (1 << 32) - (1 << 31)) / _CLOCKS[channel]

    def pictures(self) -> Iterator[tuple[float, np.ndarray]]:
        """The sender's time of each picture, and its luma."""
        decoder = av.CodecContext.create("h264", "r")
        units: dict[int, bytes] = defaultdict(bytes)
        for stamp, data in self.packets[0]:
            kind = data[0] & 31
            if kind == 28:  # FU-A, RFC 6184
                begins = b"\0\0\0\1" + bytes([data[0] & 0xE0 | data[1] & 31])
                units[stamp] += (begins if data[1] & 0x80 else b"") + data[2:]
            elif kind == 24:  # STAP-A
                at = 1
                while at + 2 < len(data):
                    size = int.from_bytes(data[at : at + 2], "big")
                    units[stamp] += b"\0\0\0\1" + data[at + 2 : at + 2 + size]
                    at += 2 + size
            else:
                units[stamp] += b"\0\0\0\1" + data
        for stamp, unit in units.items():
            packet = av.Packet(unit)
            packet.pts = stamp
            for frame in decoder.decode(packet):
                yield self._time(0, frame.pts), frame.to_ndarray(format="gray")

    def sound(self) -> Iterator[tuple[float, np.ndarray]]:
        """The sender's time of each piece, and its samples at 48,000 a second."""
        decoder = av.CodecContext.create("libopus", "r")
        for stamp, data in self.packets[2]:
            for frame in decoder.decode(av.Packet(data)):
                samples = np.abs(frame.to_ndarray().reshape(-1, 2)[:, 0]).astype(np.float64)
                yield self._time(2, stamp), samples / (32768 if samples.max() > 2 else 1)

    def skews(self) -> list[float]:
        """How long after each flash its beep begins, milliseconds."""
        light = [(at, float(luma[70:110, 140:180].mean())) for at, luma in self.pictures()]
        pairs = itertools.pairwise(light)
        flashes = [at for (_, before), (at, now) in pairs if before < 200 <= now]
        tones: list[float] = []
        last = float("-inf")
        for at, samples in self.sound():
            for k in np.flatnonzero(samples > 0.2):
                now = at + float(k) / 48_000
                if now - last > 0.1:
                    tones.append(now)
                last = now
        return [1000 * min((t - f for t in tones), key=abs) for f in flashes[1:-1]]

    def close(self) -> None:
        """Take nothing more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)
