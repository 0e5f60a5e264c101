"""FlatBuffers, the format that .tflite files are in: just enough to read one, every bound checked.

A file is a third party's: an offset may point anywhere, a length may be absurd, and many fields
may share one long vector. Nothing is copied before it is known to lie within the file, and whoever
reads a vector says how long it may be, so that time and memory stay those of an honest file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.errors import ModelError


class Malformed(ModelError):
    """A file is not the FlatBuffer that it should be: cut short, or something else."""


@dataclass(frozen=True, slots=True)
class Flat:
    """The bytes of a file, and reading from them at a place."""

    data: bytes

    def number(self, kind: str, at: int) -> int:
        """One little-endian integer of struct's ``kind`` at byte ``at``.

        Raises Malformed when it does not lie within the file.
        """
        layout = struct.Struct("<" + kind)
        self._within(at, layout.size)
        return int(layout.unpack_from(self.data, at)[0])

    def span(self, at: int, each: int, most: int) -> tuple[int, int]:
        """First byte and number of elements of the vector at ``at``, each of ``each`` bytes.

        Raises Malformed when it does not lie within the file, or has more than ``most`` elements.
        """
        count = self.number("I", at)
        if count > most:
            raise Malformed(f"byte {at}: a list of {count:,}, expected at most {most:,}")
        self._within(at + 4, count * each)
        return at + 4, count

    def root(self) -> Table:
        """The table that the file begins with."""
        return self.table(self.number("I", 0))

    def table(self, at: int) -> Table:
        """The table at byte ``at``, its list of fields checked."""
        fields = at - self.number("i", at)
        length = self.number("H", fields)
        if length < 4 or length % 2:
            raise Malformed(
                f"byte {fields}: a list of fields of {length} bytes, expected 4 or more"
            )
        self._within(fields, length)
        return Table(self, at, fields, length)

    def _within(self, at: int, size: int) -> None:
        if at < 0 or at + size > len(self.data):
            raise Malformed(
                f"byte {at:,}: {size:,} bytes should be here, the file has {len(self.data):,}"
            )


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Fields are numbered as in the schema; what a file leaves out has its default.

    Every method raises Malformed for what does not lie within the file.
    """

    flat: Flat
    at: int
    fields: int
    length: int

    def _field(self, index: int) -> int | None:
        place = 4 + 2 * index
        if place + 2 > self.length:
            return None
        offset = self.flat.number("H", self.fields + place)
        return self.at + offset if offset else None

    def _target(self, index: int) -> int | None:
        at = self._field(index)
        return None if at is None else at + self.flat.number("I", at)

    def number(self, index: int, kind: str, default: int = 0) -> int:
        """An integer field of struct's ``kind``."""
        at = self._field(index)
        return default if at is None else self.flat.number(kind, at)

    def raw(self, index: int, most: int = 2**31) -> memoryview:
        """A field that is a vector of bytes, not copied; empty where it is left out."""
        at = self._target(index)
        if at is None:
            return memoryview(b"")
        start, count = self.flat.span(at, 1, most)
        return memoryview(self.flat.data)[start : start + count]

    def text(self, index: int, most: int = 1024) -> str:
        """A field that is a string; what is not UTF-8 in it is replaced."""
        return bytes(self.raw(index, most)).decode("utf-8", "replace")

    def integers(self, index: int, most: int, kind: str = "i") -> tuple[int, ...]:
        """A field that is a vector of struct's ``kind``, int32 by default; of at most ``most``."""
        return self._vector(index, most, kind)

    def floats(self, index: int, most: int) -> tuple[float, ...]:
        """A field that is a vector of float32, of at most ``most``."""
        return self._vector(index, most, "f")

    def _vector(self, index: int, most: int, kind: str) -> tuple[Any, ...]:
        at = self._target(index)
        if at is None:
            return ()
        start, count = self.flat.span(at, struct.calcsize(f"<{kind}"), most)
        return struct.unpack_from(f"<{count}{kind}", self.flat.data, start)

    def table(self, index: int) -> Table | None:
        """A field that is a table; None where it is left out."""
        at = self._target(index)
        return None if at is None else self.flat.table(at)

    def tables(self, index: int, most: int) -> Iterator[Table]:
        """A field that is a vector of tables, of at most ``most``."""
        at = self._target(index)
        if at is None:
            return
        start, count = self.flat.span(at, 4, most)
        for place in range(start, start + 4 * count, 4):
            yield self.flat.table(place + self.flat.number("I", place))
