"""What a GPU can do at best with counted work: memory, issue slots, pipes, threads at a time.

Sources: NVIDIA's CUDA C++ Programming Guide, "Technical Specifications per Compute Capability" and
"Throughput of Native Arithmetic Instructions"; memory and clocks of the products' data sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.tools.bench.sass.disassembly import Code
from appliance.tools.bench.sass.machine import WorkCounts

SCHEDULERS = 4
"""Of an SM, each of which issues one instruction of one warp a cycle."""
GRAPH_NODE_US = 1.5
"""Assumed, not measured: from one kernel of a CUDA graph to the next that waits for it."""
LAUNCH_US = 2.5
"""Assumed: a kernel launched by itself, with the host far enough ahead."""
_CONVERSIONS = ("MUFU", "I2F", "F2I", "F2F", "POPC", "FLO", "BREV")
_MULTIPLIES = ("FADD", "FMUL", "FFMA", "HFMA2", "HADD2", "HMUL2", "IMAD", "NOP", "BRA", "EXIT")
_MOVES = ("LDG", "STG", "LDS", "STS", "LDL", "STL", "ATOMG", "ATOMS", "RED", "REDG", "SHFL", "LDC")
_ELSEWHERE = (
    "BSSY", "BSYNC", "BREAK", "BMOV", "CALL", "RET", "BAR", "WARPSYNC", "YIELD", "S2R", "CS2R",
    "S2UR", "ULDC", "R2UR", "VOTEU", "REDUX",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SmLimits:
    """An SM: how much of it blocks can take, and how many there may be."""

    warps: int
    blocks: int
    shared: int
    registers: int = 65536


LIMITS = {
    "75": SmLimits(32, 16, 65536), "80": SmLimits(64, 32, 167936), "86": SmLimits(48, 16, 102400),
    "87": SmLimits(48, 16, 167936), "89": SmLimits(48, 24, 102400), "90": SmLimits(64, 32, 233472),
}  # fmt: skip
"""By compute capability."""
_RESERVED_SHARED = 1024  # of each block, from compute capability 8.0 on
_REGISTER_UNIT = 256  # registers are given to a warp in such pieces


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU: ``gb_s`` of memory, SMs, clock."""

    name: str
    architecture: str
    sms: int
    ghz: float
    gb_s: float


CARDS = (
    Card("Orin AGX", "87", 16, 1.3, 204.0),
    Card("RTX 4090", "89", 128, 2.5, 1000.0),
    Card("H200", "90", 132, 1.8, 4300.0),
)


def occupancy(code: Code, threads: int, architecture: str) -> tuple[int, float]:
    """Blocks of ``threads`` that an SM holds at once, and the share of its warps that these are."""
    limits = LIMITS[architecture]
    warps = -(-threads // 32)
    unit = -(-code.registers * 32 // _REGISTER_UNIT) * _REGISTER_UNIT
    # Registers belong to a scheduler's quarter of the SM: warps are dealt out whole.
    by_registers = limits.registers // SCHEDULERS // max(unit, 1) * SCHEDULERS // warps
    shared = code.shared + (_RESERVED_SHARED if int(architecture) >= 80 else 0)
    found = min(limits.blocks, limits.warps // warps, by_registers, limits.shared // max(shared, 1))
    return found, found * warps / limits.warps


@dataclass(frozen=True, slots=True)
class Floors:
    """The least microseconds that a launch can take on a card, by what would limit it.

    Attributes:
        memory: its bytes, each once. issue: its instructions, on all schedulers. pipes: the
            busiest kind of them on its unit. alone: its longest warp, one instruction a cycle.
    """

    memory: float
    issue: float
    pipes: float
    alone: float

    @property
    def us(self) -> float:
        """The largest."""
        return max(self.memory, self.issue, self.pipes, self.alone)

    @property
    def rules(self) -> str:
        """Which it is."""
        names = ("memory", "issue", "pipes", "alone")
        return max(names, key=lambda name: float(getattr(self, name)))


def floors(counts: WorkCounts, card: Card) -> Floors:
    """The least that a launch's counts allow."""
    slots = card.sms * SCHEDULERS * card.ghz * 1e3  # a microsecond
    multiplies, conversions = counts.named(*_MULTIPLIES), counts.named(*_CONVERSIONS)
    moves = counts.named(*_MOVES)
    logic = counts.instructions - multiplies - conversions - moves - counts.named(*_ELSEWHERE)
    # Of a warp's 32 threads: 16 a cycle in integers, 4 where formats are converted; the four
    # schedulers share one unit that loads and stores.
    busiest = max(2 * logic, 8 * conversions, SCHEDULERS * moves)
    return Floors(
        (counts.read + counts.written) / card.gb_s / 1e3, counts.instructions / slots,
        busiest / slots, counts.longest / card.ghz / 1e3,
    )  # fmt: skip
