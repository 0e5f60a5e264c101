"""A kernel's image: its file, and from the file a function that Python calls."""

from __future__ import annotations

import ctypes
import hashlib
import json
import mmap
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from appliance.pixels.native.link import PAGE

_MAGIC = b"mattebox kernel 2\n"
_FASTCALL = 0x80  # METH_FASTCALL: a C array of arguments
_PROTECT_CODE = mmap.PROT_READ | mmap.PROT_EXEC


class BadImage(Exception):
    """The file is not an image, or not whole."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a file holds besides the code.

    Attributes:
        of: what it is, as the file is named: a file may have been copied over another.
        written, absolute: as in ``link.Linked``. entry: where the function begins, bytes.
        table: where the table of addresses is; slots: what belongs there, in order.
    """

    of: str
    written: int
    absolute: tuple[tuple[int, int], ...]
    entry: int
    table: int
    slots: tuple[str, ...]


def pack(image: Image, code: bytes) -> bytes:
    """The content of an image's file: a header of whole pages, then the code."""
    fields = {
        "of": image.of, "written": image.written, "absolute": image.absolute, "entry": image.entry,
        "table": image.table, "slots": image.slots,
    }  # fmt: skip
    described = json.dumps(fields, separators=(",", ":")).encode("ascii")
    digest = hashlib.sha256(described + code).digest()
    header = _MAGIC + digest + struct.pack("<I", len(described)) + described
    return header + bytes(-len(header) % PAGE) + code


class _Method(ctypes.Structure):
    """PyMethodDef of CPython."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("call", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_make = ctypes.pythonapi.PyCFunction_NewEx
_make.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_make.restype = ctypes.py_object
# Loaded code stays to the end of the process: a thread may be in it.
_kept: list[Any] = []


def load(file: int, size: int, of: str, name: str) -> Callable[..., Any]:
    """The function in an image's file (a descriptor and the file's bytes).

    Its content is copied, some 20 kB: pages of the file itself could not be executed where it is
    mounted with ``noexec``, and would end the process if somebody cut it short.

    Args:
        of: what the image has to be. name: what the function is called in its own errors.

    Raises BadImage, OSError.
    """
    if size < PAGE or size % PAGE:
        raise BadImage(f"found {size} bytes, expected whole pages")
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    os.preadv(file, [memory], 0)
    return _link(memory, *_read(memory, of), name)


def _read(memory: mmap.mmap, of: str) -> tuple[Image, int]:
    """What an image is, and where its code begins. Raises BadImage."""
    start = len(_MAGIC) + 32
    if memory[: len(_MAGIC)] != _MAGIC:
        raise BadImage("found no kernel of this format")
    (length,) = struct.unpack_from("<I", memory, start)
    described = memory[start + 4 : start + 4 + length]
    begin = start + 4 + length
    begin += -begin % PAGE
    digest = hashlib.sha256(described)
    with memoryview(memory) as view:
        digest.update(view[begin:])
    if digest.digest() != memory[len(_MAGIC) : start]:
        raise BadImage("its content is not what was written")
    image = Image(**json.loads(described))
    if image.of != of:
        raise BadImage(f"found {image.of}, expected {of}")
    return image, begin


def _link(memory: mmap.mmap, image: Image, begin: int, name: str) -> Callable[..., Any]:
    """The function in an image, which is made executable where it lies.

    Raises BadImage, OSError.
    """
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + begin
    for place, value in image.absolute:
        struct.pack_into("<Q", memory, begin + place, address + value)
    for index, slot in enumerate(image.slots):
        struct.pack_into("<Q", memory, begin + image.table + 8 * index, _address(slot))
    if _libc.mprotect(address, image.written, _PROTECT_CODE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "the kernel's code cannot be made executable")
    method = _Method(name.encode("ascii"), address + image.entry, _FASTCALL, None)
    _kept.append((memory, method))
    function: Callable[..., Any] = _make(ctypes.addressof(method), None, None)
    return function


@cache
def _address(name: str) -> int:
    """Where the process has what a slot names. Raises BadImage if it has no such thing."""
    if name == "PyArray_Type":
        return id(np.ndarray)
    if name == "Py_None":
        return id(None)
    if name.startswith("PyExc_"):
        return id({"PyExc_TypeError": TypeError, "PyExc_RuntimeError": RuntimeError}[name])
    library = ctypes.pythonapi if name.startswith("Py") else _libc
    try:
        function = getattr(library, name)
    except AttributeError as error:
        raise BadImage(f"this process has no {name}") from error
    found = ctypes.cast(function, ctypes.c_void_p).value
    assert found is not None
    return found


@cache
def usable() -> bool:
    """Whether Python's and NumPy's structures are in this process as an image expects them."""
    if sys.byteorder != "little" or object.__basicsize__ != 16 or ctypes.sizeof(ctypes.c_long) != 8:
        return False
    sample = np.zeros((3, 5), np.uint16)
    found = (ctypes.c_uint64 * 9).from_address(id(sample))
    shape, strides = ((ctypes.c_uint64 * 2).from_address(found[at]) for at in (4, 5))
    number = ctypes.c_int32.from_address(found[7] + 28).value
    order = ctypes.c_char.from_address(found[7] + 26).value.decode("latin-1")
    return (
        found[1] == id(np.ndarray)
        and found[2] == sample.ctypes.data
        and found[3] & 0xFFFFFFFF == 2
        and tuple(shape) == (3, 5)
        and tuple(strides) == (10, 2)
        and found[7] == id(sample.dtype)
        and found[8] & 0x501 == 0x501
        and (number, order) == (sample.dtype.num, sample.dtype.byteorder)
    )
