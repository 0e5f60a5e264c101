"""Kernels run from their machine code: warps of 32 that part at branches and meet again.

Of the threads that can go on, those furthest behind go first. Where the code says that threads wait
for each other (BSYNC), they do, so that a warp issues what it would issue on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass import exchange, floats, integers, logic, memory
from appliance.tools.bench.sass.disassembly import Code, Instruction, SassError
from appliance.tools.bench.sass.memory import Access, Arena
from appliance.tools.bench.sass.operands import BANK_WORDS, is_predicate, plain, predicate, register
from appliance.tools.bench.sass.threads import LANES, Mask, Threads

_AT_ONCE = 8192  # threads
_NOWHERE = 1 << 30
_STACK_AT = 0x28  # where the constant bank says how large the stack is
_MOST_TURNS = 100_000
"""Groups of threads taken up one after another; whoever needs more does not end."""
_ACTIONS = integers.ACTIONS | logic.ACTIONS | exchange.ACTIONS | floats.ACTIONS
_NOTHING = frozenset(("NOP", "YIELD", "WARPSYNC", "DEPBAR", "MEMBAR", "ERRBAR", "CCTL"))
_BRANCHES = frozenset(("BRA", "EXIT", "BAR", "BSSY", "BSYNC", "BREAK", "BMOV", "CALL", "RET"))


@dataclass(slots=True)
class WorkCounts:
    """What one launch came to.

    Attributes:
        issued: by instruction, how often a warp issued it. sectors: asked for by warps.
        read, written: bytes of device memory, each sector once. longest: of one warp.
        by_name: the sums of ``issued`` by name.
    """

    warps: int = 0
    issued: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    sectors: int = 0
    read: int = 0
    written: int = 0
    longest: int = 0
    by_name: dict[str, int] = field(default_factory=dict)

    @property
    def instructions(self) -> int:
        """Instructions issued by all warps."""
        return int(self.issued.sum())

    def named(self, *bases: str) -> int:
        """Of these, those with certain names, whatever their modifiers."""
        return sum(n for name, n in self.by_name.items() if name.partition(".")[0] in bases)


Jump = Callable[[Threads, Mask, int], None]


@dataclass(frozen=True, slots=True)
class _Step:
    guard: Callable[[Threads], Mask] | None
    action: integers.Action | None
    access: Access | None
    jump: Jump | None


class Program:
    """One kernel, ready to be launched."""

    def __init__(self, code: Code, parameters_at: int) -> None:
        """``parameters_at``: where its arguments lie in the constant bank. Raises SassError."""
        self.code, self._parameters_at = code, parameters_at
        self._steps = [_step(one) for one in code.instructions]

    def launch(
        self, arena: Arena, grid: tuple[int, ...], block: tuple[int, ...], arguments: bytes
    ) -> WorkCounts:
        """Run it to its end. Raises SassError: it does what it must not."""
        bank = np.zeros(4 * BANK_WORDS, np.uint32)
        bank[: len(block)], bank[3 : 3 + len(grid)] = block, grid
        bank[_STACK_AT // 4] = self.code.stack  # grows downwards
        padded = arguments + bytes(-len(arguments) % 4)
        first = self._parameters_at // 4
        bank[first : first + len(padded) // 4] = np.frombuffer(padded, np.uint32)
        numbers = np.frombuffer(self.code.numbers[: len(self.code.numbers) // 4 * 4], np.uint32)
        bank[2 * BANK_WORDS : 2 * BANK_WORDS + len(numbers)] = numbers
        x, y, z = (*grid, 1, 1)[:3]
        ids = np.arange(x * y * z)
        places = np.stack((ids % x, ids // x % y, ids // (x * y)), axis=1)
        wide, high, deep = (*block, 1, 1)[:3]
        shape = wide, high, deep
        each = max(1, _AT_ONCE // (shape[0] * shape[1] * shape[2]))
        counts = WorkCounts(issued=np.zeros(len(self._steps), np.int64))
        arena.forget()
        for start in range(0, len(places), each):
            threads = Threads(
                places[start : start + each], shape, bank, max(self.code.registers, 16),
                self.code.shared, self.code.stack,
            )  # fmt: skip
            counts.warps += int(threads.by_warp(threads.alive).any(axis=1).sum())
            with np.errstate(all="ignore"):
                self._run(threads, arena, counts.issued)
            counts.longest = max(counts.longest, int(threads.issued.max()))
        counts.sectors = arena.requested
        counts.read = int(arena.read.sum()) * memory.SECTOR
        counts.written = int(arena.written.sum()) * memory.SECTOR
        for one, issued in zip(self.code.instructions, counts.issued, strict=True):
            counts.by_name[one.name] = counts.by_name.get(one.name, 0) + int(issued)
        return counts

    def _run(self, t: Threads, arena: Arena, issued: NDArray[np.int64]) -> None:
        for _ in range(_MOST_TURNS):
            ready = np.where(t.alive & ~t.parked & ~t.held, t.pc, _NOWHERE)
            at = int(ready.min())
            if at == _NOWHERE:
                if t.alive.any():
                    raise SassError(f"{self.code.name}: threads wait for each other for ever")
                return
            mask = ready == at
            ahead = np.where(mask, _NOWHERE, ready).min()
            going = t.by_warp(mask).any(axis=1)
            warps, start = int(going.sum()), at
            while True:
                if at >= len(self._steps):
                    raise SassError(f"{self.code.name}: ran past its end")
                step = self._steps[at]
                issued[at] += warps
                doing = mask if step.guard is None else mask & step.guard(t)
                try:
                    if step.action is not None:
                        step.action(t, doing)
                    elif step.access is not None and doing.any():
                        step.access(t, doing, arena)
                except (IndexError, SassError) as error:
                    one = self.code.instructions[at]
                    raise SassError(
                        f"{self.code.name} at {one.address:#x}, {one.name} "
                        f"{', '.join(one.operands)}: {error}"
                    ) from error
                at += 1
                if step.jump is not None:
                    t.pc[mask] = at
                    step.jump(t, doing, at - 1)
                    break
                if at >= ahead:
                    t.pc[mask] = at
                    break
            t.issued[going] += at - start
        raise SassError(
            f"{self.code.name} did not end: it was at {self.code.instructions[at].address:#x}"
        )


def _step(one: Instruction) -> _Step:
    try:
        return _known_step(one)
    except SassError as error:
        # Only a kernel that gets there cannot be run.
        why = str(error)

        def refuse(t: Threads, mask: Mask) -> None:
            raise SassError(why)

        return _Step(None, refuse, None, None)


def _known_step(one: Instruction) -> _Step:
    guard = predicate(one.guard[1:]) if one.guard else None
    action, access, jump = None, None, None
    base = one.base
    if base in _BRANCHES:
        jump = _jump(one)
    elif base in memory.ACCESSES and not (base == "LDC" and "][0x" in one.operands[1]):
        access = memory.ACCESSES[base](one)
    elif base == "LDC":
        action = exchange.move(one)
    elif base in _ACTIONS:
        action = _ACTIONS[base](one)
    elif base not in _NOTHING:
        raise SassError(f"{one.name} is not known here")
    return _Step(guard, action, access, jump)


def _jump(one: Instruction) -> Jump:
    base = one.base
    if base in ("BRA", "CALL"):
        where = int(one.operands[-1], 16) // 16
        extra = [predicate(text) for text in one.operands[:-1] if is_predicate(text)]

        def branch(t: Threads, mask: Mask, _: int) -> None:
            for also in extra:
                mask = mask & also(t)
            t.pc[mask] = where

        return branch
    if base == "RET":
        back = plain(one.operands[0].split()[0])

        def come_back(t: Threads, mask: Mask, _: int) -> None:
            t.pc[mask] = np.broadcast_to(back(t), t.count)[mask].astype(np.int64) // 16

        return come_back
    if base == "EXIT":
        return _exit
    if base == "BAR":
        return _hold
    if base == "BMOV":
        return _move_barrier(one)
    number = int(one.operands[0][1:])
    if base == "BSSY":

        def gather(t: Threads, mask: Mask, _: int) -> None:
            np.copyto(t.barriers[number], mask, where=t.warps(mask))

        return gather
    if base == "BREAK":

        def leave(t: Threads, mask: Mask, _: int) -> None:
            t.barriers[number] &= ~mask
            _meet(t)

        return leave

    def wait(t: Threads, mask: Mask, at: int) -> None:
        t.parked |= mask
        t.pc[mask] = at
        t.waits_at[mask] = number
        _meet(t)

    return wait


def _meet(t: Threads) -> None:
    """Let go on all those of whom the last one has come."""
    for number in np.unique(t.waits_at[t.parked]):
        waiting = t.parked & (t.waits_at == number)
        missing = t.warps(t.barriers[number] & t.alive & ~waiting)
        free = waiting & ~missing
        t.parked &= ~free
        t.pc[free] += 1


def _exit(t: Threads, mask: Mask, _: int) -> None:
    t.alive &= ~mask
    if t.parked.any():
        _meet(t)
    if t.held.any():
        _release(t)


def _hold(t: Threads, mask: Mask, _: int) -> None:
    t.held |= mask
    _release(t)


def _release(t: Threads) -> None:
    """Blocks of which every thread has come to the barrier go on."""
    there = (t.held | ~t.alive).reshape(t.blocks, -1).all(axis=1)
    t.held &= ~np.repeat(there, t.padded)


def _move_barrier(one: Instruction) -> Jump:
    """BMOV: who meets at a barrier, to or from a register."""
    to, source = one.operands
    clear = "CLEAR" in one.name

    def bits(t: Threads, text: str) -> NDArray[np.uint32]:
        return t.ballot(t.barriers[int(text[1:])]) if text[0] == "B" else plain(text)(t)

    def move(t: Threads, mask: Mask, _: int) -> None:
        value = np.broadcast_to(bits(t, source), t.count)
        if clear and source[0] == "B":
            t.barriers[int(source[1:])] &= ~t.warps(mask)
        if to[0] == "B":
            lanes = np.arange(t.count) % LANES
            np.copyto(t.barriers[int(to[1:])], (value >> lanes & 1).astype(bool),
                      where=t.warps(mask))  # fmt: skip
        else:
            t.write(*register(to), value, mask)

    return move
