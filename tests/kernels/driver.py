"""A stand-in for ``pycuda.driver``: its signatures, host memory, the emulated kernels.

It has only what ``appliance.cuda`` uses, under pycuda's names and with its argument order (pycuda
2024 to 2026, driver.py and the C++ module's docstrings). Device memory comes from malloc, one
allocation per buffer, so that AddressSanitizer sees every byte out of bounds.

Work is done when it is launched, but it counts as done only once the host has waited for it, or for
something after it on its stream or on a stream that waits for it: the slowest GPU possible. So a
missing wait shows, and so does a superfluous one.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.kernels.emulated import emulation

_libc = ctypes.CDLL(None)
_libc.malloc.restype = ctypes.c_void_p
_libc.malloc.argtypes = (ctypes.c_size_t,)
_libc.free.argtypes = (ctypes.c_void_p,)


class Error(Exception):
    """pycuda's base class for all CUDA errors."""


class LaunchError(Error):
    """A launch failed."""


class Log:
    """What happened, for tests: every call by name, launches, allocations, waits."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.launches: list[str] = []
        self.allocations = 0
        self.waits = 0
        """Calls that block the host: events and streams that are not done yet, plain copies."""
        self.depth = 0
        """Contexts pushed and not yet popped."""
        self.alive = 0
        """Allocations not yet freed."""
        self.seed = 0
        """Other than 0: blocks and threads run in random order."""
        self.fail_at: str | None = None
        """A kernel or driver call that fails. The context is lost from then on."""
        self.lost = False
        self.integrated = False
        """Whether the GPU reports that it shares the CPU's memory."""
        self.refuses_registration = False
        self.done: dict[int, int] = {}
        """By stream: how many of its operations the host knows are done."""
        self.recording: list[Callable[[], None]] | None = None
        """What the stream capture has recorded so far; None when there is none."""
        self.threads: set[int] = set()
        """All threads that made calls."""
        self.hangs: threading.Event | None = None
        """Waits block until it is set."""


log = Log()


def _called(name: str, *, records: bool = False) -> None:
    log.calls[name] += 1
    log.threads.add(threading.get_ident())
    if log.recording is not None and not records:
        raise Error(f"{name} failed: operation not permitted when stream is capturing")
    if log.fail_at == name:
        log.lost = True
    if log.lost:
        raise LaunchError(f"{name} failed: an illegal memory access was encountered")


def submit(work: Callable[[], object], stream: Stream | None = None) -> None:
    """Work for the GPU: done now, or recorded."""
    if log.recording is not None:
        log.recording.append(work)
        return
    work()
    if stream is not None:
        stream.clock[stream.handle] = stream.clock.get(stream.handle, 0) + 1


def init(flags: int = 0) -> None:
    """Nothing to initialise."""


class DeviceAllocation:
    """Memory whose address is its ``int``."""

    def __init__(self, size: int) -> None:
        # Exact size: one byte out of bounds is caught.
        self._address = _libc.malloc(size)
        self._log = log
        log.alive += 1
        # A real allocation holds whatever was there before.
        ctypes.memset(self._address, 0xA5, size)

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        _libc.free(self._address)
        self._address = None
        self._log.alive -= 1
        # pycuda cannot free memory in another thread, and leaks it.
        self._log.threads.add(threading.get_ident())

    def __del__(self) -> None:
        if self._address:
            self.free()


def mem_alloc(bytes: int) -> DeviceAllocation:
    _called("mem_alloc")
    log.allocations += 1
    return DeviceAllocation(bytes)


def memset_d8(dest: int, data: int, size: int) -> None:
    _called("memset_d8")
    log.waits += 1
    ctypes.memset(dest, data, size)


def memset_d8_async(dest: int, data: int, count: int, stream: Stream | None = None) -> None:
    _called("memset_d8_async", records=True)
    submit(lambda: ctypes.memset(dest, data, count), stream)


def memcpy_htod(dest: int, src: Any) -> None:
    _called("memcpy_htod")
    log.waits += 1
    assert src.flags.c_contiguous
    ctypes.memmove(dest, src.ctypes.data, src.nbytes)


def memcpy_dtoh(dest: Any, src: int) -> None:
    _called("memcpy_dtoh")
    log.waits += 1
    assert dest.flags.c_contiguous
    ctypes.memmove(dest.ctypes.data, src, dest.nbytes)


def memcpy_htod_async(dest: int, src: Any, stream: Stream | None = None) -> None:
    _called("memcpy_htod_async", records=True)
    assert src.flags.c_contiguous
    submit(lambda: ctypes.memmove(dest, src.ctypes.data, src.nbytes), stream)


def memcpy_dtoh_async(dest: Any, src: int, stream: Stream | None = None) -> None:
    _called("memcpy_dtoh_async", records=True)
    assert dest.flags.c_contiguous
    submit(lambda: ctypes.memmove(dest.ctypes.data, src, dest.nbytes), stream)


def memcpy_dtod_async(dest: int, src: int, size: int, stream: Stream | None = None) -> None:
    _called("memcpy_dtod_async", records=True)
    submit(lambda: ctypes.memmove(dest, src, size), stream)


class host_alloc_flags:
    PORTABLE = 1
    DEVICEMAP = 2
    WRITECOMBINED = 4


class PagelockedHostAllocation(bytearray):
    """The base of a page-locked array."""

    mapped = False

    def get_device_pointer(self) -> int:
        assert self.mapped
        return ctypes.addressof(ctypes.c_char.from_buffer(self))


def pagelocked_empty(
    shape: tuple[int, ...], dtype: Any, order: str = "C", mem_flags: int = 0
) -> np.ndarray:
    _called("pagelocked_empty")
    log.allocations += 1
    memory = PagelockedHostAllocation(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    memory.mapped = bool(mem_flags & host_alloc_flags.DEVICEMAP)
    return np.ndarray(shape, dtype, buffer=memory, order=order)


_handles = itertools.count(1)
streams: dict[int, Stream] = {}


class Stream:
    def __init__(self, flags: int = 0) -> None:
        _called("Stream")
        self.handle = next(_handles)
        self.clock: dict[int, int] = {}
        """By stream: the number of its operations that precede whatever comes next here."""
        streams[self.handle] = self

    def synchronize(self) -> None:
        _called("Stream.synchronize")
        log.waits += 1
        _now_done(self.clock)

    def wait_for_event(self, event: Event) -> None:
        _called("Stream.wait_for_event")
        assert event.stamp is not None
        for handle, count in event.stamp.items():
            self.clock[handle] = max(self.clock.get(handle, 0), count)


def _now_done(clock: dict[int, int]) -> None:
    for handle, count in clock.items():
        log.done[handle] = max(log.done.get(handle, 0), count)


class Event:
    milliseconds = 1.0
    """Between any two events, for tests of arithmetic."""

    def __init__(self, flags: int = 0) -> None:
        _called("Event")
        self.stamp: dict[int, int] | None = None

    def record(self, stream: Stream | None = None) -> None:
        _called("Event.record")
        assert isinstance(stream, Stream)
        self.stamp = dict(stream.clock)

    def query(self) -> bool:
        _called("Event.query")
        assert self.stamp is not None, "an event that was never recorded says that it is done"
        return all(log.done.get(handle, 0) >= n for handle, n in self.stamp.items())

    def synchronize(self) -> None:
        _called("Event.synchronize")
        assert self.stamp is not None, "an event that was never recorded would be waited for"
        log.waits += 1
        if log.hangs is not None:
            log.hangs.wait(30)
        _now_done(self.stamp)

    def time_since(self, event: Event) -> float:
        assert self.stamp is not None
        assert event.stamp is not None
        return self.milliseconds


class event_flags:
    DEFAULT = 0
    DISABLE_TIMING = 2


class Function:
    """A kernel; pycuda's Python layer ends in ``_launch_kernel``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.arg_format = ""

    def prepare(self, arg_types: Sequence[object], texrefs: object = None) -> Function:
        for arg_type in arg_types:
            assert isinstance(arg_type, str)
            self.arg_format += arg_type
        # A real driver cannot check this, and would read garbage.
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
        # CUDA's limits; they hold for every architecture here.
        assert 0 < grid[0] < 2**31, grid
        assert 0 < grid[1] < 65536, grid
        assert 0 < block[0] * block[1] * block[2] <= 1024
        _called(self._name, records=True)
        arguments = struct.pack(self.arg_format, *args)

        def run() -> None:
            log.launches.append(self._name)
            emulation().launch(self._name, arguments, grid, block, log.seed)

        submit(run, stream)


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
        _called("Context.pop")


class device_attribute:
    INTEGRATED = 18


class Device:
    devices = 1

    def __init__(self, number: int) -> None:
        assert number < self.devices

    @classmethod
    def count(cls) -> int:
        return cls.devices

    def name(self) -> str:
        return "an emulated GPU"

    def get_attribute(self, attribute: int) -> int:
        assert attribute == device_attribute.INTEGRATED
        return int(log.integrated)

    def compute_capability(self) -> tuple[int, int]:
        return (8, 7)

    def retain_primary_context(self) -> _Context:
        return _Context()


def _status(name: str, *, records: bool = False) -> int:
    try:
        _called(name, records=records)
    except LaunchError:
        return 700
    except Error:
        return 900
    return 0


class Library:
    """libcuda's graph functions: launches are recorded and replayed."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.graphs: dict[int, list[Callable[[], object]]] = {}
        self.registered: dict[int, int] = {}
        """Flags by host memory address."""
        self._next = itertools.count(1)

    def cuStreamBeginCapture_v2(self, stream: Any, mode: Any) -> int:
        if self.refuses:
            return 900
        assert stream.value in streams
        status = _status("cuStreamBeginCapture_v2")
        if not status:
            log.recording = []
        return status

    def cuStreamEndCapture(self, stream: Any, graph: Any) -> int:
        assert log.recording is not None
        graph._obj.value = next(self._next)
        self.graphs[graph._obj.value], log.recording = log.recording, None
        return _status("cuStreamEndCapture")

    def cuGraphInstantiateWithFlags(self, executable: Any, graph: Any, flags: Any) -> int:
        executable._obj.value = graph.value
        return _status("cuGraphInstantiateWithFlags")

    def cuGraphLaunch(self, executable: Any, stream: Any) -> int:
        status = _status("cuGraphLaunch")
        for work in () if status else self.graphs[executable.value]:
            submit(work, streams[stream.value])
        return status

    def cuGraphExecDestroy(self, executable: Any) -> int:
        return _status("cuGraphExecDestroy")

    def cuGraphDestroy(self, graph: Any) -> int:
        del self.graphs[graph.value]
        return _status("cuGraphDestroy")

    def cuMemHostRegister_v2(self, pointer: Any, size: Any, flags: Any) -> int:
        if log.refuses_registration:
            return 801
        assert pointer.value % 4096 == 0, "pages"
        assert pointer.value not in self.registered, "registered already"
        status = _status("cuMemHostRegister_v2")
        if not status:
            self.registered[pointer.value] = flags.value
            log.alive += 1
        return status

    def cuMemHostGetDevicePointer_v2(self, device: Any, pointer: Any, flags: Any) -> int:
        assert self.registered[pointer.value] & 2, "not mapped"
        device._obj.value = pointer.value
        return _status("cuMemHostGetDevicePointer_v2")

    def cuMemHostUnregister(self, pointer: Any) -> int:
        del self.registered[pointer.value]
        log.alive -= 1
        return _status("cuMemHostUnregister")

    def cuGetErrorName(self, status: int, text: Any) -> int:
        names = {700: b"CUDA_ERROR_ILLEGAL_ADDRESS", 801: b"CUDA_ERROR_NOT_SUPPORTED",
                 900: b"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"}  # fmt: skip
        text._obj.value = names[status]
        return 0
