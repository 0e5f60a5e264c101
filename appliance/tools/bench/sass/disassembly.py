"""NVIDIA's disassembler: found, asked, and its text read. Needs no GPU and no driver."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.errors import MissingDependency, ModelError

_TIMEOUT_S = 120
_FUNCTION = re.compile(r"\s*Function : (\S+)")
_LINE = re.compile(r"\s+/\*([0-9a-f]{4,})\*/\s+(@!?U?P\w+)?\s*([A-Z][\w.]*)\s*(.*?)\s*;")
_USAGE = re.compile(r" Function (\S+):\n\s+REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")


class SassError(ModelError):
    """The disassembler failed, or gave what is not understood."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One machine instruction.

    Attributes:
        address: bytes from the kernel's start. guard: ``@P0``, ``@!UP1``, or empty.
        name: with its modifiers, ``LDG.E.U8.CONSTANT``. operands: as written, without ``.reuse``.
    """

    address: int
    guard: str
    name: str
    operands: tuple[str, ...]

    @property
    def base(self) -> str:
        """The name without modifiers."""
        return self.name.partition(".")[0]


@dataclass(slots=True)
class Code:
    """One kernel.

    Attributes:
        registers: a thread. shared: bytes a block. stack: bytes a thread of local memory, where
            spilled registers would be too. numbers: the compiler's constants, of bank 2.
    """

    name: str
    instructions: list[Instruction] = field(default_factory=list)
    registers: int = 0
    shared: int = 0
    stack: int = 0
    numbers: bytes = b""

    def named(self, *bases: str) -> int:
        """How many instructions have one of these names, whatever their modifiers."""
        return sum(one.base in bases for one in self.instructions)

    @property
    def doubles(self) -> int:
        """Instructions that calculate in, or convert from and to, 64-bit floats."""
        return sum(
            one.base in ("DADD", "DMUL", "DFMA", "DSETP", "DMNMX") or ".F64" in one.name
            for one in self.instructions
        )


def find_cuobjdump() -> str | None:
    """Cuobjdump in $CUDA_HOME/bin, in PATH, or in /usr/local/cuda/bin; None: there is none."""
    home = os.environ.get("CUDA_HOME", "")
    for place in (os.path.join(home, "bin") if home else "", "", "/usr/local/cuda/bin"):
        found = shutil.which(os.path.join(place, "cuobjdump"))
        if found:
            return found
    return None


def disassemble(cubin: bytes) -> dict[str, Code]:
    """All kernels of a cubin by name.

    Raises:
        MissingDependency: no cuobjdump.
        SassError: it failed, or found no kernels.
    """
    command = find_cuobjdump()
    if command is None:
        raise MissingDependency(
            "cuobjdump is needed to read compiled kernels, and is neither in $CUDA_HOME/bin nor "
            "in PATH: it comes with the CUDA toolkit, and with pip install nvidia-cuda-cuobjdump "
            "nvidia-cuda-nvdisasm (then put site-packages/nvidia/cu13/bin into PATH)"
        )
    with tempfile.TemporaryDirectory(prefix="mattebox-sass-") as name:
        path = Path(name, "kernels.cubin")
        path.write_bytes(cubin)
        found = parse(_run(command, "--dump-sass", str(path)).splitlines())
        for usage in _USAGE.finditer(_run(command, "--dump-resource-usage", str(path))):
            code = found.get(usage[1])
            if code is not None:
                code.registers, code.stack, code.shared = (int(usage[i]) for i in (2, 3, 4))
    for section, content in sections(cubin).items():
        if section.startswith(".nv.constant2.") and section[14:] in found:
            found[section[14:]].numbers = content
    if not found:
        raise SassError(f"{command} showed no kernels in {len(cubin)} bytes of cubin")
    return found


def sections(elf: bytes) -> dict[str, bytes]:
    """The named parts of a 64-bit ELF file. Raises SassError."""
    try:
        at, size, count, names = (
            struct.unpack_from("<Q", elf, 40)[0], *struct.unpack_from("<HHH", elf, 58)
        )  # fmt: skip
        heads = [struct.unpack_from("<IIQQQQ", elf, at + i * size) for i in range(count)]
        strings = heads[names][4]
        found = {}
        for name, kind, _, _, offset, length in heads:
            start = strings + name
            text = elf[start : elf.index(b"\0", start)].decode()
            found[text] = b"" if kind == 8 else elf[offset : offset + length]
        return found
    except (struct.error, ValueError, IndexError) as error:
        raise SassError(f"{len(elf)} bytes that are no cubin: {error}") from error


def _run(*command: str) -> str:
    # cuobjdump calls nvdisasm, which lies beside it.
    environment = os.environ | {
        "PATH": f"{os.path.dirname(command[0])}{os.pathsep}{os.environ.get('PATH', '')}"
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
            env=environment,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SassError(f"{command[0]} did not run: {error}") from error
    if done.returncode != 0:
        raise SassError(
            f"{' '.join(command[:2])} failed: {(done.stderr or done.stdout).strip()[-500:]}; is "
            "nvdisasm beside it (pip install nvidia-cuda-nvdisasm)?"
        )
    return done.stdout


def parse(lines: Iterable[str]) -> dict[str, Code]:
    """Kernels by name from ``cuobjdump --dump-sass``, without the padding after their end."""
    found: dict[str, Code] = {}
    code: Code | None = None
    for line in lines:
        function = _FUNCTION.match(line)
        if function:
            code = found[function[1]] = Code(function[1])
            continue
        match = _LINE.match(line)
        if match is None or code is None:
            continue
        operands = match[4].replace(".reuse", "")
        code.instructions.append(
            Instruction(int(match[1], 16), match[2] or "", match[3], _split(operands))
        )
    for code in found.values():
        while code.instructions and code.instructions[-1].base == "NOP":
            code.instructions.pop()
    return found


def _split(operands: str) -> tuple[str, ...]:
    if not operands:
        return ()
    return tuple(one.strip() for one in re.split(r",| (?=0x)", operands) if one.strip())
