"""The state of many threads that run the same kernel, in arrays: a column for each thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LANES = 32
Mask = NDArray[np.bool_]


class Threads:
    """Registers, predicates and places of the threads of some blocks, padded to whole warps.

    Uniform registers belong to a warp; they are kept for each of its threads.
    """

    def __init__(
        self, blocks: NDArray[np.int64], block: tuple[int, int, int], constants: NDArray[np.uint32],
        registers: int, shared: int, stack: int,
    ) -> None:  # fmt: skip
        """``blocks``: (n, 3), the x, y, z of each. ``constants``: the bank of the launch."""
        size = block[0] * block[1] * block[2]
        self.padded = -(-size // LANES) * LANES
        self.blocks = len(blocks)
        self.count = n = self.blocks * self.padded
        self.registers = np.zeros((registers + 4, n), np.uint32)
        self.uniform = np.zeros((64, n), np.uint32)
        self.predicates = np.zeros((8, n), np.bool_)
        self.uniform_predicates = np.zeros((8, n), np.bool_)
        self.predicates[7] = self.uniform_predicates[7] = True
        self.barriers = np.zeros((16, n), np.bool_)
        self.constants = constants
        self.local = np.zeros((n, max(stack, 4) // 4), np.uint32)
        self.shared = np.full((self.blocks, -(-shared // 16) * 4), 0xA5A5A5A5, np.uint32)
        self.block_of = np.repeat(np.arange(self.blocks), self.padded)
        self.warp_of = np.arange(n) // LANES
        self.issued = np.zeros(n // LANES, np.int64)
        self.pc = np.zeros(n, np.int32)
        self.parked = np.zeros(n, np.bool_)
        self.waits_at = np.zeros(n, np.int8)
        self.held = np.zeros(n, np.bool_)
        within = np.tile(np.arange(self.padded), self.blocks)
        self.alive = within < size
        x, y, _ = block
        self.special: dict[str, NDArray[np.uint32]] = {
            "SR_TID.X": (within % x).astype(np.uint32),
            "SR_TID.Y": (within // x % y).astype(np.uint32),
            "SR_TID.Z": (within // (x * y)).astype(np.uint32),
            "SR_LANEID": (within % LANES).astype(np.uint32),
            "SR_LTMASK": ((1 << (within % LANES)) - 1).astype(np.uint32),
            "SR_CgaCtaId": np.zeros(n, np.uint32),
            "SRZ": np.zeros(n, np.uint32),
        }
        for k, axis in enumerate("XYZ"):
            self.special[f"SR_CTAID.{axis}"] = blocks[self.block_of, k].astype(np.uint32)

    def by_warp(self, mask: Mask) -> Mask:
        """(warps, 32)."""
        return mask.reshape(-1, LANES)

    def warps(self, mask: Mask) -> Mask:
        """The mask, widened to all threads of a warp of which it holds any."""
        return np.repeat(self.by_warp(mask).any(axis=1), LANES)

    def ballot(self, mask: Mask) -> NDArray[np.uint32]:
        """For each thread its warp's bits of the mask."""
        packed = np.packbits(self.by_warp(mask), axis=1, bitorder="little")
        return np.repeat(packed.view("<u4")[:, 0], LANES)

    def first(self, mask: Mask, values: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """For each thread the value of the first thread in the mask of its warp."""
        values = np.broadcast_to(values, self.count).reshape(-1, LANES)
        which = self.by_warp(mask).argmax(axis=1)
        return np.repeat(values[np.arange(len(values)), which], LANES)

    def write(self, uniform: bool, number: int, value: NDArray[np.uint32], mask: Mask) -> None:
        """Into a register of the threads in the mask (a uniform one: of their warps)."""
        if number == (63 if uniform else 255):
            return
        if uniform:
            np.copyto(self.uniform[number], value, where=self.warps(mask))
        else:
            np.copyto(self.registers[number], value, where=mask)

    def decide(self, uniform: bool, number: int, value: Mask, mask: Mask) -> None:
        """Into a predicate."""
        if number == 7:
            return
        if uniform:
            np.copyto(self.uniform_predicates[number], value, where=self.warps(mask))
        else:
            np.copyto(self.predicates[number], value, where=mask)

    def decide_both(
        self, first: tuple[bool, int], second: tuple[bool, int], value: Mask, rest: Mask,
        join: bool, mask: Mask,
    ) -> None:  # fmt: skip
        """A comparison's two predicates: it, and its opposite, each with ``rest``: or, else and."""
        self.decide(*first, (value | rest) if join else (value & rest), mask)
        self.decide(*second, (~value | rest) if join else (~value & rest), mask)
