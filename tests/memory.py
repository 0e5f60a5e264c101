"""How much memory something takes for a moment, and which objects it leaves behind."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def peak_mb(call: Callable[[], T]) -> tuple[T, float]:
    """What ``call`` returns, and by how many MB the process grew at most while it ran."""
    before = _status("VmRSS")
    # 5 sets the kernel's high-water mark to what is used now.
    Path("/proc/self/clear_refs").write_text("5")
    result = call()
    return result, (_status("VmHWM") - before) / 1000


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def living(*kinds: type) -> list[object]:
    """Every object of these classes that is still there, in the collector's hands.

    By their own types: ``isinstance`` asks a weak proxy for what it stood for, which may be gone.
    """
    gc.collect()
    return [each for each in gc.get_objects() if issubclass(type(each), kinds)]
