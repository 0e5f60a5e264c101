"""Composites straight into the canvases that the encoders get: no copy by the CPU.

The canvases' own memory is registered with the driver, once. A discrete card fetches each composite
into its canvas by itself, on a stream of its own; on a Jetson, where CPU and GPU share the memory,
the composite is written there in the first place.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import structlog

from appliance.cuda.context import Buffer, Context, GpuError
from appliance.cuda.libcuda import call, library_of
from appliance.errors import MissingDependency
from appliance.media.frame import U8, Format, Frame
from appliance.media.surface import Surface

_DEPTH = 2
_DEVICEMAP = 2  # CU_MEMHOSTREGISTER_DEVICEMAP

log = structlog.get_logger(__name__)


class Canvases:
    """``choose`` a canvas, launch into ``target``, ``send``, and ``take`` waits for it.

    The canvases' memory must outlive this object, or its ``close``.
    """

    def __init__(
        self, context: Context, format: Format, memory: Sequence[U8], stride: int, *,
        mapped: bool = False,
    ) -> None:  # fmt: skip
        """Register them.

        Args:
            memory: of each canvas, all of it, uint8 in one dimension: luma, then chroma, each row
                ``stride`` bytes after the one before.
            mapped: CPU and GPU share the memory (Jetson).

        Raises GpuError where the driver will not register them, which loses no context, and
        MissingDependency without libcuda.
        """
        self._context, self._format, self._stride = context, format, stride
        self._library = library_of(context)
        self._registered: dict[int, U8] = {}
        self._surfaces: dict[int, Surface] = {}
        self._slots: list[Buffer] = []
        try:
            for one in memory:
                self._register(one, mapped=mapped)
        except GpuError:
            self.close()
            raise
        driver = context.driver
        with context.guard("making the canvases' stream"):
            self._copies = driver.Stream()
            disable = driver.event_flags.DISABLE_TIMING
            self._worked, self._copied = driver.Event(disable), driver.Event(disable)
        size = stride * (format.height + (format.height + 1) // 2)
        if not mapped:
            self._slots += [context.alloc(size) for _ in range(_DEPTH)]
        self._count, self._chosen = 0, 0

    def _register(self, memory: U8, *, mapped: bool) -> None:
        """One canvas. By libcuda itself, since pycuda's own call of it is broken (its #459)."""
        address = int(memory.ctypes.data)
        pointer = ctypes.c_void_p(address)
        flags = ctypes.c_uint(_DEVICEMAP if mapped else 0)
        self._call("cuMemHostRegister_v2", pointer, ctypes.c_size_t(memory.nbytes), flags)
        self._registered[address] = memory
        if mapped:
            there = ctypes.c_ulonglong()
            self._call(
                "cuMemHostGetDevicePointer_v2", ctypes.byref(there), pointer, ctypes.c_uint(0)
            )
            self._surfaces[address] = self._surface(int(there.value), memory)

    def _call(self, name: str, *arguments: object) -> None:
        call(self._context, self._library, name, *arguments)

    def _surface(self, address: int, owner: object) -> Surface:
        f, stride = self._format, self._stride
        return Surface(
            "nv12", f.width, f.height, address, stride, address + stride * f.height, stride,
            f.colour, owner,
        )  # fmt: skip

    def choose(self, out: Frame) -> bool:
        """Take ``out`` for the next composite; False when it is none of the canvases."""
        address = int(out.y.ctypes.data)
        if address not in self._registered:
            return False
        self._chosen = address
        return True

    @property
    def target(self) -> Surface:
        """Where the composite goes."""
        if self._surfaces:
            return self._surfaces[self._chosen]
        slot = self._slots[self._count % _DEPTH]
        return self._surface(slot.address, slot)

    def send(self) -> None:
        """Start its way into the canvas, behind all that was launched so far."""
        context = self._context
        with context.guard("sending a composite to its canvas"):
            self._worked.record(context.stream)
            if self._slots:
                self._copies.wait_for_event(self._worked)
                context.driver.memcpy_dtoh_async(
                    self._registered[self._chosen], self._slots[self._count % _DEPTH].address,
                    self._copies,
                )  # fmt: skip
                self._copied.record(self._copies)
        self._count += 1

    def take(self) -> None:
        """Wait until it is there: the frame loop's one wait."""
        self._context.wait(
            self._copied if self._slots else self._worked, "waiting for the composite"
        )

    def close(self) -> None:
        """Give the canvases' memory back to the host alone. Raises GpuError; safe to call twice."""
        self._surfaces.clear()
        self._slots.clear()
        while self._registered:
            address, _ = self._registered.popitem()
            self._call("cuMemHostUnregister", ctypes.c_void_p(address))


def register(
    context: Context, format: Format, memory: Sequence[U8], stride: int, *, mapped: bool
) -> Canvases | None:
    """``Canvases``, or None where the driver will not have it, which is logged."""
    try:
        return Canvases(context, format, memory, stride, mapped=mapped)
    except (GpuError, MissingDependency) as error:
        # A context that is lost fails at the next call too, and ends the process there.
        log.warning("composites are copied into their canvases by the CPU", why=str(error))
        return None
