"""What float and conversion instructions do, for all threads at once.

Sums and products are made in float64 and rounded once more, MUFU is exact to the last bit: both
may differ from a GPU's in the last bit, which changes no count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass.disassembly import Instruction, SassError
from appliance.tools.bench.sass.integers import Action
from appliance.tools.bench.sass.operands import (
    following,
    plain,
    predicate,
    predicate_number,
    real,
    register,
    signed,
)
from appliance.tools.bench.sass.threads import Mask, Threads

F32 = NDArray[np.float32]


def _put(text: str, value: Callable[[Threads], F32], kinds: list[str]) -> Action:
    uniform, number = register(text)

    def act(t: Threads, mask: Mask) -> None:
        found = value(t)
        if "SAT" in kinds:
            found = np.where(found == found, np.clip(found, 0, 1), 0).astype(np.float32)
        t.write(uniform, number, found.view(np.uint32), mask)

    return act


def _rounded(exact: NDArray[np.float64], kinds: list[str]) -> F32:
    """To float32, to the nearest or as the instruction says."""
    near = exact.astype(np.float32)
    if "RM" in kinds:
        return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
    if "RP" in kinds:
        return np.where(near < exact, np.nextafter(near, np.float32(np.inf)), near)
    if "RZ" in kinds:
        return np.where(np.abs(near) > np.abs(exact), np.nextafter(near, np.float32(0)), near)
    return near


def arithmetic(one: Instruction) -> Action:
    """FADD, FMUL, FFMA."""
    kinds = one.name.split(".")[1:]
    fetches = [real(text) for text in one.operands[1:]]

    def value(t: Threads) -> F32:
        if one.base != "FFMA" and not {"RM", "RP", "RZ"} & set(kinds):
            a, b = (fetch(t) for fetch in fetches)
            return a + b if one.base == "FADD" else a * b
        x, *rest = (fetch(t).astype(np.float64) for fetch in fetches)
        if one.base == "FFMA":
            return _rounded(x * rest[0] + rest[1], kinds)
        return _rounded(x + rest[0] if one.base == "FADD" else x * rest[0], kinds)

    return _put(one.operands[0], value, kinds)


def half(one: Instruction) -> Action:
    """HFMA2 where it only makes a constant of two halves; HADD2.F32 where it makes one a float."""
    if one.base == "HADD2":
        fetch, part = plain(one.operands[2].split(".")[0]), one.operands[2].rpartition(".")[2]
        by = 16 if part.startswith("H1") else 0
        return _put(
            one.operands[0],
            lambda t: ((fetch(t) >> by) & 0xFFFF).astype(np.uint16).view(np.float16).astype(
                np.float32
            ),
            [],
        )  # fmt: skip
    if one.operands[1:3] != ("-RZ", "RZ"):
        raise SassError(f"{one.name} that calculates")
    high, low = (np.float16(float(x)).view(np.uint16) for x in one.operands[3:5])
    fixed = np.array([int(high) << 16 | int(low)], np.uint32)
    uniform, number = register(one.operands[0])
    return lambda t, mask: t.write(uniform, number, fixed, mask)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "EQ": np.equal, "NE": np.not_equal, "LT": np.less, "LE": np.less_equal, "GT": np.greater,
    "GE": np.greater_equal, "NAN": lambda x, y: (x != x) | (y != y),
}  # fmt: skip


def fsetp(one: Instruction) -> Action:
    """FSETP: a comparison, joined with a predicate; with a U also true where one is no number."""
    kinds = one.name.split(".")[1:]
    name = kinds[0] if kinds[0] in _COMPARE else kinds[0][:-1]
    compare, unordered, join = _COMPARE[name], kinds[0] != name, "OR" in kinds
    first, second = predicate_number(one.operands[0]), predicate_number(one.operands[1])
    a, b, other = real(one.operands[2]), real(one.operands[3]), predicate(one.operands[4])

    def act(t: Threads, mask: Mask) -> None:
        x, y = a(t), b(t)
        value = compare(x, y)
        odd = (x != x) | (y != y)
        # numpy's != is true of NaN, the instruction's NE is not.
        value = (value | odd) if unordered else value if name == "NAN" else (value & ~odd)
        rest = other(t)
        t.decide_both(first, second, value, rest, join, mask)

    return act


def fset(one: Instruction) -> Action:
    """FSET.BF: 1.0 where the comparison and the predicate hold, else 0."""
    kinds = one.name.split(".")[1:]
    compare = _COMPARE[kinds[1]]
    a, b, other = real(one.operands[1]), real(one.operands[2]), predicate(one.operands[3])
    return _put(
        one.operands[0],
        lambda t: (compare(a(t), b(t)) & other(t)).astype(np.float32), [],
    )  # fmt: skip


def extreme(one: Instruction) -> Action:
    """FMNMX: the smaller where the predicate holds, else the larger; never a NaN of two."""
    a, b, which = real(one.operands[1]), real(one.operands[2]), predicate(one.operands[3])
    return _put(
        one.operands[0],
        lambda t: np.where(which(t), np.fmin(a(t), b(t)), np.fmax(a(t), b(t))), [],
    )  # fmt: skip


def check(one: Instruction) -> Action:
    """FCHK: whether a division needs the long way. What exactly asks for it is not published."""
    target = predicate_number(one.operands[0])
    a, b = real(one.operands[1]), real(one.operands[2])

    def act(t: Threads, mask: Mask) -> None:
        x, y = np.abs(a(t)).astype(np.float64), np.abs(b(t)).astype(np.float64)
        usual = (y >= 2.0**-126) & (y < 2.0**126) & (x < 2.0**126)
        usual &= (x == 0) | ((x > y * 2.0**-125) & (x < y * 2.0**125) & (x > 2.0**-103))
        t.decide(*target, ~usual, mask)

    return act


def function(one: Instruction) -> Action:
    """MUFU: 1/x, 1/sqrt(x), 2^x."""
    kind = one.name.split(".")[1]
    fetch = real(one.operands[1])

    def value(t: Threads) -> F32:
        x = fetch(t).astype(np.float64)
        if kind == "RCP":
            return (1.0 / x).astype(np.float32)
        if kind == "RSQ":
            return (1.0 / np.sqrt(x)).astype(np.float32)
        if kind == "SQRT":
            return np.sqrt(x).astype(np.float32)
        if kind == "EX2":
            return np.exp2(x).astype(np.float32)
        raise SassError(f"{one.name} is not known here")

    return _put(one.operands[0], value, [])


def to_integer(one: Instruction) -> Action:
    """F2I: to 32 bits, what does not fit becomes the nearest that does."""
    kinds = one.name.split(".")[1:]
    uniform, number = register(one.operands[0])
    fetch = real(one.operands[1])
    unsigned = "U32" in kinds
    low, high = (0, 2**32 - 1) if unsigned else (-(2**31), 2**31 - 1)

    def act(t: Threads, mask: Mask) -> None:
        x = fetch(t).astype(np.float64)
        whole = np.floor(x) if "FLOOR" in kinds else np.trunc(x) if "TRUNC" in kinds else np.rint(x)
        whole = np.clip(np.where(x == x, whole, 0), low, high)
        t.write(uniform, number, whole.astype(np.int64).astype(np.uint32), mask)

    return act


def to_float(one: Instruction) -> Action:
    """I2F, I2FP: from bytes, shorts and words; S64 from a pair."""
    kinds = one.name.split(".")[1:]
    # A part of the register: a byte (.B1) or a half (.H1).
    text, _, part = one.operands[1].partition(".")
    by = np.uint32(int(part[1:]) * (8 if part[0] == "B" else 16) if part else 0)
    fetch = signed(text)
    if "F64" in kinds:
        raise SassError(f"{one.name}: 64-bit floats are not calculated here")

    def value(t: Threads) -> F32:
        bits = fetch(t) >> by
        if "S64" in kinds or "U64" in kinds:
            upper = plain(following(text))(t).astype(np.uint64) << np.uint64(32)
            whole = bits.astype(np.uint64) | upper
            exact = (whole.view(np.int64) if "S64" in kinds else whole).astype(np.float64)
        elif "U8" in kinds or "U16" in kinds:
            exact = (bits & (0xFF if "U8" in kinds else 0xFFFF)).astype(np.float64)
        else:
            unsigned = "U32" in kinds
            exact = (bits if unsigned else bits.view(np.int32)).astype(np.float64)
        return _rounded(exact, kinds)

    return _put(one.operands[0], value, [])


def pack(one: Instruction) -> Action:
    """F2FP: two floats to two halves, the first one above."""
    uniform, number = register(one.operands[0])
    a, b = real(one.operands[1]), real(one.operands[2])

    def act(t: Threads, mask: Mask) -> None:
        high, low = (
            np.broadcast_to(f(t), t.count).astype(np.float16).view(np.uint16).astype(np.uint32)
            for f in (a, b)
        )
        t.write(uniform, number, high << np.uint32(16) | low, mask)

    return act


ACTIONS: dict[str, Callable[[Instruction], Action]] = {
    "FADD": arithmetic, "FMUL": arithmetic, "FFMA": arithmetic, "HFMA2": half, "HADD2": half,
    "FSETP": fsetp, "FSET": fset, "FMNMX": extreme, "FCHK": check, "MUFU": function,
    "F2I": to_integer, "I2F": to_float, "I2FP": to_float, "F2FP": pack,
}  # fmt: skip
"""By name without modifiers."""
