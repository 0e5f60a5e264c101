"""Moves, special registers, and what threads of a warp tell each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from appliance.tools.bench.sass.disassembly import Instruction
from appliance.tools.bench.sass.integers import Action, to_register
from appliance.tools.bench.sass.operands import (
    following,
    is_predicate,
    plain,
    predicate,
    predicate_number,
    register,
    signed,
)
from appliance.tools.bench.sass.threads import Mask, Threads

_U64 = np.uint64


def move(one: Instruction) -> Action:
    """MOV, UMOV, ULDC, LDC of a fixed place."""
    fetch = signed(one.operands[1])
    if ".64" not in one.name:
        return to_register(one.operands[0], fetch)
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


ACTIONS: dict[str, Callable[[Instruction], Action]] = {
    "MOV": move, "UMOV": move, "ULDC": move, "S2R": special, "S2UR": special, "CS2R": special,
    "R2UR": of_warp, "REDUX": of_warp, "VOTEU": of_warp, "SHFL": of_warp,
}  # fmt: skip
"""By name without modifiers."""
