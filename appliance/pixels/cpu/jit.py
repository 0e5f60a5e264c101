"""How the CPU kernels are compiled: one place for the flags.

Kernels are plain loops over rows, compiled by numba for this machine's own vector units. Each has
one explicit signature with arrays of any pitch, so there is one compiled version of each. It is
made when the kernel is first wanted, kept as a file of machine code (``pixels/native``), and loaded
from there ever after, without numba: importing that takes longer than all the rest of a start.

What such a file cannot hold keeps its kernel with numba, at the cost of that import: lists,
strings, and an array assigned to a slice of another (write the loop). Instructions of ``lanes``
are named here by ``Intrinsic``.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, cast

import structlog

from appliance.pixels.native import store

P = ParamSpec("P")
R = TypeVar("R")

# reassoc and contract let sums be vectorised and fused; nnan and ninf are left out on purpose,
# since a NaN from a network must remain one.
_FLAGS: dict[str, Any] = {
    "nogil": True,
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "error_model": "numpy",
}
# One kernel compiles another that it calls.
_lock = threading.RLock()
_all: list[CpuKernel[..., Any]] = []

log = structlog.get_logger(__name__)


class CpuKernel(Generic[P, R]):
    """A compiled function; it releases the interpreter lock (GIL).

    Arguments that do not fit its signature raise TypeError.
    """

    def __init__(self, function: Callable[P, R], signature: str) -> None:
        self.function = function
        self.signature = signature
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._run: Callable[P, R] | None = None
        self._dispatcher: Any = None
        update_wrapper(self, function)
        _all.append(self)

    def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Run it; one that nobody has prepared is compiled or loaded first."""
        run = self._run
        if run is None:
            if not self.load():
                log.info("a kernel is compiled while something waits for it", kernel=self.name)
            run = self.prepare()
        return run(*arguments, **keywords)

    @property
    def ready(self) -> bool:
        """Whether it has been loaded."""
        return self._run is not None

    def load(self) -> bool:
        """Whether a call runs at once: it was used before, or its machine code is there."""
        with _lock:
            if self._run is None:
                found = store.find(self.name, self.function.__name__)
                self._run = cast("Callable[P, R] | None", found)
            return self._run is not None

    def prepare(self) -> Callable[P, R]:
        """Load it, or, if there is nothing to load, compile it, which takes up to some seconds."""
        with _lock:
            if not self.load():
                self._run = cast("Callable[P, R]", self._compile())
            assert self._run is not None
            return self._run

    def _compile(self) -> Callable[..., Any]:
        started = time.monotonic()
        found = store.make(self.name, self.function, self.signature, _FLAGS)
        if found is None:
            found = self.dispatcher
        log.debug("kernel compiled", kernel=self.name, seconds=round(time.monotonic() - started, 2))
        return found

    @property
    def dispatcher(self) -> Any:
        """It as a function of numba's, which keeps it in a cache of its own."""
        with _lock:
            if self._dispatcher is None:
                import numba

                try:
                    made = numba.njit(self.signature, cache=True, **_FLAGS)(self.function)
                except OSError as error:
                    # A full disk, or a folder that has gone.
                    log.debug("a kernel cannot be kept", kernel=self.name, reason=str(error))
                    made = numba.njit(self.signature, **_FLAGS)(self.function)
                self._dispatcher = made
            return self._dispatcher

    @property
    def _numba_type_(self) -> Any:
        """What numba takes it for in a kernel that calls it."""
        return _type_of(self.dispatcher)


class Inline(Generic[P, R]):
    """A helper within kernels; called from Python, it is compiled for what it is given."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.function = function
        self._dispatcher: Any = None
        update_wrapper(self, function)

    def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Run it."""
        return cast(R, self.dispatcher(*arguments, **keywords))

    @property
    def dispatcher(self) -> Any:
        """It as a function of numba's."""
        with _lock:
            if self._dispatcher is None:
                import numba

                self._dispatcher = numba.njit(inline="never", **_FLAGS)(self.function)
            return self._dispatcher

    @property
    def _numba_type_(self) -> Any:
        return _type_of(self.dispatcher)


class Intrinsic:
    """An ``intrinsic`` of numba's, in a module that imports numba: named, not yet imported."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    @property
    def _numba_type_(self) -> Any:
        """What numba takes it for in a kernel."""
        from numba.core.registry import cpu_target

        made = getattr(importlib.import_module(self._module), self._name)
        cpu_target.typing_context.refresh()
        return cpu_target.typing_context.resolve_value_type(made)


def _type_of(dispatcher: Any) -> Any:
    from numba.core import types

    return types.Dispatcher(dispatcher)


def kernel(signature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a kernel with this ``signature``: a ``CpuKernel``."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        return CpuKernel(function, signature)

    return wrap


def inline(function: Callable[P, R]) -> Callable[P, R]:
    """A helper that LLVM inlines into the kernels that call it: an ``Inline``.

    numba's own inlining, at the level of its typed code, is off: it would recompile the helper's
    source in each caller.
    """
    return Inline(function)


def kernels() -> tuple[CpuKernel[..., Any], ...]:
    """Every kernel of the modules imported so far."""
    return tuple(_all)
