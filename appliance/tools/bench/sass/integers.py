"""What integer instructions do, for all threads at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass.disassembly import Instruction, SassError
from appliance.tools.bench.sass.operands import (
    following,
    integer,
    is_predicate,
    plain,
    predicate,
    predicate_number,
    register,
    signed,
)
from appliance.tools.bench.sass.threads import Mask, Threads

Action = Callable[[Threads, Mask], None]
_U64 = np.uint64
_LOW = _U64(0xFFFFFFFF)


def to_register(text: str, value: Callable[[Threads], NDArray[np.uint32]]) -> Action:
    """Write a value into the target register."""
    uniform, number = register(text)
    return lambda t, mask: t.write(uniform, number, value(t), mask)


def to_pair(text: str, value: Callable[[Threads], NDArray[Any]]) -> Action:
    """Write 64 bits into the target and the register after it."""
    low, high = register(text), register(following(text))

    def act(t: Threads, mask: Mask) -> None:
        both = value(t).astype(np.uint64)
        t.write(*low, (both & _LOW).astype(np.uint32), mask)
        t.write(*high, (both >> _U64(32)).astype(np.uint32), mask)

    return act


def targets(operands: Sequence[str]) -> tuple[list[tuple[bool, int]], list[str]]:
    """The predicates that stand first, and the rest."""
    found = 0
    while is_predicate(operands[found]):
        found += 1
    return [predicate_number(one) for one in operands[:found]], list(operands[found:])


def _wide(text: str, *, sign: bool) -> Callable[[Threads], NDArray[np.int64]]:
    """A 32-bit operand as 64 bits."""
    fetch = signed(text)
    if sign:
        return lambda t: fetch(t).view(np.int32).astype(np.int64)
    return lambda t: fetch(t).astype(np.int64)


def _long(text: str) -> Callable[[Threads], NDArray[np.uint64]]:
    """A 64-bit operand: a pair of registers, or a constant of 8 bytes."""
    if text.lstrip("-").startswith("0x"):
        fixed = np.array([int(text, 16) & 0xFFFFFFFFFFFFFFFF], np.uint64)
        return lambda _: fixed
    low, high = plain(text.lstrip("-")), plain(following(text.lstrip("-")))
    minus = text.startswith("-")

    def get(t: Threads) -> NDArray[np.uint64]:
        both = low(t).astype(np.uint64) | high(t).astype(np.uint64) << _U64(32)
        return np.negative(both) if minus else both

    return get


def imad(one: Instruction) -> Action:
    """IMAD in all its forms: a * b + c."""
    kinds = one.name.split(".")[1:]
    carries, rest = targets(one.operands[1:])
    target = one.operands[0]
    sign = "U32" not in kinds
    if "WIDE" in kinds or "HI" in kinds:
        a, b, c = _wide(rest[0], sign=sign), _wide(rest[1], sign=sign), _long(rest[2])
        if carries or "X" in kinds:
            raise SassError(f"{one.name} with a carry")

        def product(t: Threads) -> NDArray[np.uint64]:
            return np.asarray((a(t) * b(t)).view(np.uint64) + c(t), np.uint64)

        if "WIDE" in kinds:
            return to_pair(target, product)
        return to_register(target, lambda t: (product(t) >> _U64(32)).astype(np.uint32))
    x, y, z = signed(rest[0]), signed(rest[1]), signed(rest[2])
    if "X" in kinds:
        carry = predicate(rest[3])
        return to_register(target, lambda t: x(t) * y(t) + z(t) + carry(t).astype(np.uint32))
    if kinds[:1] == ["MOV"]:
        return to_register(target, z)
    return to_register(target, lambda t: x(t) * y(t) + z(t))


def iadd3(one: Instruction) -> Action:
    """IADD3 and IADD3.X: the sum of three, with carries out, and in."""
    carries, rest = targets(one.operands[1:])
    extended = "X" in one.name.split(".")
    fetches = [integer(text) for text in rest[:3]]
    ins = [predicate(text) for text in rest[3:]] if extended else []
    target = register(one.operands[0])

    def total(t: Threads) -> NDArray[np.uint64]:
        both = np.zeros(1, np.uint64)
        for fetch, minus in fetches:
            value = fetch(t)
            # ~x + 1 as the adder has it, of which the carry is part.
            both = both + (~value if minus else value).astype(np.uint64)
            both = both + _U64(1) if minus else both
        for carry in ins:
            both = both + carry(t).astype(np.uint64)
        return both

    def act(t: Threads, mask: Mask) -> None:
        both = total(t)
        for k, carry in enumerate(carries):
            t.decide(*carry, (both >> _U64(32)) > _U64(k), mask)
        t.write(*target, (both & _LOW).astype(np.uint32), mask)

    if not carries and not ins:
        a, b, c = (signed(text) for text in rest[:3])
        return to_register(one.operands[0], lambda t: a(t) + b(t) + c(t))
    return act


def add(one: Instruction) -> Action:
    """VIADD."""
    a, b = signed(one.operands[1]), signed(one.operands[2])
    return to_register(one.operands[0], lambda t: a(t) + b(t))


def lea(one: Instruction) -> Action:
    """LEA: a << n, plus b; its upper half with HI."""
    kinds = one.name.split(".")[1:]
    carries, rest = targets(one.operands[1:])
    target = register(one.operands[0])
    carry_in = predicate(rest.pop()) if "X" in kinds else None
    shift = _U64(int(rest.pop(), 16))
    a, b = signed(rest[0]), signed(rest[1])
    above = plain(rest[2]) if "HI" in kinds and "SX32" not in kinds else None

    def act(t: Threads, mask: Mask) -> None:
        if "SX32" in kinds:
            shifted = a(t).view(np.int32).astype(np.int64).view(np.uint64) << shift
        elif above is not None:
            shifted = (a(t).astype(np.uint64) | above(t).astype(np.uint64) << _U64(32)) << shift
        else:
            shifted = a(t).astype(np.uint64) << shift
        part = shifted >> _U64(32) if "HI" in kinds else shifted & _LOW
        both = part + b(t).astype(np.uint64)
        if carry_in is not None:
            both = both + carry_in(t).astype(np.uint64)
        for carry in carries:
            t.decide(*carry, (both >> _U64(32)) > _U64(0), mask)
        t.write(*target, (both & _LOW).astype(np.uint32), mask)

    return act


def shift(one: Instruction) -> Action:
    """SHF: a funnel shift of the pair (c above a)."""
    kinds = one.name.split(".")
    a, by, c = (signed(text) for text in one.operands[1:4])
    left, high, sign = "L" in kinds, "HI" in kinds, "S32" in kinds

    def value(t: Threads) -> NDArray[np.uint32]:
        n = np.minimum(by(t), 63).astype(np.uint64)
        if left and not high:
            return np.asarray((a(t).astype(np.uint64) << np.minimum(n, _U64(32))) & _LOW, np.uint32)
        if not left and high:
            if sign:
                upper = c(t).view(np.int32).astype(np.int64)
                return (upper >> np.minimum(n, _U64(32)).astype(np.int64)).astype(np.uint32)
            return (c(t).astype(np.uint64) >> np.minimum(n, _U64(32))).astype(np.uint32)
        both = a(t).astype(np.uint64) | c(t).astype(np.uint64) << _U64(32)
        shifted = both << n if left else both >> n
        return ((shifted >> _U64(32)) if high else (shifted & _LOW)).astype(np.uint32)

    return to_register(one.operands[0], value)


def minmax(one: Instruction) -> Action:
    """IMNMX, VIMNMX, VIADDMNMX: the smaller where the predicate holds, else the larger."""
    rest = list(one.operands[1:])
    which = predicate(rest.pop())
    unsigned = "U32" in one.name.split(".")
    fetches = [signed(text) for text in rest]

    def value(t: Threads) -> NDArray[np.uint32]:
        a, b = fetches[0](t), fetches[-1](t)
        if len(fetches) == 3:
            a = a + fetches[1](t)
        kind = np.uint32 if unsigned else np.int32
        x, y = a.view(kind), b.view(kind)
        return np.where(which(t), np.minimum(x, y), np.maximum(x, y)).view(np.uint32)

    return to_register(one.operands[0], value)


def count_bits(one: Instruction) -> Action:
    """POPC, FLO.U32 (the place of the highest bit), IABS."""
    fetch = signed(one.operands[1])

    def value(t: Threads) -> NDArray[np.uint32]:
        bits = np.ascontiguousarray(fetch(t))
        if one.base == "IABS":
            return np.abs(bits.view(np.int32)).view(np.uint32)
        if one.base == "POPC":
            each = np.unpackbits(bits.view(np.uint8).reshape(-1, 4), axis=1)
            return np.asarray(each.sum(axis=1), np.uint32)
        _, exponent = np.frexp(bits.astype(np.float64))
        return np.where(bits == 0, 0xFFFFFFFF, exponent - 1).astype(np.uint32)

    return to_register(one.operands[0], value)


ACTIONS: dict[str, Callable[[Instruction], Action]] = {
    "IMAD": imad, "UIMAD": imad, "IADD3": iadd3, "UIADD3": iadd3, "VIADD": add, "LEA": lea,
    "ULEA": lea, "SHF": shift, "USHF": shift, "IMNMX": minmax, "VIMNMX": minmax,
    "VIADDMNMX": minmax, "POPC": count_bits, "FLO": count_bits, "UFLO": count_bits,
    "IABS": count_bits,
}  # fmt: skip
"""By name without modifiers."""
