"""Reads ``.cube`` files: curves and cubes of colour, as grading programs write them.

Adobe, "Cube LUT Specification" 1.0 (2013), and what DaVinci Resolve adds: ``LUT_1D_INPUT_RANGE``
and ``LUT_3D_INPUT_RANGE``, and curves before the cube in one file. Numbers have a decimal point
whatever the process's locale says. Whatever is not understood is refused with its line: a look that
is read wrongly, or not at all, shows only on the screen.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from appliance.errors import InputError
from appliance.pixels.cpu.bake import F64, ColourCube

MOST_BYTES = 512 << 20
"""The largest file that is read: a cube of 256 with six decimals has 453 MB."""

_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?"
_ROW = re.compile(rb"[ \t]*(%b)[ \t]+(%b)[ \t]+(%b)[ \t]*" % ((_NUMBER,) * 3))
_LONGEST_LINE = 4096
_BLOCK = 4096
# Values are colours, 0 to 1. Some tables go beyond on purpose; none as far as this.
_MOST_VALUE = 1e4
_SIZES = {"LUT_1D_SIZE": (2, 65536), "LUT_3D_SIZE": (2, 256)}
_VALUES = {
    "DOMAIN_MIN": 3, "DOMAIN_MAX": 3, "LUT_1D_INPUT_RANGE": 2, "LUT_3D_INPUT_RANGE": 2,
}  # fmt: skip
_VIDEO_RANGE = ("LUT_IN_VIDEO_RANGE", "LUT_OUT_VIDEO_RANGE")


def read_cube(path: Path) -> ColourCube:
    """The look in a file. Raises InputError with the line and what was expected there."""
    try:
        # Non-blocking: opening a FIFO that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"look {str(path)!r}: is not a plain file; expected a .cube file")
            if status.st_size > MOST_BYTES:
                raise InputError(
                    f"look {str(path)!r}: has {status.st_size / 1e6:,.0f} MB, of at most "
                    f"{MOST_BYTES / 1e6:,.0f}; export the look with a smaller LUT_3D_SIZE, such "
                    "as 33"
                )
            return _Reader(path, iter(lambda: file.readline(_LONGEST_LINE), b"")).look()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"look {str(path)!r}: cannot be read ({why}); name a .cube file that is there"
        ) from error


class _Reader:
    """One file on its way through."""

    def __init__(self, path: Path, lines: Iterator[bytes]) -> None:
        self._path = path
        self._lines = lines
        self._pushed: bytes | None = None
        self._number = 0
        self._written: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._values: dict[str, tuple[float, ...]] = {}

    def look(self) -> ColourCube:
        first = self._header()
        curves, cube = self._sizes.get("LUT_1D_SIZE", 0), self._sizes.get("LUT_3D_SIZE", 0)
        if not self._sizes:
            if first is not None:
                self._row(first)
            raise self._wrong("there is no LUT_3D_SIZE or LUT_1D_SIZE before the values")
        ends = self._ends(curves > 0, cube > 0)
        rows = self._rows(first, curves + cube**3)
        look: dict[str, object] = {}
        if curves:
            low, high = ends["1D"]
            look |= {"curves": rows[:curves].astype(np.float64)}
            look |= {"curves_from": low, "curves_to": high}
        if cube:
            low, high = ends["3D"]
            look |= {"cube": rows[curves:].reshape(cube, cube, cube, 3)}
            look |= {"cube_from": low, "cube_to": high}
        return ColourCube(**look)  # type: ignore[arg-type]

    def _wrong(self, message: str) -> InputError:
        line = f", line {self._number}" if self._number else ""
        return InputError(f"look {str(self._path)!r}{line}: {message}")

    def _next(self) -> bytes | None:
        """The next line that says anything, without its end; None at the file's."""
        while line := self._pushed or next(self._lines, b""):
            self._pushed = None
            self._number += 1
            if self._number == 1:
                line = self._first(line)
            if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                raise self._wrong(
                    f"is longer than {_LONGEST_LINE} bytes; expected a text file with a row of "
                    "three numbers in each line"
                )
            said = line.strip()
            if said and not said.startswith(b"#"):
                return said
        return None

    def _first(self, line: bytes) -> bytes:
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise self._wrong("the file is UTF-16; save it as plain text (UTF-8)")
        if b"\0" in line:
            raise self._wrong("the file is not text; expected a .cube file")
        if b"\r" in line.rstrip(b"\r\n"):
            raise self._wrong("lines end with CR alone; save the file with LF or CRLF")
        return line.removeprefix(b"\xef\xbb\xbf")

    def _header(self) -> bytes | None:
        """Read the keywords; returns the first row of values."""
        while (line := self._next()) is not None:
            word = line.split(maxsplit=1)[0]
            if not word[:1].isalpha():
                return line
            self._keyword(word.decode("latin-1"), line[len(word) :].strip())
        return None

    def _keyword(self, word: str, rest: bytes) -> None:
        if word in self._written:
            raise self._wrong(f"{word} stands in line {self._written[word]} already")
        self._written[word] = self._number
        if word == "TITLE":
            return
        if word in _VIDEO_RANGE:
            raise self._wrong(
                f"{word}: tables for video levels are not read; export the look for full range "
                "(data levels)"
            )
        if word in _SIZES:
            least, most = _SIZES[word]
            if not re.fullmatch(rb"\d{1,9}", rest) or not least <= int(rest) <= most:
                raise self._wrong(
                    f"{word}: found {_shown(rest)}, expected a whole number from {least} to {most}"
                )
            self._sizes[word] = int(rest)
        elif word in _VALUES:
            self._values[word] = self._numbers(word, rest, _VALUES[word])
        elif word.lower() in ("nan", "inf", "infinity"):
            raise self._wrong(f"found {word}; expected three finite numbers")
        else:
            known = ", ".join(["TITLE", *_SIZES, *_VALUES])
            raise self._wrong(
                f"found {_shown(word.encode('latin-1'))}; expected one of {known}, or three "
                "numbers; a remark begins with #"
            )

    def _numbers(self, word: str, rest: bytes, count: int) -> tuple[float, ...]:
        parts = rest.split()
        if len(parts) != count or not all(re.fullmatch(_NUMBER, part) for part in parts):
            raise self._wrong(f"{word}: found {_shown(rest)}, expected {count} finite numbers")
        return tuple(self._bounded(float(part), part) for part in parts)

    def _bounded(self, value: float, text: bytes) -> float:
        if abs(value) > _MOST_VALUE:
            raise self._wrong(
                f"found {_shown(text)}; colours are about 0 to 1, and at most "
                f"{_MOST_VALUE:,.0f} is taken"
            )
        return value

    def _ends(self, curves: bool, cube: bool) -> dict[str, tuple[F64, F64]]:
        """Where the tables' first and last rows are."""
        low, high = self._values.get("DOMAIN_MIN"), self._values.get("DOMAIN_MAX")
        domain = next((word for word in ("DOMAIN_MIN", "DOMAIN_MAX") if word in self._values), "")
        found = {}
        zeros: tuple[float, ...] = (0.0,) * 3
        ones: tuple[float, ...] = (1.0,) * 3
        for kind, there in (("1D", curves), ("3D", cube)):
            word = f"LUT_{kind}_INPUT_RANGE"
            ends = low or zeros, high or ones
            if word in self._values:
                if not there:
                    raise self._at(word, f"{word} without LUT_{kind}_SIZE")
                if domain:
                    raise self._at(word, f"{word} and {domain} say the same; leave one out")
                a, b = self._values[word]
                ends = (a, a, a), (b, b, b)
            elif domain and curves and cube:
                raise self._at(
                    domain,
                    f"{domain} beside curves and a cube may mean either; write "
                    "LUT_1D_INPUT_RANGE and LUT_3D_INPUT_RANGE",
                )
            else:
                word = domain
            if not all(b - a > 1e-9 for a, b in zip(*ends, strict=True)):
                raise self._at(word, f"the input ends at {ends[1]} and begins at {ends[0]}")
            found[kind] = np.array(ends[0], np.float64), np.array(ends[1], np.float64)
        return found

    def _at(self, word: str, message: str) -> InputError:
        self._number = self._written[word]
        return self._wrong(message)

    def _rows(self, first: bytes | None, count: int) -> np.ndarray:
        """The values, float32 (count, 3)."""
        rows = np.empty((count, 3), np.float32)
        at, line = 0, first
        while line is not None and at < count:
            rows[at] = self._row(line)
            at += 1
            while at < count and self._pushed is None and (more := self._many(rows[at:])):
                at += more
            line = self._next()
        if at < count:
            raise self._wrong(f"the file ends after {at:,} of {count:,} rows; it was cut off")
        if line is not None:
            raise self._wrong(
                f"a row too many: {' and '.join(f'{k} {v}' for k, v in self._sizes.items())} "
                f"make {count:,}"
            )
        return rows

    def _many(self, rows: np.ndarray) -> int:
        """Fill rows from the lines that follow, as long as these are nothing but three numbers."""
        flat: list[bytes] = []
        for line in self._lines:
            match = _ROW.fullmatch(line.rstrip(b"\r\n"))
            if match is None:
                self._pushed = line
                break
            flat += match.groups()
            if len(flat) == 3 * min(_BLOCK, len(rows)):
                break
        values = np.array([float(text) for text in flat]).reshape(-1, 3)
        for index in np.flatnonzero(np.abs(values).max(axis=1, initial=0) > _MOST_VALUE)[:1]:
            self._number += int(index) + 1
            for text in flat[3 * index : 3 * index + 3]:
                self._bounded(float(text), text)
        self._number += len(values)
        rows[: len(values)] = values
        return len(values)

    def _row(self, line: bytes) -> tuple[float, ...]:
        match = _ROW.fullmatch(line)
        if match is not None:
            return tuple(self._bounded(float(text), text) for text in match.groups())
        if b"," in line:
            raise self._wrong(
                f"found {_shown(line)}; expected three numbers with a decimal point, and blanks "
                "between them, no commas"
            )
        if line[:1].isalpha() and line.split()[0].lower() not in (b"nan", b"inf", b"infinity"):
            raise self._wrong(
                f"found {_shown(line)} among the values; keywords stand before the first of them"
            )
        raise self._wrong(f"found {_shown(line)}; expected three finite numbers: red, green, blue")


def _shown(text: bytes) -> str:
    said = text[:60].decode("utf-8", "replace")
    said = "".join(c if c.isprintable() else repr(c)[1:-1] for c in said)
    return repr(said + ("…" if len(text) > 60 else "")) if said else "nothing"
