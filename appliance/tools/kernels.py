"""``python -m appliance.tools.kernels``: compile every CPU kernel for this machine, once, ahead.

Every set-up runs it, so that neither a first start nor the first use of a stage has to compile
anything: half a minute on two cores. A kernel that is there already is left alone.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from appliance.pixels import cpu
from appliance.pixels.cpu.jit import CpuKernel, kernels
from appliance.system import jit_cache
from appliance.system.log import configure

# Compiling one takes up to some seconds, on a small board a few times that.
_LONGEST_S = 600.0


def every_kernel() -> dict[str, CpuKernel[..., object]]:
    """All kernels there are, by name; imports every file that can hold some."""
    for module in pkgutil.iter_modules(cpu.__path__, f"{cpu.__name__}."):
        importlib.import_module(module.name)
    return {kernel.name: kernel for kernel in kernels()}


def compile_missing(processes: int | None = None) -> int:
    """Compile those that are not kept yet, on all cores; returns how many those were."""
    missing = [name for name, kernel in every_kernel().items() if not kernel.load()]
    if missing:
        say(f"compiling {len(missing)} kernels for this processor, once")
        with ProcessPoolExecutor(
            processes or len(os.sched_getaffinity(0)), get_context("spawn"), _quietly
        ) as pool:
            list(pool.map(_compile, missing, timeout=_LONGEST_S))
    return len(missing)


def _quietly() -> None:
    configure("warning", "auto")


def _compile(name: str) -> None:
    every_kernel()[name].prepare()


def say(words: str) -> None:
    """Tell whoever waits."""
    print(f"mattebox: {words}", file=sys.stderr)


def main() -> int:
    """Compile, and say how long that took; nothing is said where there is nothing to do."""
    _quietly()
    if not jit_cache.is_kept():
        say("compiled kernels cannot be kept anywhere here: each start will compile its own")
        return 0
    begun = time.monotonic()
    if many := compile_missing():
        say(f"{many} kernels compiled in {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
