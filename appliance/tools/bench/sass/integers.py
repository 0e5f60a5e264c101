"""What integer, logic and predicate instructions do, for all threads at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass.disassembly import Instruction, SassError
from appliance.tools.bench.sass.operands import (
    Fetch,
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


def _to(text: str, value: Callable[[Threads], NDArray[np.uint32]]) -> Action:
    uniform, number = register(text)
    return lambda t, mask: t.write(uniform, number, value(t), mask)


def _pair(text: str, value: Callable[[Threads], NDArray[Any]]) -> Action:
    low, high = register(text), register(following(text))

    def act(t: Threads, mask: Mask) -> None:
        both = value(t).astype(np.uint64)
        t.write(*low, (both & _LOW).astype(np.uint32), mask)
        t.write(*high, (both >> _U64(32)).astype(np.uint32), mask)

    return act


def _targets(operands: Sequence[str]) -> tuple[list[tuple[bool, int]], list[str]]:
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
    carries, rest = _targets(one.operands[1:])
    target = one.operands[0]
    sign = "U32" not in kinds
    if "WIDE" in kinds or "HI" in kinds:
        a, b, c = _wide(rest[0], sign=sign), _wide(rest[1], sign=sign), _long(rest[2])
        if carries or "X" in kinds:
            raise SassError(f"{one.name} with a carry")

        def product(t: Threads) -> NDArray[np.uint64]:
            return np.asarray((a(t) * b(t)).view(np.uint64) + c(t), np.uint64)

        if "WIDE" in kinds:
            return _pair(target, product)
        return _to(target, lambda t: (product(t) >> _U64(32)).astype(np.uint32))
    x, y, z = signed(rest[0]), signed(rest[1]), signed(rest[2])
    if "X" in kinds:
        carry = predicate(rest[3])
        return _to(target, lambda t: x(t) * y(t) + z(t) + carry(t).astype(np.uint32))
    if kinds[:1] == ["MOV"]:
        return _to(target, z)
    return _to(target, lambda t: x(t) * y(t) + z(t))


def iadd3(one: Instruction) -> Action:
    """IADD3 and IADD3.X: the sum of three, with carries out, and in."""
    carries, rest = _targets(one.operands[1:])
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
        return _to(one.operands[0], lambda t: a(t) + b(t) + c(t))
    return act


def add(one: Instruction) -> Action:
    """VIADD."""
    a, b = signed(one.operands[1]), signed(one.operands[2])
    return _to(one.operands[0], lambda t: a(t) + b(t))


def lea(one: Instruction) -> Action:
    """LEA: a << n, plus b; its upper half with HI."""
    kinds = one.name.split(".")[1:]
    carries, rest = _targets(one.operands[1:])
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
    carries, rest = _targets(one.operands) if is_predicate(one.operands[0]) else ([], [])
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

    return _to(one.operands[0], value)


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
        t.decide(*first, (value | rest) if join else (value & rest), mask)
        if second[1] != 7:
            t.decide(*second, (~value | rest) if join else (~value & rest), mask)

    return act


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

    return _to(one.operands[0], value)


def select(one: Instruction) -> Action:
    """SEL, FSEL: the first where the predicate holds, else the second."""
    float_value = one.base == "FSEL"
    a, b = (_bits_of_float(x) if float_value else signed(x) for x in one.operands[1:3])
    which = predicate(one.operands[3])
    return _to(one.operands[0], lambda t: np.where(which(t), a(t), b(t)))


def _bits_of_float(text: str) -> Fetch:
    from appliance.tools.bench.sass.operands import real

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

    return _to(one.operands[0], value)


def move(one: Instruction) -> Action:
    """MOV, UMOV, ULDC, LDC of a fixed place."""
    fetch = signed(one.operands[1])
    if ".64" not in one.name:
        return _to(one.operands[0], fetch)
    upper = plain(following(one.operands[1]))
    low, high = register(one.operands[0]), register(following(one.operands[0]))

    def act(t: Threads, mask: Mask) -> None:
        t.write(*low, fetch(t), mask)
        t.write(*high, upper(t), mask)

    return act


def special(one: Instruction) -> Action:
    """S2R, S2UR, CS2R."""
    name = one.operands[1]
    low, high = register(one.operands[0]), register(following(one.operands[0]))

    def act(t: Threads, mask: Mask) -> None:
        t.write(*low, t.special[name], mask)
        if one.name == "CS2R":
            t.write(*high, t.special[name], mask)

    return act


def count_bits(one: Instruction) -> Action:
    """POPC, FLO.U32 (the place of the highest bit), IABS."""
    fetch = signed(one.operands[1])

    def value(t: Threads) -> NDArray[np.uint32]:
        bits = np.ascontiguousarray(fetch(t))
        if one.base == "IABS":
            return np.abs(bits.view(np.int32)).view(np.uint32)
        if one.base == "POPC":
            return np.bitwise_count(bits).astype(np.uint32)
        _, exponent = np.frexp(bits.astype(np.float64))
        return np.where(bits == 0, 0xFFFFFFFF, exponent - 1).astype(np.uint32)

    return _to(one.operands[0], value)


def of_warp(one: Instruction) -> Action:
    """R2UR, REDUX, VOTEU.ANY, SHFL.IDX: what threads of a warp tell each other."""
    if one.base == "VOTEU":
        *targets, asked = one.operands
        vote = predicate(asked)

        def ballot(t: Threads, mask: Mask) -> None:
            for text in targets:
                if is_predicate(text):
                    t.decide(*predicate_number(text), t.warps(vote(t) & mask), mask)
                else:
                    t.write(*register(text), t.ballot(vote(t) & mask), mask)

        return ballot
    if one.base == "SHFL":
        target, source = register(one.operands[1]), plain(one.operands[2])
        lane = plain(one.operands[3])

        def shuffle(t: Threads, mask: Mask) -> None:
            there = np.arange(t.count) // 32 * 32 + np.broadcast_to(lane(t) & 31, t.count)
            t.write(*target, np.broadcast_to(source(t), t.count)[there], mask)

        return shuffle
    target, fetch = register(one.operands[0]), plain(one.operands[1])
    if one.base == "R2UR":
        return lambda t, mask: t.write(*target, t.first(mask, fetch(t)), mask)
    kind = one.name.split(".")[1]
    signs = np.int32 if "S32" in one.name or kind == "SUM" else np.uint32

    def reduce(t: Threads, mask: Mask) -> None:
        values = np.broadcast_to(fetch(t), t.count).view(signs).astype(np.int64).reshape(-1, 32)
        there = t.by_warp(mask)
        if kind == "SUM":
            found = np.where(there, values, 0).sum(axis=1)
        elif kind == "MAX":
            found = np.where(there, values, -(1 << 40)).max(axis=1)
        else:
            found = np.where(there, values, 1 << 40).min(axis=1)
        t.write(*target, np.repeat(found, 32).astype(np.uint32), mask)

    return reduce


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

    return _to(one.operands[0], gather)


ACTIONS: dict[str, Callable[[Instruction], Action]] = {
    "IMAD": imad, "UIMAD": imad, "IADD3": iadd3, "UIADD3": iadd3, "VIADD": add, "LEA": lea,
    "ULEA": lea, "LOP3": lop3, "ULOP3": lop3, "PLOP3": plop3, "UPLOP3": plop3, "SHF": shift,
    "USHF": shift, "ISETP": isetp, "UISETP": isetp, "IMNMX": minmax, "VIMNMX": minmax,
    "VIADDMNMX": minmax, "SEL": select, "USEL": select, "FSEL": select, "PRMT": permute,
    "UPRMT": permute, "MOV": move, "UMOV": move, "ULDC": move, "S2R": special, "S2UR": special,
    "CS2R": special, "POPC": count_bits, "FLO": count_bits, "UFLO": count_bits,
    "IABS": count_bits, "P2R": predicates_as_bits, "R2P": predicates_as_bits, "R2UR": of_warp,
    "REDUX": of_warp, "VOTEU": of_warp, "SHFL": of_warp,
}  # fmt: skip
"""By name without modifiers."""
