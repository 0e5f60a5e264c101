"""When a segment's first picture or sound is, by the stream's own clock.

GStreamer's demuxers count from the first thing they get. Where pictures and sound come in segments
of their own, this tells how far apart their beginnings are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

Media = Literal["video", "sound"]

_TS_PACKET, _TS_SYNC = 188, 0x47
_TS_HZ = 90_000
_TS_WRAP = Fraction(1 << 33, _TS_HZ)
_MOST_BOXES = 10_000


def first_time(data: bytes, media: Media) -> Fraction | None:
    """Seconds on the stream's clock; None where the bytes do not say.

    ``data`` is MPEG-TS (ISO/IEC 13818-1), or fragmented MP4 (ISO/IEC 14496-12) with its header.
    """
    try:
        if data[:1] == bytes([_TS_SYNC]):
            return _of_ts(data, media)
        return _of_mp4(data, media)
    except (struct.error, IndexError, KeyError):
        return None  # it ends in the middle, or lacks a part


def apart(sound: Fraction, video: Fraction) -> Fraction:
    """How much later the sound is, seconds; MPEG-TS begins to count anew after 26.5 hours."""
    difference = sound - video
    if abs(difference) > _TS_WRAP / 2:
        difference -= _TS_WRAP if difference > 0 else -_TS_WRAP
    return difference


def _of_ts(data: bytes, media: Media) -> Fraction | None:
    ids = range(0xE0, 0xF0) if media == "video" else (*range(0xC0, 0xE0), 0xBD)
    for at in range(0, len(data) - _TS_PACKET + 1, _TS_PACKET):
        packet = data[at : at + _TS_PACKET]
        if packet[0] != _TS_SYNC or not packet[1] & 0x40 or not packet[3] & 0x10:
            continue
        head = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        pes = packet[head:]
        if pes[:3] != b"\x00\x00\x01" or pes[3] not in ids or not pes[7] & 0x80:
            continue
        stamp = pes[9:14]
        ticks = (stamp[0] >> 1 & 7) << 30 | stamp[1] << 22 | (stamp[2] >> 1) << 15
        return Fraction(ticks | stamp[3] << 7 | stamp[4] >> 1, _TS_HZ)
    return None


def _of_mp4(data: bytes, media: Media) -> Fraction | None:
    handler = b"vide" if media == "video" else b"soun"
    tracks: dict[int, tuple[int, Fraction]] = {}
    for kind, at, end in _boxes(data):
        if kind == b"moov":
            tracks |= _tracks(data, at, end, handler)
        elif kind == b"moof":
            for fragment in _all(data, at, end, b"traf"):
                parts = _named(data, *fragment)
                if b"tfhd" not in parts or b"tfdt" not in parts:
                    continue
                number = struct.unpack_from(">I", data, parts[b"tfhd"][0] + 4)[0]
                if number in tracks:
                    scale, moved = tracks[number]
                    when = parts[b"tfdt"][0]
                    form = ">Q" if data[when] == 1 else ">I"
                    return Fraction(struct.unpack_from(form, data, when + 4)[0], scale) + moved
    return None


def without_edits(data: bytes) -> bytes:
    """A fragmented MP4 without its tracks' edit lists, whose times ``first_time`` has in it.

    qtdemux 1.22 counts them twice where it does not begin at the stream's beginning.
    """
    changed = bytearray(data)
    for moov in _all(data, 0, len(data), b"moov"):
        for track in _all(data, *moov, b"trak"):
            for at, _end in _all(data, *track, b"edts"):
                changed[at - 4 : at] = b"free"
    return bytes(changed)


def _tracks(data: bytes, at: int, end: int, handler: bytes) -> dict[int, tuple[int, Fraction]]:
    """Of each track of this kind: ticks a second, and how far its edit list moves it, seconds."""
    movie = _named(data, at, end)[b"mvhd"][0]
    of_movie = _scale(data, movie)
    found: dict[int, tuple[int, Fraction]] = {}
    for track in _all(data, at, end, b"trak"):
        parts = _named(data, *track)
        inside = _named(data, *parts[b"mdia"])
        kind, head = inside[b"hdlr"][0], parts[b"tkhd"][0]
        scale = _scale(data, inside[b"mdhd"][0])
        if data[kind + 8 : kind + 12] != handler or not scale or not of_movie:
            continue
        number = struct.unpack_from(">I", data, head + (20 if data[head] == 1 else 12))[0]
        moved = Fraction(0)
        for edits, _end in _all(data, *parts.get(b"edts", (0, 0)), b"elst"):
            moved = _moved(data, edits, scale, of_movie)
        found[number] = scale, moved
    return found


def _moved(data: bytes, edits: int, scale: int, of_movie: int) -> Fraction:
    """An empty edit at the beginning delays a track; a first edit begins within it."""
    form = ">Qq4x" if data[edits] == 1 else ">Ii4x"
    moved = Fraction(0)
    for index in range(min(2, struct.unpack_from(">I", data, edits + 4)[0])):
        at = edits + 8 + index * struct.calcsize(form)
        duration, begins = struct.unpack_from(form, data, at)
        if begins >= 0:
            return moved - Fraction(begins, scale)
        moved += Fraction(duration, of_movie)
    return moved


def _scale(data: bytes, head: int) -> int:
    """Ticks a second, of a mvhd or a mdhd."""
    return int(struct.unpack_from(">I", data, head + (20 if data[head] == 1 else 12))[0])


def _named(data: bytes, at: int, end: int) -> dict[bytes, tuple[int, int]]:
    return {kind: (begin, close) for kind, begin, close in _boxes(data, at, end)}


def _all(data: bytes, at: int, end: int, kind: bytes) -> list[tuple[int, int]]:
    return [(begin, close) for name, begin, close in _boxes(data, at, end) if name == kind]


def _boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box, and where its content begins and ends."""
    end = len(data) if end is None else end
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size < head:
            return  # to the file's end (0), or damaged
        yield kind, at + head, min(at + size, end)
        at += size
