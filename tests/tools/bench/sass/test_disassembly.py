"""What is read of the disassembler's text, and what is said where there is none."""

from __future__ import annotations

import pytest

from appliance.errors import MissingDependency
from appliance.tools.bench.sass import disassembly
from appliance.tools.bench.sass.disassembly import SassError, parse, sections
from tests.tools.bench.sass.programs import TRIPLES, code, listing


def test_instructions_are_read() -> None:
    found = parse([*listing("one", *TRIPLES), *listing("two", "DADD R4, R4, c[0x2][0x0]", "EXIT")])
    assert set(found) == {"one", "two"}
    third, fourth, fifth = found["one"].instructions[2:5]
    assert (third.name, third.operands) == ("IMAD", ("R0", "R0", "c[0x0][0x0]", "R3"))
    assert fourth.operands[2] == "R0", "without .reuse"
    assert (fifth.guard, fifth.name, fifth.operands) == ("@P0", "EXIT", ())
    assert fifth.address == 0x40
    # The jump to itself at the end stays, the padding does not.
    assert found["one"].instructions[-1].base == "BRA"


def test_what_is_slow_is_counted() -> None:
    slow = code("I2F.F64 R4, R2", "DMUL R4, R4, R6", "LDL R1, [R2]", "STL [R2], R1", "EXIT")
    assert (slow.doubles, slow.named("LDL", "STL")) == (2, 2)
    assert code(*TRIPLES).doubles == 0


def test_no_disassembler_says_where_one_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disassembly, "find_cuobjdump", lambda: None)
    with pytest.raises(MissingDependency, match="pip install nvidia-cuda-cuobjdump"):
        disassembly.disassemble(b"")


def test_what_is_no_cubin_is_refused() -> None:
    with pytest.raises(SassError, match="no cubin"):
        sections(b"\x7fELF")
