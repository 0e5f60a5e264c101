"""Small kernels in machine code, of our own making, as cuobjdump writes them."""

from __future__ import annotations

from appliance.tools.bench.sass.disassembly import Code, parse


def listing(name: str, *lines: str) -> list[str]:
    """The text of one kernel, with the padding and the encodings that cuobjdump adds."""
    text = [f"\t\tFunction : {name}", '\t.headerflags\t@"EF_CUDA_SM87"']
    for k, line in enumerate(lines):
        text.append(
            f"        /*{16 * k:04x}*/                   {line} ;      /* 0x00000a00ff017624 */"
        )
        text.append("                                                     /* 0x000fc400078e00ff */")
    end = 16 * len(lines)
    text.append(f"        /*{end:04x}*/                   BRA {end:#x};   /* 0x0 */")
    text.append(f"        /*{end + 16:04x}*/                   NOP;        /* 0x0 */")
    return text


def code(*lines: str) -> Code:
    """One kernel of 32 registers and no shared memory."""
    made = parse(listing("made", *lines))["made"]
    made.registers = 32
    return made


# out[i] = 3 * i for i < count, i over all blocks; arguments: out, count.
TRIPLES = (
    "S2R R0, SR_CTAID.X", "S2R R3, SR_TID.X", "IMAD R0, R0, c[0x0][0x0], R3",
    "ISETP.GE.AND P0, PT, R0.reuse, c[0x0][0x168], PT", "@P0 EXIT",
    "IMAD.MOV.U32 R2, RZ, RZ, 0x4", "IMAD R5, R0, 0x3, RZ",
    "IMAD.WIDE R2, R0, R2, c[0x0][0x160]", "STG.E [R2.64], R5", "EXIT",
)  # fmt: skip

# Odd lanes add 1 by another way than even ones; all meet, and add 16; out[lane] is what came of it.
PARTING = (
    "S2R R0, SR_TID.X", "LOP3.LUT R1, R0, 0x1, RZ, 0xc0, !PT", "IMAD.MOV.U32 R4, RZ, RZ, RZ",
    "ISETP.NE.AND P0, PT, R1, RZ, PT", "BSSY B0, 0x90", "@P0 BRA 0xd0",
    "IADD3 R4, R4, 0x2, RZ", "NOP", "BSYNC B0", "IADD3 R4, R4, 0x10, RZ",
    "LEA R2, P1, R0, c[0x0][0x160], 0x2", "IADD3.X R3, RZ, c[0x0][0x164], RZ, P1, !PT",
    "BRA 0xf0", "IADD3 R4, R4, 0x1, RZ", "BRA 0x80", "STG.E [R2.64], R4", "EXIT",
)  # fmt: skip
