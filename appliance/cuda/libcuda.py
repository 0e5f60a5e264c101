"""The few calls of libcuda itself that pycuda has not, or has broken, by their C interface."""

from __future__ import annotations

import ctypes
from typing import Any

from appliance.cuda.context import Context, GpuError
from appliance.errors import MissingDependency


def load_library() -> Any:
    """Libcuda. Raises MissingDependency where it is not installed."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise MissingDependency(
            f"libcuda.so.1 cannot be loaded ({error}): install NVIDIA's driver"
        ) from error


def library_of(context: Context) -> Any:
    """The context's libcuda: a stand-in in tests. Raises MissingDependency without any."""
    return context.library or load_library()


def call(context: Context, library: Any, name: str, *arguments: Any) -> None:
    """Call one function, in the thread that owns the context.

    Raises:
        GpuError: it returned an error, or this is another thread.
    """
    context.check_thread()
    status = getattr(library, name)(*arguments)
    if status:
        text = ctypes.c_char_p()
        library.cuGetErrorName(status, ctypes.byref(text))
        reason = (text.value or b"unknown").decode()
        raise GpuError(
            f"CUDA failed in {name}: {reason} ({status}); the context may be lost, the process "
            "must end"
        )
