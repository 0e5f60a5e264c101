"""``pycuda.driver`` without a GPU: device memory on the host, kernels run from machine code.

Only what ``cuda.Context`` asks for. Everything is done when it is launched.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.tools.bench.sass.disassembly import SassError, disassemble
from appliance.tools.bench.sass.machine import Program, WorkCounts
from appliance.tools.bench.sass.memory import Arena

_PARAMETERS_AT = {7: 0x160, 8: 0x160, 9: 0x210}
"""Where arguments begin in the constant bank, by major compute capability."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch, and what it came to."""

    kernel: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    counts: WorkCounts


class SassDriver:
    """A driver, to be given to ``cuda.Context`` with the cubin that it is to run."""

    Error = RuntimeError

    def __init__(self, architecture: str, cubin: bytes, memory: int = 1 << 26) -> None:
        """``memory``: bytes of device memory. Raises MissingDependency, SassError."""
        major = int(architecture) // 10
        if major not in _PARAMETERS_AT:
            raise SassError(
                f"compute capability {architecture}: its machine code is not known here; known "
                f"are those of {', '.join(map(str, _PARAMETERS_AT))}.x"
            )
        self.codes = disassemble(cubin)
        self.arena = Arena(memory)
        self.launches: list[Launch] = []
        self._architecture = architecture
        self._programs: dict[str, Program] = {}
        self.Device, self.Stream, self.Event = _Devices(architecture), _Stream, _Event
        self.event_flags, self.device_attribute = _EventFlags, _Attribute

    def program(self, name: str) -> Program:
        """A kernel, made ready when it is first launched."""
        if name not in self._programs:
            at = _PARAMETERS_AT[int(self._architecture) // 10]
            self._programs[name] = Program(self.codes[name], at)
        return self._programs[name]

    def init(self) -> None:
        """Nothing to do."""

    def mem_alloc(self, size: int) -> int:
        """The address of new memory."""
        return self.arena.alloc(size)

    def memset_d8(self, address: int, value: int, size: int) -> None:
        """Fill it."""
        self.arena.view(address, size)[:] = value

    def memcpy_htod(self, address: int, array: Any) -> None:
        """To the device."""
        raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self.arena.view(address, raw.size)[:] = raw

    def memcpy_dtoh(self, array: Any, address: int) -> None:
        """To the host."""
        raw = array.reshape(-1).view(np.uint8)
        raw[:] = self.arena.view(address, raw.size)

    def memcpy_dtoh_async(self, array: Any, address: int, _: Any) -> None:
        """To the host."""
        self.memcpy_dtoh(array, address)

    def pagelocked_empty(self, shape: tuple[int, ...], dtype: Any, mem_flags: int = 0) -> Any:
        """Memory of the host."""
        return np.zeros(shape, dtype)

    def module_from_buffer(self, _: bytes) -> SassDriver:
        """The kernels are known already."""
        return self

    def get_function(self, name: str) -> _Function:
        """A kernel. Raises SassError."""
        if name not in self.codes:
            raise SassError(f"the cubin has no kernel {name!r}")
        return _Function(self, name)


class _Function:
    def __init__(self, driver: SassDriver, name: str) -> None:
        self._driver, self._name, self._format = driver, name, ""

    def prepare(self, codes: Sequence[str]) -> _Function:
        self._format = "".join(codes)
        return self

    def prepared_async_call(
        self, grid: tuple[int, ...], block: tuple[int, ...], _: Any, *values: Any
    ) -> None:
        arguments = struct.pack(self._format, *values)
        counts = self._driver.program(self._name).launch(
            self._driver.arena, grid, block, arguments
        )  # fmt: skip
        self._driver.launches.append(Launch(self._name, grid, block, counts))


class _Stream:
    handle = 0

    def synchronize(self) -> None:
        """Everything is done already."""


class _Event:
    def __init__(self, _: int = 0) -> None:
        pass

    def record(self, _: Any = None) -> None:
        """Nothing to note."""

    def query(self) -> bool:
        """Everything is done already."""
        return True

    def synchronize(self) -> None:
        """Likewise."""


class _EventFlags:
    DISABLE_TIMING = 2


class _Attribute:
    INTEGRATED = 18


class _Primary:
    def push(self) -> None:
        pass

    def pop(self) -> None:
        pass


class _Devices:
    """``driver.Device``: the class and its one device."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture

    def __call__(self, _: int) -> _Devices:
        return self

    def count(self) -> int:
        return 1

    def name(self) -> str:
        return f"the machine code of sm_{self._architecture}, run on the host"

    def compute_capability(self) -> tuple[int, int]:
        return divmod(int(self._architecture), 10)

    def get_attribute(self, _: int) -> int:
        return 0

    def retain_primary_context(self) -> _Primary:
        return _Primary()
