"""Things joined to the person, emulated, against ``cpu``."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour
from appliance.pixels import cpu
from appliance.pixels.gpu import Scratch, join_things
from tests.kernels.memory import Memory

ONE = np.ones(3, np.float32)
SHAPE = (37, 71)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("person", [False, True])
def test_joins_as_the_cpu_does(memory: Memory, half: bool, person: bool) -> None:
    rng = np.random.default_rng(5)
    raw = rng.uniform(-0.2, 1.2, SHAPE).astype(np.float16 if half else np.float32)
    alpha = np.clip(raw.astype(np.float32), 0, 1) * rng.integers(0, 2, SHAPE).astype(np.float32)
    things = rng.uniform(0, 1, SHAPE).astype(np.float32)
    scratch = Scratch(memory.context, *SHAPE, colour=Colour(), mean=ONE, scale=ONE)
    plane = memory.plane(alpha)
    seen = memory.raw(raw.astype(np.float32), pad=3, half=half)
    join_things(scratch, plane, seen, memory.plane(things), person=person)
    want = alpha.copy()
    cpu.join_things(want, raw.astype(np.float32), things, person=person)
    assert np.abs(want - alpha).max() > 0.5
    assert np.abs(memory.read(plane)[0] - want).max() < 1e-6
