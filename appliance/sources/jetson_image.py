"""jetson-utils's cudaImage as NV12: by its pointer where it is that already, else converted.

Raw pictures lie in the library's ring as GStreamer laid them out: rows without padding, for widths
that are multiples of four. The memory is mapped: CPU and GPU see it at the same address.
"""

from __future__ import annotations

import ctypes
from typing import Any

import cv2
import numpy as np

from appliance.errors import InputError
from appliance.media.frame import U8, Colour
from appliance.media.surface import Surface

RAW = ("nv12", "i420", "yuyv", "uyvy")
"""The library's names of the formats that are understood here."""

_BITS = {"nv12": 12, "i420": 12, "yuyv": 16, "uyvy": 16}
_HOST_POINTER = 4  # CU_POINTER_ATTRIBUTE_HOST_POINTER, cuda.h


def check(image: Any, name: str) -> None:
    """Raises InputError for an image that ``planes`` cannot take, saying why."""
    if image.format not in RAW:
        raise InputError(
            f"{name}: jetson-utils gives {image.format!r}; expected {', '.join(RAW)} (one that "
            "cannot give raw pictures is too old)"
        )
    if image.width % 4 or image.height % 2:
        raise InputError(
            f"{name}: {image.width}x{image.height} pixels; by jetson-utils a width must be a "
            "multiple of 4 and a height of 2"
        )
    needed = image.width * image.height * _BITS[image.format] // 8
    if image.size < needed:
        raise InputError(f"{name}: a picture of {image.size} bytes, expected {needed}")
    if not image.mapped or not on_the_host(image.ptr):
        raise InputError(
            f"{name}: jetson-utils keeps its pictures where the CPU cannot read them; build it "
            "with -DENABLE_NVMM=OFF"
        )


def on_the_host(address: int) -> bool:
    """Whether the CPU may read an address that CUDA gave out.

    Asked of the driver: jetson-utils calls raw pictures mapped whether or not they are, and a look
    at one that is not ends the process.
    """
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    pointer = ctypes.c_void_p()
    ask = cuda.cuPointerGetAttribute
    ask.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64)
    return ask(ctypes.byref(pointer), _HOST_POINTER, address) == 0 and pointer.value == address


def planes(image: Any) -> tuple[U8, U8, bool]:
    """The image's Y (height, width) and UV (height/2, width/2, 2).

    The third value says whether any of it lies in the image's own memory, which the library will
    write over; what had to be converted does not.
    """
    width, height = image.width, image.height
    rows, columns = height // 2, width // 2
    size = width * height * _BITS[image.format] // 8
    memory = np.frombuffer((ctypes.c_uint8 * size).from_address(image.ptr), np.uint8)
    if image.format in ("nv12", "i420"):
        y = memory[: width * height].reshape(height, width)
        chroma = memory[width * height :]
        if image.format == "nv12":
            return y, chroma.reshape(rows, columns, 2), True
        uv = np.empty((rows, columns, 2), np.uint8)
        cv2.merge(tuple(chroma.reshape(2, rows, columns)), uv)
        return y, uv, True
    packed = memory.reshape(height, width, 2)
    first = 0 if image.format == "yuyv" else 1
    y = np.ascontiguousarray(packed[:, :, first])
    pairs = packed[:, :, 1 - first].reshape(rows, 2, width)
    # The mean of two lines, halves up, as in pixels/surfaces.py.
    mean = (pairs[:, 0].astype(np.uint16) + pairs[:, 1] + 1) >> 1
    return y, mean.astype(np.uint8).reshape(rows, columns, 2), False


def surface(image: Any, colour: Colour, keeps: object) -> Surface | None:
    """The same picture for the GPU; None for what it would not take as it is."""
    if image.format != "nv12":
        return None
    chroma = image.ptr + image.width * image.height
    return Surface(
        "nv12",
        image.width,
        image.height,
        image.ptr,
        image.width,
        chroma,
        image.width,
        colour,
        keeps,
    )
