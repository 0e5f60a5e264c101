"""The shadow step on both sides: behind the person only, and not in their own room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from appliance.background.blur import BlurBackground
from appliance.media.frame import Frame
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker, log, make
from tests.stages.harmonise.test_gpu import Scene, apart, made, on_cpu

__all__ = ["log", "make"]

SHADOW: dict[str, Any] = {
    "harmonise": {"enabled": True, "strength": 0.0, "light_wrap": 0.0, "contact_shadow": 0.9}
}
# The disc: columns 56 to 104, rows 21 to 69.
PERSON, BELOW, FAR = np.s_[40:50, 75:85], np.s_[70:72, 76:84], np.s_[:, :20]


def test_what_is_behind_is_darker_near_the_person(make: Maker, network: Path) -> None:
    scene = Scene()
    before = scene.picture.y.copy()
    gpu = make(emulated(network), scene, stages=SHADOW)
    cpu, plain = on_cpu(network, scene, SHADOW), on_cpu(network, scene, {})
    for k in range(8):
        got, want, without = made(gpu, k), made(cpu, k), made(plain, k)
        assert apart(got, want) <= 3
    assert (scene.picture.y == before).all(), "the background's own picture was changed"
    for shaded in (got, want):
        assert (shaded.y[PERSON] == without.y[PERSON]).all()
        assert (shaded.y[FAR] == without.y[FAR]).all()
        assert shaded.y[BELOW].mean() < 0.85 * without.y[BELOW].mean()


def test_not_in_their_own_room(make: Maker, network: Path) -> None:
    def blurred() -> BlurBackground:
        return BlurBackground(FORMAT, 0.03)

    def frames(pipeline: Any) -> Frame:
        return [made(pipeline, k) for k in range(6)][-1]

    assert (
        apart(frames(on_cpu(network, blurred(), {})), frames(on_cpu(network, blurred(), SHADOW)))
        <= 1
    )
    gpu = [make(emulated(network), blurred(), stages=stages) for stages in ({}, SHADOW)]
    assert apart(*map(frames, gpu)) <= 1
