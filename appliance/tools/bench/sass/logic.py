"""What logic, comparisons and choices do, for all threads at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass.disassembly import Instruction
from appliance.tools.bench.sass.integers import Action, targets, to_register
from appliance.tools.bench.sass.operands import (
    Fetch,
    is_predicate,
    plain,
    predicate,
    predicate_number,
    real,
    register,
    signed,
)
from appliance.tools.bench.sass.threads import Mask, Threads

_U64 = np.uint64


def _looked_up(table: int, a: NDArray[Any], b: NDArray[Any], c: NDArray[Any]) -> NDArray[Any]:
    """Any function of three bits, bit by bit."""
    result: NDArray[Any] = np.zeros(1, a.dtype)
    for k in range(8):
        if table >> k & 1:
            term = (a if k & 4 else ~a) & (b if k & 2 else ~b) & (c if k & 1 else ~c)
            result = result | term
    return result


def lop3(one: Instruction) -> Action:
    """LOP3.LUT: any bitwise function of three."""
    carries, rest = targets(one.operands) if is_predicate(one.operands[0]) else ([], [])
    if not rest:
        rest = list(one.operands)
    target, table = register(rest[0]), int(rest[4], 16)
    a, b, c = (signed(text) for text in rest[1:4])

    def act(t: Threads, mask: Mask) -> None:
        value = _looked_up(table, a(t), b(t), c(t))
        for carry in carries:
            t.decide(*carry, value != 0, mask)
        t.write(*target, value, mask)

    return act


def plop3(one: Instruction) -> Action:
    """PLOP3.LUT: any function of three predicates, and another."""
    first, second = predicate_number(one.operands[0]), predicate_number(one.operands[1])
    a, b, c = (predicate(text) for text in one.operands[2:5])
    tables = [int(text, 16) for text in one.operands[5:7]]

    def act(t: Threads, mask: Mask) -> None:
        values = a(t), b(t), c(t)
        one_of, other = (_looked_up(table, *values) for table in tables)
        t.decide(*first, one_of, mask)
        t.decide(*second, other, mask)

    return act


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "EQ": np.equal, "NE": np.not_equal, "LT": np.less, "LE": np.less_equal, "GT": np.greater,
    "GE": np.greater_equal,
}  # fmt: skip


def isetp(one: Instruction) -> Action:
    """ISETP: a comparison, joined with a predicate; EX: of upper halves, after the lower ones."""
    kinds = one.name.split(".")[1:]
    compare, join = _COMPARE[kinds[0]], "OR" in kinds
    first, second = predicate_number(one.operands[0]), predicate_number(one.operands[1])
    sign = "U32" not in kinds
    a, b, other = signed(one.operands[2]), signed(one.operands[3]), predicate(one.operands[4])
    lower = predicate(one.operands[5]) if "EX" in kinds else None
    strict = {"GE": np.greater, "LE": np.less}.get(kinds[0], compare)

    def act(t: Threads, mask: Mask) -> None:
        x, y = a(t), b(t)
        if sign:
            x, y = x.view(np.int32), y.view(np.int32)
        if lower is None:
            value = compare(x, y)
        elif kinds[0] == "NE":
            value = (x != y) | lower(t)
        else:
            value = (x == y) & lower(t)
            if kinds[0] != "EQ":
                value = value | strict(x, y)
        rest = other(t)
        t.decide_both(first, second, value, rest, join, mask)

    return act


def select(one: Instruction) -> Action:
    """SEL, FSEL: the first where the predicate holds, else the second."""
    float_value = one.base == "FSEL"
    a, b = (_bits_of_float(x) if float_value else signed(x) for x in one.operands[1:3])
    which = predicate(one.operands[3])
    return to_register(one.operands[0], lambda t: np.where(which(t), a(t), b(t)))


def _bits_of_float(text: str) -> Fetch:
    fetch = real(text)
    return lambda t: fetch(t).view(np.uint32)


def permute(one: Instruction) -> Action:
    """PRMT: bytes chosen from eight; a selector's fourth bit repeats the byte's sign."""
    a, by, c = (signed(text) for text in one.operands[1:4])

    def value(t: Threads) -> NDArray[np.uint32]:
        both = a(t).astype(np.uint64) | c(t).astype(np.uint64) << _U64(32)
        chosen = by(t).astype(np.uint64)
        result: NDArray[np.uint64] = np.zeros(1, np.uint64)
        for k in range(4):
            digit = chosen >> _U64(4 * k)
            byte = both >> ((digit & _U64(7)) * _U64(8)) & _U64(0xFF)
            byte = np.where(digit & _U64(8), (byte >> _U64(7)) * _U64(0xFF), byte)
            result = result | byte << _U64(8 * k)
        return result.astype(np.uint32)

    return to_register(one.operands[0], value)


def predicates_as_bits(one: Instruction) -> Action:
    """P2R, R2P: the predicates that a number names, to bits of a register, or from them."""
    bits = int(one.operands[-1], 16)
    places = [k for k in range(7) if bits >> k & 1]
    if one.base == "R2P":
        source = plain(one.operands[1])

        def spread(t: Threads, mask: Mask) -> None:
            for k in places:
                t.decide(False, k, (source(t) >> np.uint32(k) & 1).astype(bool), mask)

        return spread
    rest = plain(one.operands[2])

    def gather(t: Threads) -> NDArray[np.uint32]:
        value = rest(t) & np.uint32(~bits & 0xFFFFFFFF)
        for k in places:
            value = value | t.predicates[k].astype(np.uint32) << np.uint32(k)
        return value

    return to_register(one.operands[0], gather)


ACTIONS: dict[str, Callable[[Instruction], Action]] = {
    "LOP3": lop3, "ULOP3": lop3, "PLOP3": plop3, "UPLOP3": plop3, "ISETP": isetp, "UISETP": isetp,
    "SEL": select, "USEL": select, "FSEL": select, "PRMT": permute, "UPRMT": permute,
    "P2R": predicates_as_bits, "R2P": predicates_as_bits,
}  # fmt: skip
"""By name without modifiers."""
