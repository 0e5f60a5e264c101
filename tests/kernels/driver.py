"""A stand-in for ``pycuda.driver``: its signatures, memory of the host, the emulated kernels.

Only what ``cuda_context`` uses is there, under pycuda's names and with its argument order
(pycuda 2024 to 2026, driver.py and the C++ module's docstrings). Device memory comes from malloc,
one allocation a buffer, so that AddressSanitizer sees every byte out of bounds.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.kernels.emulated import emulation

_libc = ctypes.CDLL(None)
_libc.malloc.restype = ctypes.c_void_p
_libc.malloc.argtypes = (ctypes.c_size_t,)
_libc.free.argtypes = (ctypes.c_void_p,)


class Error(Exception):
    """pycuda's base of all that CUDA reports."""


class LaunchError(Error):
    """A launch failed."""


class Log:
    """What happened, for tests: launches by name, allocations, waits."""

    def __init__(self) -> None:
        self.launches: list[str] = []
        self.allocations = 0
        self.waits = 0
        self.depth = 0
        """Contexts pushed and not yet popped."""
        self.seed = 0
        """Not 0: blocks and threads in a random order."""
        self.fail_at: str | None = None
        """A kernel whose launch fails."""


log = Log()


def init(flags: int = 0) -> None:
    """Nothing to initialise."""


class DeviceAllocation:
    """Memory that ``int`` gives the address of."""

    def __init__(self, size: int) -> None:
        # Tight: one byte out of bounds is seen.
        self._address = _libc.malloc(size)
        # What a real allocation holds is whatever was there.
        ctypes.memset(self._address, 0xA5, size)

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        _libc.free(self._address)
        self._address = None

    def __del__(self) -> None:
        if self._address:
            self.free()


def mem_alloc(bytes: int) -> DeviceAllocation:
    log.allocations += 1
    return DeviceAllocation(bytes)


def memset_d8(dest: int, data: int, size: int) -> None:
    ctypes.memset(dest, data, size)


def memcpy_htod(dest: int, src: Any) -> None:
    assert src.flags.c_contiguous
    ctypes.memmove(dest, src.ctypes.data, src.nbytes)


def memcpy_dtoh(dest: Any, src: int) -> None:
    assert dest.flags.c_contiguous
    ctypes.memmove(dest.ctypes.data, src, dest.nbytes)


def memcpy_htod_async(dest: int, src: Any, stream: Stream | None = None) -> None:
    memcpy_htod(dest, src)


def memcpy_dtoh_async(dest: Any, src: int, stream: Stream | None = None) -> None:
    memcpy_dtoh(dest, src)


class host_alloc_flags:
    PORTABLE = 1
    DEVICEMAP = 2
    WRITECOMBINED = 4


class PagelockedHostAllocation(bytearray):
    """What the base of a page-locked array is."""

    mapped = False

    def get_device_pointer(self) -> int:
        assert self.mapped
        return ctypes.addressof(ctypes.c_char.from_buffer(self))


def pagelocked_empty(
    shape: tuple[int, ...], dtype: Any, order: str = "C", mem_flags: int = 0
) -> np.ndarray:
    log.allocations += 1
    memory = PagelockedHostAllocation(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    memory.mapped = bool(mem_flags & host_alloc_flags.DEVICEMAP)
    return np.ndarray(shape, dtype, buffer=memory, order=order)


class Stream:
    def __init__(self, flags: int = 0) -> None:
        self.handle = 1

    def synchronize(self) -> None:
        log.waits += 1

    def wait_for_event(self, event: Event) -> None:
        assert event.recorded


class Event:
    def __init__(self, flags: int = 0) -> None:
        self.recorded = False

    def record(self, stream: Stream | None = None) -> None:
        assert isinstance(stream, Stream)
        self.recorded = True

    def query(self) -> bool:
        return self.recorded

    def synchronize(self) -> None:
        assert self.recorded, "an event that was never recorded would be waited for in vain"
        log.waits += 1


class event_flags:
    DEFAULT = 0
    DISABLE_TIMING = 2


class Function:
    """A kernel; ``_launch_kernel`` is what pycuda's own Python layer ends in."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.arg_format = ""

    def prepare(self, arg_types: Sequence[object], texrefs: object = None) -> Function:
        for arg_type in arg_types:
            assert isinstance(arg_type, str)
            self.arg_format += arg_type
        # A real driver cannot check this, and would read rubbish.
        assert self.arg_format == emulation().formats[self._name]
        return self

    def prepared_async_call(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        stream: Stream | None,
        *args: Any,
        **kwargs: int,
    ) -> None:
        assert isinstance(block, tuple)
        assert kwargs.keys() <= {"shared_size"}
        assert isinstance(stream, Stream)
        # CUDA's limits, which hold for every architecture here.
        assert 0 < grid[0] < 2**31, grid
        assert 0 < grid[1] < 65536, grid
        assert 0 < block[0] * block[1] * block[2] <= 1024
        if log.fail_at == self._name:
            raise LaunchError("cuLaunchKernel failed: an illegal memory access was encountered")
        log.launches.append(self._name)
        arguments = struct.pack(self.arg_format, *args)
        emulation().launch(self._name, arguments, grid, block, log.seed)


class Module:
    def get_function(self, name: str) -> Function:
        assert name in emulation().formats
        return Function(name)


def module_from_buffer(buffer: bytes, options: Sequence[object] = ()) -> Module:
    assert isinstance(buffer, bytes)
    return Module()


class _Context:
    def push(self) -> None:
        log.depth += 1

    @staticmethod
    def pop() -> None:
        log.depth -= 1


class Device:
    devices = 1

    def __init__(self, number: int) -> None:
        assert number < self.devices

    @classmethod
    def count(cls) -> int:
        return cls.devices

    def compute_capability(self) -> tuple[int, int]:
        return (8, 7)

    def retain_primary_context(self) -> _Context:
        return _Context()
