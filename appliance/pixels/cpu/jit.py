"""How the CPU kernels are compiled: one place for the flags.

Kernels are plain loops over rows, compiled by numba for this machine's own vector units. Each has
one explicit signature with any-pitch arrays, so there is one compiled version of each, made when
the module is first imported and kept in numba's cache from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

# reassoc and contract let sums be vectorised and fused; nnan and ninf are left out on purpose,
# since a NaN out of a network must stay visible as one.
_FAST_MATH = {"reassoc", "contract", "arcp", "nsz"}


def kernel(signature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for ``signature``; it runs without the interpreter lock."""
    decorate: Any = numba.njit(
        signature, cache=True, nogil=True, fastmath=_FAST_MATH, error_model="numpy"
    )

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        return cast("Callable[P, R]", decorate(function))

    return wrap


def inline(function: Callable[P, R]) -> Callable[P, R]:
    """A helper compiled into the kernels that call it."""
    return cast(
        "Callable[P, R]",
        numba.njit(nogil=True, fastmath=_FAST_MATH, error_model="numpy", inline="never")(function),
    )
