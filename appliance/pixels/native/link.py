"""From object code (ELF) to an image that needs no linker: code first, then what is written to.

Within the image everything is reached relative to where the code itself is, so that it may lie at
any address. What must hold an absolute address is listed, for the loader to add where it lies.
Formats: System V ABI, and its AMD64 supplement for the relocations.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

PAGE = mmap.PAGESIZE
_X86_64 = 62
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_PROGBITS, _SYMTAB, _RELA, _NOBITS = 1, 2, 4, 8
_WRITE, _ALLOC = 1, 2
# Kinds of relocation: 64 bits absolute; 32 bits relative, of data and of a call.
_64, _PC32, _PLT32 = 1, 2, 4


class NotLinkable(Exception):
    """The object code needs something that cannot be laid out here."""


@dataclass(frozen=True, slots=True)
class Linked:
    """An image.

    Attributes:
        code: all of it, whole pages. written: where the pages begin that are written to, bytes.
        absolute: places (bytes from the beginning, multiples of 8) and what lies there: to be
            replaced by the image's address plus the second number.
        symbols: where the named symbols lie, bytes from the beginning.
    """

    code: bytes
    written: int
    absolute: tuple[tuple[int, int], ...]
    symbols: dict[str, int]


def link(code: bytes) -> Linked:
    """Lay out relocatable object code for x86-64. Raises NotLinkable."""
    header = _HEADER.unpack_from(code)
    if not code.startswith(b"\x7fELF\x02\x01") or header[2] != _X86_64:
        raise NotLinkable(f"found machine {header[2]}, expected x86-64 ({_X86_64})")
    sections = [
        _SECTION.unpack_from(code, header[6] + index * header[11]) for index in range(header[12])
    ]
    image, places = bytearray(), {}
    written = 0
    for wanted in (0, _WRITE):
        if wanted:
            image += bytes(-len(image) % PAGE)
            written = len(image)
        for index, (_, kind, flags, _, offset, size, _, _, align, _) in enumerate(sections):
            if not flags & _ALLOC or flags & _WRITE != wanted or kind not in (_PROGBITS, _NOBITS):
                continue
            image += bytes(-len(image) % max(1, align))
            places[index] = len(image)
            image += bytes(size) if kind == _NOBITS else code[offset : offset + size]
    image += bytes(-len(image) % PAGE)
    table = next((s for s in sections if s[1] == _SYMTAB), None)
    if table is None:
        raise NotLinkable("no table of symbols")
    names = sections[table[6]][4]
    symbols, values = {}, []
    for at in range(table[4], table[4] + table[5], _SYMBOL.size):
        name, _, _, section, value, _ = _SYMBOL.unpack_from(code, at)
        where = places[section] + value if section in places else None
        values.append(where)
        if name and where is not None:
            end = code.index(b"\0", names + name)
            symbols[code[names + name : end].decode("ascii")] = where
    absolute = []
    for _, kind, _, _, offset, size, _, target, _, _ in sections:
        if kind != _RELA or target not in places:
            continue
        for at in range(offset, offset + size, _RELOCATION.size):
            where, info, addend = _RELOCATION.unpack_from(code, at)
            place, to = places[target] + where, values[info >> 32]
            if to is None:
                raise NotLinkable(f"symbol {info >> 32} is not in the object code")
            if info & 0xFFFFFFFF in (_PC32, _PLT32):
                struct.pack_into("<i", image, place, to + addend - place)
            elif info & 0xFFFFFFFF == _64 and place >= written:
                absolute.append((place, to + addend))
            else:
                raise NotLinkable(f"relocation {info & 0xFFFFFFFF} at {place}")
    return Linked(bytes(image), written, tuple(absolute), symbols)
