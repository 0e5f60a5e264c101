"""pycuda with a trace: calls, allocations, waits and launches are counted and passed on.

They are counted in the stand-in driver's log, ``tests.kernels.driver.log``, so that a test reads
the same for both.
"""

from __future__ import annotations

from typing import Any

from tests.kernels import driver as emulated

_ALLOCATES = ("mem_alloc", "pagelocked_empty")
_WAITS = ("memcpy_htod", "memcpy_dtoh", "memset_d8")
_COUNTED = ("memcpy_htod_async", "memcpy_dtoh_async", "memset_d8_async")


class Traced:
    """``pycuda.driver``, traced."""

    def __init__(self, real: Any) -> None:
        self._real = real

        class Event(real.Event):  # type: ignore[misc, name-defined]
            """A real event, which streams can wait for, with its waits counted."""

            def synchronize(self) -> Any:
                emulated.log.calls["Event.synchronize"] += 1
                emulated.log.waits += 1
                return real.Event.synchronize(self)

        class Stream(real.Stream):  # type: ignore[misc, name-defined]
            """Likewise."""

            def synchronize(self) -> Any:
                emulated.log.calls["Stream.synchronize"] += 1
                emulated.log.waits += 1
                return real.Stream.synchronize(self)

        self.Event, self.Stream = Event, Stream

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in (*_ALLOCATES, *_WAITS, *_COUNTED):
            return found

        def counted(*arguments: Any, **options: Any) -> Any:
            emulated.log.calls[name] += 1
            emulated.log.allocations += name in _ALLOCATES
            emulated.log.waits += name in _WAITS
            return found(*arguments, **options)

        return counted

    def module_from_buffer(self, buffer: bytes) -> Any:
        return _Module(self._real.module_from_buffer(buffer))


class _Module:
    def __init__(self, real: Any) -> None:
        self._real = real

    def get_function(self, name: str) -> Any:
        return _Function(self._real.get_function(name), name)


class _Function:
    def __init__(self, real: Any, name: str) -> None:
        self._real, self._name = real, name

    def prepare(self, arg_types: list[str]) -> Any:
        self._real.prepare(arg_types)
        return self

    def prepared_async_call(self, *arguments: Any) -> None:
        emulated.log.launches.append(self._name)
        self._real.prepared_async_call(*arguments)
