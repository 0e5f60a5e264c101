"""Device memory on the host, and what loads, stores and atomics do with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.tools.bench.sass.disassembly import Instruction, SassError
from appliance.tools.bench.sass.operands import place, plain, register
from appliance.tools.bench.sass.threads import Mask, Threads

SECTOR = 32
"""Bytes that memory moves at a time."""
_BASE = 1 << 32


class Arena:
    """All device memory, from which pieces are taken and never given back.

    Attributes:
        read, written: for each sector whether a kernel has, since ``forget``.
        requested: sectors asked for by warps since ``forget``, with repetitions.
    """

    def __init__(self, size: int) -> None:
        self.bytes = np.full(size, 0xA5, np.uint8)
        self.used = 0
        self.read = np.zeros(size // SECTOR, np.bool_)
        self.written = np.zeros(size // SECTOR, np.bool_)
        self.requested = 0

    def alloc(self, nbytes: int) -> int:
        """The address of a new piece. Raises MemoryError."""
        at = -(-self.used // 256) * 256
        if at + nbytes > len(self.bytes):
            raise MemoryError(f"{nbytes} bytes more than the {len(self.bytes)} set aside")
        self.used = at + nbytes
        return _BASE + at

    def view(self, address: int, nbytes: int) -> NDArray[np.uint8]:
        """The bytes at an address. Raises IndexError."""
        at = address - _BASE
        if not 0 <= at <= at + nbytes <= self.used:
            raise IndexError(f"{nbytes} bytes at {address:#x}: not in device memory")
        return self.bytes[at : at + nbytes]

    def forget(self) -> None:
        """Start counting again."""
        self.read[:] = self.written[:] = False
        self.requested = 0

    def offsets(self, addresses: NDArray[np.int64], width: int) -> NDArray[np.int64]:
        """Offsets of the threads' addresses. Raises IndexError: out of bounds, or misaligned."""
        at = addresses - _BASE
        if at.size and (at.min() < 0 or at.max() + width > self.used):
            raise IndexError(
                f"an address between {at.min():#x} and {at.max():#x} of {self.used:#x}"
            )
        if (at & (width - 1)).any():
            raise IndexError(f"an address that is no multiple of {width}")
        return at

    def note(
        self, at: NDArray[np.int64], width: int, warps: NDArray[np.int64], *, write: bool
    ) -> None:
        """Count what the threads of some warps touch together."""
        sectors = at // SECTOR
        touched = self.written if write else self.read
        touched[sectors] = True
        if width > SECTOR:
            raise SassError(f"an access of {width} bytes")
        self.requested += len(np.unique(warps << 40 | sectors))


def width_of(one: Instruction) -> int:
    """Bytes a thread moves."""
    for kind, width in (("U8", 1), ("S8", 1), ("U16", 2), ("S16", 2), ("64", 8), ("128", 16)):
        if kind in one.name.split("."):
            return width
    return 4


Access = Callable[[Threads, Mask, Arena], None]


def _numbers(text: str, count: int) -> list[tuple[bool, int]]:
    uniform, number = register(text)
    last = 63 if uniform else 255
    return [(uniform, number if number == last else number + k) for k in range(count)]


def load(one: Instruction) -> Access:
    """LDG, LDS, LDL, and LDC with an index."""
    width = width_of(one)
    targets = _numbers(one.operands[0], max(width // 4, 1))
    if one.base == "LDC":
        match = re.match(r"c\[0x0\]\[(R\d+|RZ)(?:\+(0x[0-9a-f]+))?\]$", one.operands[1])
        if match is None:
            raise SassError(f"{one.name} {one.operands}")
        index, offset = plain(match[1]), int(match[2] or "0", 16)

        def constant(t: Threads, mask: Mask, _: Arena) -> None:
            at = np.broadcast_to(index(t), t.count)[mask].astype(np.int64) + offset
            for k, target in enumerate(targets):
                _spread(t, target, t.constants[at // 4 + k], mask)

        return constant
    where = place(one.operands[1])

    def act(t: Threads, mask: Mask, arena: Arena) -> None:
        at = where(t)[mask]
        if one.base == "LDG":
            at = arena.offsets(at, width)
            arena.note(at, width, t.warp_of[mask], write=False)
            memory: NDArray[Any] = arena.bytes
        else:
            memory, at = _near(one, t, at, mask)
        if width < 4:
            kind = np.uint8 if width == 1 else np.uint16
            values = memory.view(kind)[at // width]
            if "S8" in one.name or "S16" in one.name:
                values = values.view(np.int8 if width == 1 else np.int16).astype(np.int32)
            _spread(t, targets[0], values.astype(np.uint32), mask)
            return
        for k, target in enumerate(targets):
            _spread(t, target, memory.view(np.uint32)[at // 4 + k], mask)

    return act


def _near(
    one: Instruction, t: Threads, at: NDArray[np.int64], mask: Mask
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Shared or local memory as one array, and offsets in it."""
    if one.base in ("LDL", "STL"):
        size, row, memory = t.local.shape[1] * 4, np.flatnonzero(mask), t.local
    else:
        size, row, memory = t.shared.shape[1] * 4, t.block_of[mask], t.shared
    if at.size and (at.min() < 0 or at.max() >= size):
        raise IndexError(f"{one.name}: {at.min():#x} to {at.max():#x} of {size:#x} bytes")
    return memory.reshape(-1), row * size + at


def _spread(t: Threads, target: tuple[bool, int], values: NDArray[np.uint32], mask: Mask) -> None:
    uniform, number = target
    if number != 255:
        if uniform:
            raise SassError("a load to a uniform register")
        t.registers[number][mask] = values


def store(one: Instruction) -> Access:
    """STG, STS, STL."""
    width = width_of(one)
    where = place(one.operands[0])
    sources = [
        plain(f"R{n}" if n != 255 else "RZ")
        for _, n in _numbers(one.operands[1], max(width // 4, 1))
    ]

    def act(t: Threads, mask: Mask, arena: Arena) -> None:
        at = where(t)[mask]
        if one.base == "STG":
            at = arena.offsets(at, width)
            arena.note(at, width, t.warp_of[mask], write=True)
            memory: NDArray[Any] = arena.bytes
        else:
            memory, at = _near(one, t, at, mask)
        for k, source in enumerate(sources):
            values = np.broadcast_to(source(t), t.count)[mask]
            if width < 4:
                kind = np.uint8 if width == 1 else np.uint16
                memory.view(kind)[at // width] = values.astype(kind)
            else:
                memory.view(np.uint32)[at // 4 + k] = values

    return act


def atomic(one: Instruction) -> Access:
    """ATOMG, ATOMS, RED, REDG: one thread after another."""
    operands = [x for x in one.operands if not re.match(r"!?U?P[\dT]$", x)]
    returns = one.base in ("ATOMG", "ATOMS")
    target = operands.pop(0) if returns else "RZ"
    where, wide = place(operands[0]), ".64" in one.name
    kinds = one.name.split(".")
    kind = next((k for k in ("ADD", "MIN", "MAX", "POPC", "CAST") if k in kinds), None)
    if kind is None:
        raise SassError(f"{one.name} is not known here")
    values = operands[1:]
    dtype: Any = np.float32 if "F32" in kinds else np.int32 if "S32" in kinds else np.uint32
    dtype = np.uint64 if wide else dtype
    count = 2 if wide else 1

    def read(t: Threads, text: str, mask: Mask) -> NDArray[Any]:
        parts = [plain(f"R{n}" if n != 255 else "RZ") for _, n in _numbers(text, count)]
        found = [np.broadcast_to(part(t), t.count)[mask] for part in parts]
        if wide:
            return found[0].astype(np.uint64) | found[1].astype(np.uint64) << np.uint64(32)
        return found[0].view(dtype)

    def act(t: Threads, mask: Mask, arena: Arena) -> None:
        at = where(t)[mask]
        if one.base == "ATOMS":
            memory, at = _near(one, t, at, mask)
        else:
            at = arena.offsets(at, 4 * count)
            arena.note(at, 4, t.warp_of[mask], write=True)
            memory = arena.bytes
        cells = memory.view(dtype)
        given = [read(t, text, mask) for text in values]
        before = np.zeros(len(at), dtype)
        for k, cell in enumerate(at // (4 * count)):
            old = before[k] = cells[cell]
            if kind == "ADD":
                cells[cell] = old + given[0][k]
            elif kind == "MIN":
                cells[cell] = min(old, given[0][k])
            elif kind == "MAX":
                cells[cell] = max(old, given[0][k])
            elif kind == "POPC":
                cells[cell] = old + 1
            else:
                # CAST answers whether it stored.
                before[k] = old == given[0][k]
                if before[k]:
                    cells[cell] = given[1][k]
        bits = before.view(np.uint32).reshape(len(before), -1)
        for k, one_target in enumerate(_numbers(target, count)):
            _spread(t, one_target, bits[:, k], mask)

    return act


ACCESSES: dict[str, Callable[[Instruction], Access]] = {
    "LDG": load, "LDS": load, "LDL": load, "LDC": load, "STG": store, "STS": store,
    "STL": store, "ATOMG": atomic, "ATOMS": atomic, "RED": atomic, "REDG": atomic,
}  # fmt: skip
"""By name without modifiers."""
