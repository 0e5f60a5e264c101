"""The one place that talks to pycuda: context, stream, memory, modules, and errors.

Everything is allocated through a ``Context`` before the first frame. The thread that made it owns
it: CUDA contexts are per thread, and a second thread would have none. A CUDA error is final, since
a failed context cannot be repaired: the process must end and be started again.
"""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from appliance.cuda import compile, source
from appliance.errors import MatteboxError, MissingDependency

Dim = tuple[int, int, int]

log = structlog.get_logger(__name__)


class GpuError(MatteboxError, RuntimeError):
    """CUDA failed. The context is lost: end the process; its supervisor starts it again."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Device memory: its address, its size in bytes, and what keeps it alive."""

    address: int
    nbytes: int
    owner: object = None

    def at(self, offset: int) -> int:
        """The address ``offset`` bytes in."""
        return self.address + offset


def load_driver() -> Any:
    """``pycuda.driver``, never ``pycuda.autoinit``.

    Raises MissingDependency when pycuda or NVIDIA's driver is not available.
    """
    try:
        with warnings.catch_warnings():
            # pycuda warns before it raises; our own message says it all.
            warnings.simplefilter("ignore")
            return importlib.import_module("pycuda.driver")
    except ImportError as error:
        raise MissingDependency(
            f"pycuda cannot be used here ({error}); it needs NVIDIA's driver (libcuda) and: "
            "pip install pycuda (where curand.h is missing, build it with "
            "CUDA_ENABLE_CURAND=False); without a GPU set runtime: onnxruntime"
        ) from error


class Context:
    """A GPU's primary context, one stream, the compiled kernels, and all memory allocated from it.

    Use it as a context manager, or ``close`` it in the thread that made it.
    """

    def __init__(
        self, ordinal: int = 0, *, driver: Any = None,
        image: Callable[[str], bytes] | None = None, library: Any = None,
    ) -> None:  # fmt: skip
        """Take GPU ``ordinal``.

        Args:
            driver: stands in for ``pycuda.driver`` in tests.
            image: returns the compiled kernels for an architecture (``87``); default: from the
                cache, or compiled now (``cuda.compile.image``).
            library: stands in for libcuda (CUDA graphs) in tests.

        Raises:
            MissingDependency: no pycuda, no GPU, or no kernels and nothing to compile them with.
            GpuError: the driver refused.
        """
        self.driver = load_driver() if driver is None else driver
        self.library = library
        self._thread = threading.get_ident()
        self._closed = False
        self.kernels: dict[str, Kernel] = {}
        try:
            self.driver.init()
        except self.driver.Error as error:
            raise MissingDependency(
                f"NVIDIA's driver shows no GPU that can be used ({error}); look at nvidia-smi, or "
                "set runtime: onnxruntime"
            ) from error
        with self.guard("taking the GPU"):
            count = self.driver.Device.count()
            if ordinal >= count:
                raise MissingDependency(
                    f"GPU {ordinal} was asked for, and this machine shows {count}; look at "
                    "nvidia-smi, or set runtime: onnxruntime"
                )
            self.device = self.driver.Device(ordinal)
            # The primary context is the one TensorRT and jetson-utils use: pointers are shared.
            self._context = self.device.retain_primary_context()
            self._context.push()
        try:
            with self.guard("asking what the GPU is"):
                self.name = str(self.device.name())
                major, minor = self.device.compute_capability()
                attribute = self.driver.device_attribute.INTEGRATED
                self.integrated = bool(self.device.get_attribute(attribute))
                """True where GPU and CPU share their memory, as on a Jetson."""
            self.architecture = f"{major}{minor}"
            binary = (image or compile.image)(self.architecture)
            with self.guard("loading the kernels"):
                self.stream = self.driver.Stream()
                self._module = self.driver.module_from_buffer(binary)
                for name, parameters in source.signatures().items():
                    function = self._module.get_function(name)
                    self.kernels[name] = Kernel(self, name, function, parameters)
        except BaseException:
            self.close()
            raise

    def guard(self, what: str) -> _Guard:
        """A ``with`` block, doing ``what``, in which the driver's errors become GpuError."""
        return _Guard(self, what)

    def alloc(self, nbytes: int, *, zero: bool = False) -> Buffer:
        """Device memory, 256-byte aligned. Only during set-up, never in the frame loop."""
        with self.guard(f"allocating {nbytes} bytes"):
            allocation = self.driver.mem_alloc(max(nbytes, 1))
            if zero:
                self.driver.memset_d8(int(allocation), 0, max(nbytes, 1))
        return Buffer(int(allocation), nbytes, allocation)

    def upload(self, array: NDArray[Any]) -> Buffer:
        """Device memory with a copy of ``array``. Only during set-up: it waits."""
        array = np.ascontiguousarray(array)
        buffer = self.alloc(array.nbytes)
        with self.guard("uploading"):
            self.driver.memcpy_htod(buffer.address, array)
        return buffer

    def download(self, buffer: Buffer, out: NDArray[Any]) -> None:
        """Copy device memory to a dense array, after everything launched; waits. For tests."""
        with self.guard("downloading"):
            self.stream.synchronize()
            self.driver.memcpy_dtoh(out, buffer.address)

    def pinned(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Page-locked host memory: what asynchronous copies need."""
        with self.guard("allocating pinned memory"):
            array: NDArray[Any] = self.driver.pagelocked_empty(shape, dtype)
        return array

    def mapped(self, shape: tuple[int, ...], dtype: Any) -> tuple[NDArray[Any], int]:
        """Page-locked host memory that the GPU sees, too, and its address there (Jetson)."""
        with self.guard("mapping pinned memory"):
            flags = self.driver.host_alloc_flags.DEVICEMAP
            array: NDArray[Any] = self.driver.pagelocked_empty(shape, dtype, mem_flags=flags)
            return array, int(array.base.get_device_pointer())  # type: ignore[union-attr]

    def synchronize(self) -> None:
        """Wait until everything launched so far is done."""
        with self.guard("waiting for the GPU"):
            self.stream.synchronize()

    def wait(self, event: Any, what: str) -> None:
        """Wait for an event while doing ``what``; returns at once if it has already happened.

        The driver's wait has no deadline: the daemon keeps one on each frame, from another thread.
        """
        with self.guard(what):
            if not event.query():
                event.synchronize()

    def close(self) -> None:
        """Give the GPU back; no buffer may still be in use. Safe to call twice; never raises."""
        if self._closed:
            return
        self._closed = True
        self.kernels.clear()
        self._module = self.stream = None
        try:
            self._context.pop()
        except self.driver.Error as error:
            # The context was lost earlier, and that has already been raised.
            log.warning("the GPU could not be given back in order", why=str(error))
        self._context = None

    def check_thread(self) -> None:
        """Raise GpuError in any thread but the one that made the context, or after ``close``."""
        if self._closed:
            raise GpuError("the GPU's context is closed already; this is a mistake in Mattebox")
        if threading.get_ident() != self._thread:
            raise GpuError(
                f"thread {threading.current_thread().name} called the GPU, which belongs to "
                "another thread; this is a mistake in Mattebox"
            )

    def __enter__(self) -> Context:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Guard:
    def __init__(self, context: Context, what: str) -> None:
        self._context, self._what = context, what

    def __enter__(self) -> None:
        self._context.check_thread()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, self._context.driver.Error):
            raise GpuError(
                f"CUDA failed while {self._what}: {error}; the context is lost, the process must "
                "end (its service starts it again); if it comes back, look at dmesg for Xid"
            ) from error


class Kernel:
    """One kernel, launched with named arguments."""

    def __init__(
        self,
        context: Context,
        name: str,
        function: Any,
        parameters: tuple[source.KernelParameter, ...],
    ) -> None:
        self._context, self.name = context, name
        self._names = tuple(parameter.name for parameter in parameters)
        # One code for each parameter, since pycuda's prepare takes a sequence of types.
        self._function = function.prepare([parameter.code for parameter in parameters])

    def __call__(self, grid: Dim, block: Dim, **arguments: float) -> None:
        """Launch on the context's stream and return at once.

        Args:
            grid, block: number of blocks, and of threads in a block, as (x, y, z).
            arguments: every parameter of the kernel by name; pointers as addresses, 0 for null.

        Raises:
            TypeError: a parameter is missing or unknown.
            GpuError: the driver refused the launch, or an earlier one has failed.
        """
        self._context.check_thread()
        try:
            values = [arguments.pop(name) for name in self._names]
        except KeyError as error:
            raise TypeError(f"{self.name}: argument {error} is missing") from None
        if arguments:
            raise TypeError(f"{self.name} has no parameters {sorted(arguments)}")
        with self._context.guard(f"launching {self.name}"):
            self._function.prepared_async_call(grid, block, self._context.stream, *values)


def blocks(columns: int, rows: int, block: tuple[int, int]) -> Dim:
    """The grid of blocks that covers columns x rows threads."""
    return (-(-columns // block[0]), -(-rows // block[1]), 1)
