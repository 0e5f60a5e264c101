"""The kernels' source: one text, its hash, and what arguments each kernel takes.

Needs no GPU and no driver. The signatures are read from the source itself, so that a launch names
its arguments and cannot get their order or types wrong.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache

from appliance.system import folders

FOLDER = folders.PACKAGE / "pixels"
_INCLUDE = re.compile(r'^#include "(kernels/\w+\.cuh)"$', re.MULTILINE)
_KERNEL = re.compile(
    r'^extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(([^)]*)\)',
    re.MULTILINE,
)
_CODES = {"int": "i", "float": "f", "double": "d"}


@dataclass(frozen=True, slots=True)
class KernelParameter:
    """One argument of a kernel: its name, and its code in the words of Python's ``struct``.

    ``P`` is a pointer, ``i`` an int, ``f`` a float, ``d`` a double.
    """

    name: str
    code: str


@cache
def source() -> str:
    """kernels.cu with its own headers put in place: all that a compiler needs but CUDA's own."""
    text = (FOLDER / "kernels.cu").read_text()

    def header(match: re.Match[str]) -> str:
        body = (FOLDER / match[1]).read_text().replace("#pragma once\n", "")
        return f'#line 1 "{match[1]}"\n{body}'

    return _INCLUDE.sub(header, text)


@cache
def source_hash() -> str:
    """A short hash of ``source``: what compiled kernels are kept under."""
    return hashlib.sha256(source().encode()).hexdigest()[:16]


@cache
def signatures() -> dict[str, tuple[KernelParameter, ...]]:
    """The parameters of every kernel, by the kernel's name.

    Raises:
        ValueError: a kernel takes something else than pointers, int, float and double.
    """
    return {name: tuple(map(_parameter, text.split(","))) for name, text in _found()}


def _found() -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in _KERNEL.finditer(source())]


def _parameter(text: str) -> KernelParameter:
    words = text.replace("*", " * ").split()
    name, kind = words[-1], [word for word in words[:-1] if word != "const"]
    if "*" in kind:
        return KernelParameter(name, "P")
    if len(kind) == 1 and kind[0] in _CODES:
        return KernelParameter(name, _CODES[kind[0]])
    raise ValueError(
        f"a kernel's parameter {text.strip()!r}: expected a pointer, int, float or double"
    )
