"""Operands of machine instructions, as functions that fetch them for all threads at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass.disassembly import SassError
from appliance.tools.bench.sass.threads import Threads

U32 = NDArray[np.uint32]
Fetch = Callable[[Threads], U32]
BANK_WORDS = 1024
"""Words kept of each constant bank: 0 has the launch and its arguments, 2 the kernel's numbers."""

_REGISTER = re.compile(r"(U?)R(\d+|Z)$")
_PREDICATE = re.compile(r"(!?)(U?)P(\d|T)$")
_CONSTANT = re.compile(r"c\[0x([0-9a-f])\]\[(0x[0-9a-f]+)\]$")
_ADDRESS = re.compile(
    r"(?:desc\[UR\d+\])?\[(?:(R\d+|RZ)(?:\.(64|U32|X\d+|X))?)?(?:\+?(UR\d+|URZ))?"
    r"(?:\+?(-?0x[0-9a-f]+))?\]$"
)


def register(text: str) -> tuple[bool, int]:
    """Whether it is a uniform register, and its number; Z is the last one."""
    match = _REGISTER.match(text)
    if match is None:
        raise SassError(f"expected a register, not {text!r}")
    uniform = bool(match[1])
    return uniform, (63 if uniform else 255) if match[2] == "Z" else int(match[2])


def following(text: str) -> str:
    """The operand of the upper 32 bits: the next register, or constant four bytes on."""
    sign = "-" if text.startswith("-") else ""
    bare = text.lstrip("-")
    constant = _CONSTANT.match(bare)
    if constant:
        return f"{sign}c[0x{constant[1]}][{int(constant[2], 16) + 4:#x}]"
    uniform, number = register(bare)
    if number == (63 if uniform else 255):
        return text
    return f"{sign}{'UR' if uniform else 'R'}{number + 1}"


def plain(text: str) -> Fetch:
    """The bits of a register, constant or integer, without a sign before it."""
    match = _CONSTANT.match(text)
    if match:
        word = BANK_WORDS * int(match[1], 16) + (int(match[2], 16) >> 2)
        return lambda t: t.constants[word : word + 1]
    if re.match(r"-?0x[0-9a-f]+$", text):
        fixed = np.array([int(text, 16) & 0xFFFFFFFF], np.uint32)
        return lambda _: fixed
    uniform, number = register(text)
    if number == (63 if uniform else 255):
        zero = np.zeros(1, np.uint32)
        return lambda _: zero
    if uniform:
        return lambda t: t.uniform[number]
    return lambda t: t.registers[number]


def integer(text: str) -> tuple[Fetch, bool]:
    """The bits with ~ applied, and whether there is a minus, which is left to the caller.

    A negative number is not a minus: it is its own bits.
    """
    if text.startswith("~"):
        fetch = plain(text[1:])
        return (lambda t: ~fetch(t)), False
    if text.startswith("-") and not text.startswith("-0x"):
        return plain(text[1:].strip("|")), True
    return plain(text), False


def signed(text: str) -> Fetch:
    """The bits of an integer operand with its minus applied."""
    fetch, minus = integer(text)
    return (lambda t: np.negative(fetch(t))) if minus else fetch


def real(text: str) -> Callable[[Threads], NDArray[np.float32]]:
    """A float operand with its signs and bars."""
    minus, bare = text.startswith("-"), text.lstrip("-").strip()
    if re.match(r"[+\d.]|INF|QNAN", bare):
        named = {"+INF": np.inf, "INF": np.inf, "+QNAN": np.nan, "QNAN": np.nan}
        value = named[bare] if bare in named else float(bare)
        fixed = np.array([-value if minus else value], np.float32)
        return lambda _: fixed
    bars = bare.startswith("|")
    fetch = plain(bare.strip("|"))

    def get(t: Threads) -> NDArray[np.float32]:
        value = fetch(t).view(np.float32)
        if bars:
            value = np.abs(value)
        return np.negative(value) if minus else value

    return get


def predicate(text: str) -> Callable[[Threads], NDArray[np.bool_]]:
    """A predicate, with its ``!``."""
    match = _PREDICATE.match(text)
    if match is None:
        raise SassError(f"expected a predicate, not {text!r}")
    number = 7 if match[3] == "T" else int(match[3])
    uniform, inverted = bool(match[2]), bool(match[1])

    def get(t: Threads) -> NDArray[np.bool_]:
        value: NDArray[np.bool_] = (t.uniform_predicates if uniform else t.predicates)[number]
        return ~value if inverted else value

    return get


def predicate_number(text: str) -> tuple[bool, int]:
    """Whether it is a uniform predicate, and its number; 7 is always true."""
    match = _PREDICATE.match(text)
    if match is None or match[1]:
        raise SassError(f"expected a predicate to write to, not {text!r}")
    return bool(match[2]), 7 if match[3] == "T" else int(match[3])


def is_predicate(text: str) -> bool:
    """Whether it is one, with or without a ``!``."""
    return _PREDICATE.match(text) is not None


@dataclass(frozen=True, slots=True)
class MemoryPlace:
    """An address operand; ``wide``: of 64 bits."""

    wide: bool
    low: Fetch
    high: Fetch | None
    scale: int
    uniform: Fetch | None
    offset: int

    def __call__(self, t: Threads) -> NDArray[np.int64]:
        """The address of every thread."""
        at = np.broadcast_to(self.low(t), t.count).astype(np.int64) * self.scale
        if self.high is not None:
            at = at + (self.high(t).astype(np.int64) << 32)
        if self.uniform is not None:
            at = at + self.uniform(t).astype(np.int64)
        return np.asarray(at + self.offset, np.int64)


def place(text: str) -> MemoryPlace:
    """Read an address operand. Raises SassError."""
    match = _ADDRESS.match(text)
    if match is None:
        raise SassError(f"expected an address, not {text!r}")
    base, kind, uniform, offset = match[1] or "RZ", match[2] or "", match[3], match[4]
    wide = kind == "64"
    return MemoryPlace(
        wide, plain(base), plain(following(base)) if wide else None,
        int(kind[1:]) if kind[:1] == "X" else 1,
        plain(uniform) if uniform else None, int(offset, 16) if offset else 0,
    )  # fmt: skip
