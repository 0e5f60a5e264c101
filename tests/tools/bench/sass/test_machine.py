"""Machine code run on the host: what it stores, and what is counted."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from appliance.tools.bench.sass.disassembly import SassError
from appliance.tools.bench.sass.machine import Program
from appliance.tools.bench.sass.memory import Arena
from tests.tools.bench.sass.programs import PARTING, TRIPLES, code

AT = 0x160


def words(arena: Arena, address: int, count: int) -> list[int]:
    """What lies there."""
    return [int(x) for x in arena.view(address, 4 * count).view(np.uint32)]


def test_every_thread_of_every_block_runs() -> None:
    arena = Arena(1 << 16)
    out = arena.alloc(4 * 100)
    counts = Program(code(*TRIPLES), AT).launch(
        arena, (2, 1, 1), (64, 1, 1), struct.pack("Pi", out, 100)
    )
    assert words(arena, out, 100) == [3 * i for i in range(100)]
    # Four warps up to EXIT; the fourth goes on with 4 of its threads.
    assert counts.warps == 4
    assert counts.instructions == 4 * 10
    assert counts.longest == 10
    assert counts.named("STG") == 4
    assert (counts.read, counts.written) == (0, 13 * 32)
    assert counts.sectors == 13


def test_a_warp_that_parted_meets_again() -> None:
    """What follows the meeting is issued once, and by threads of both ways."""
    arena = Arena(1 << 16)
    out = arena.alloc(4 * 32)
    program = Program(code(*PARTING), AT)
    counts = program.launch(arena, (1, 1, 1), (32, 1, 1), struct.pack("P", out))
    assert words(arena, out, 32) == [17 if i % 2 else 18 for i in range(32)]
    issued = dict(
        zip((one.address for one in program.code.instructions), counts.issued, strict=True)
    )
    assert issued[0x60] == issued[0xD0] == 1, "each way once"
    assert issued[0x80] == 2, "both come to the meeting"
    assert issued[0x90] == issued[0xF0] == 1, "together from there on"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("STG.E [R2.64], R5", "made at 0x0, STG.E .* an address between"),
        ("DADD R4, R4, R6", "DADD is not known here"),
        ("MOV R4, R5.H1", "expected a register, not 'R5.H1'"),
        ("BRA 0x0", "did not end"),
        ("LDS R4, [0x0]", "of 0x0 bytes"),
    ],
)
def test_what_must_not_be_is_said_with_its_place(
    line: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.tools.bench.sass.machine._MOST_TURNS", 50)
    with pytest.raises(SassError, match=message):
        Program(code(line, "EXIT"), AT).launch(Arena(1 << 12), (1, 1, 1), (32, 1, 1), b"")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("LOP3.LUT R4, R5, 0xff, R6, 0xea, !PT", 5 & 0xFF | 0x80000003),
        ("SHF.R.S32.HI R4, RZ, 0x1f, R6", 0xFFFFFFFF),
        ("SHF.L.U64.HI R4, R6, 0x2, R5", (5 << 34 | 0x80000003 << 2) >> 32 & 0xFFFFFFFF),
        ("LEA.HI.X.SX32 R4, R6, R5, 0x1, !PT", (0xFFFFFFFF + 5) & 0xFFFFFFFF),
        ("IMAD.HI.U32 R4, R6, R6, RZ", 0x80000003**2 >> 32),
        ("IADD3 R4, -R5, 0x1, RZ", 0xFFFFFFFC),
        ("PRMT R4, R5, 0x7440, R6", 0x80030305),
        ("IMNMX R4, R5, R6, PT", 0x80000003),
        ("IMNMX.U32 R4, R5, R6, PT", 5),
        ("I2F.U16 R4, R5", 0x40A00000),
        ("I2F.U16 R4, R6.H1", 0x47000000),
        ("I2F.U8 R4, R6.B3", 0x43000000),
        ("FADD.RZ R4, R7, 8388608", 0x4B000002),
        ("F2I.TRUNC.NTZ R4, R7", 2),
        ("FMNMX R4, R7, 1.5, PT", 0x3FC00000),
        ("FFMA.SAT R4, R7, R7, RZ", 0x3F800000),
        ("POPC R4, R6", 3),
        ("FLO.U32 R4, R5", 2),
        ("HFMA2.MMA R4, -RZ, RZ, 1.875, 0", 0x3F800000),
    ],
)
def test_one_instruction(line: str, value: int) -> None:
    """R5 is 5, R6 is 0x80000003 (negative), R7 is 2.75."""
    arena = Arena(1 << 12)
    out = arena.alloc(4)
    program = code(
        "IMAD.MOV.U32 R5, RZ, RZ, 0x5", "MOV R6, 0x80000003", "MOV R7, 0x40300000", line,
        "MOV R2, c[0x0][0x160]", "MOV R3, c[0x0][0x164]", "STG.E [R2.64], R4", "EXIT",
    )  # fmt: skip
    Program(program, AT).launch(arena, (1, 1, 1), (1, 1, 1), struct.pack("P", out))
    assert words(arena, out, 1) == [value]
