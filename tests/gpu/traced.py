"""pycuda with a trace: allocations, waits and launches are counted, and passed on."""

from __future__ import annotations

from typing import Any

from tests.kernels.driver import Log


class Traced:
    """``pycuda.driver``, traced."""

    def __init__(self, real: Any, log: Log) -> None:
        self._real, self._log = real, log

        class Event(real.Event):  # type: ignore[misc, name-defined]
            """A real one, which streams can wait for, with its waits counted."""

            def synchronize(self) -> Any:
                log.waits += 1
                return real.Event.synchronize(self)

        self.Event = Event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def mem_alloc(self, size: int) -> Any:
        self._log.allocations += 1
        return self._real.mem_alloc(size)

    def pagelocked_empty(self, shape: tuple[int, ...], dtype: Any, **flags: int) -> Any:
        self._log.allocations += 1
        return self._real.pagelocked_empty(shape, dtype, **flags)

    def module_from_buffer(self, buffer: bytes) -> Any:
        return _Module(self._real.module_from_buffer(buffer), self._log)


class _Module:
    def __init__(self, real: Any, log: Log) -> None:
        self._real, self._log = real, log

    def get_function(self, name: str) -> Any:
        return _Function(self._real.get_function(name), name, self._log)


class _Function:
    def __init__(self, real: Any, name: str, log: Log) -> None:
        self._real, self._name, self._log = real, name, log

    def prepare(self, arg_types: list[str]) -> Any:
        self._real.prepare(arg_types)
        return self

    def prepared_async_call(self, *arguments: Any) -> None:
        self._log.launches.append(self._name)
        self._real.prepared_async_call(*arguments)
