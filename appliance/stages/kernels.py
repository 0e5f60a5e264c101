"""The CPU kernels that given settings can come to use, made ready before a frame needs them."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

import structlog

from appliance.config.settings import Settings
from appliance.pixels import cpu
from appliance.pixels.cpu.jit import CpuKernel
from appliance.stages.cascade import CASCADE, Side
from appliance.stages.reach import kernels_of

# The composite's other ways, by the step without which it never takes them: compiling these takes
# longer than all that the plain one needs.
_ONLY_WITH = {
    "layer._separate": "layer",
    "layer._blend": "layer",
    "light._relight": "harmonise",
    "lit._composite_lit": "harmonise",
}

log = structlog.get_logger(__name__)


def wanted_kernels(side: Side, settings: Settings) -> tuple[CpuKernel[..., object], ...]:
    """The kernels of the steps that the settings want on one side, and of a dissolve."""
    parts = list(_parts(side, settings))
    on = {step.name for step in CASCADE if step.runs_on(side) and step.wanted(settings)}
    found = kernels_of(cpu.dissolve, *parts)
    return tuple(
        one
        for one in found
        if _ONLY_WITH.get(one.name.removeprefix("appliance.pixels.cpu."), "composite") in on
    )


def prepare_kernels(side: Side, settings: Settings) -> None:
    """Load the kernels that the settings want; compile those that never were on this machine.

    Takes milliseconds, or the first time some seconds: call it where no frame waits.
    """
    missing = [one for one in wanted_kernels(side, settings) if not one.load()]
    if not missing:
        return
    started = time.monotonic()
    # For the first time on this machine; or each time, from numba's cache, where only numba can.
    log.info("kernels are compiled, or loaded by numba", kernels=len(missing))
    for one in missing:
        one.prepare()
    log.info("kernels ready", seconds=round(time.monotonic() - started, 1))


def _parts(side: Side, settings: Settings) -> Iterator[object]:
    for step in CASCADE:
        where = step.runs_on(side)
        if where is not None and step.wanted(settings):
            module, _, name = where.partition(":")
            found = importlib.import_module(f"appliance.stages.{module}")
            yield getattr(found, name.partition(".")[0])
