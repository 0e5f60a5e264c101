"""What the machine's own figures are: NVIDIA's cards, threads."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog

_FRESH_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. What the driver does not tell is None (a Jetson tells little this way)."""

    name: str
    busy: float | None
    """0 to 1."""
    memory_used: int | None
    memory_total: int | None
    """Bytes."""
    celsius: float | None
    watts: float | None


class Gpus:
    """Asks NVIDIA's driver (NVML) in a thread: one that hangs must not hang who asks.

    ``read`` gives what is known, and sees to it that something newer is known next time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[Gpu, ...] = ()
        self._asked = float("-inf")
        self._asking: threading.Thread | None = None
        self._absent = False

    def read(self, wait_s: float = 0.5) -> tuple[Gpu, ...]:
        """The cards; empty without one, without NVML, and while the driver does not answer."""
        with self._lock:
            stale = time.monotonic() - self._asked > _FRESH_S
            if stale and not self._absent and self._asking is None:
                self._asked = time.monotonic()
                self._asking = threading.Thread(target=self._ask, name="gpu", daemon=True)
                self._asking.start()
            asking = self._asking
        if asking is not None:
            asking.join(wait_s)
            if asking.is_alive():
                return ()
        return self._known

    def _ask(self) -> None:
        try:
            self._known = _cards()
        except _NoNvml:
            # No driver, no card: that does not change while we run.
            self._absent = True
        finally:
            with self._lock:
                self._asking = None


class _NoNvml(Exception):
    """There is nobody to ask."""


def _cards() -> tuple[Gpu, ...]:
    try:
        import pynvml
    except ImportError as error:
        raise _NoNvml from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise _NoNvml from error
    try:
        return tuple(_card(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        log.debug("NVML does not answer", reason=str(error))
        return ()
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _card(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(name: str, *arguments: Any) -> Any:
        try:
            return getattr(nvml, name)(handle, *arguments)
        except nvml.NVMLError:
            return None

    memory = ask("nvmlDeviceGetMemoryInfo")
    rates = ask("nvmlDeviceGetUtilizationRates")
    milliwatts = ask("nvmlDeviceGetPowerUsage")
    celsius = ask("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU)
    name = ask("nvmlDeviceGetName") or f"GPU {index}"
    return Gpu(
        name.decode() if isinstance(name, bytes) else str(name),
        None if rates is None else rates.gpu / 100,
        None if memory is None else int(memory.used),
        None if memory is None else int(memory.total),
        None if celsius is None else float(celsius),
        None if milliwatts is None else milliwatts / 1000,
    )


def threads() -> int:
    """Threads of this process, those of libraries too."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Threads:"):
                return int(line.split()[1])
    return threading.active_count()
