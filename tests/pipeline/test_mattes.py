"""Mattes drawn by hand in the whole path, on both sides, also with nobody there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.media.frame import Frame, blank
from appliance.pipeline.base import FramePipeline
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.pipeline.test_layer import on_cpu
from tests.scenes import FULL, disc

W, H = FORMAT.width, FORMAT.height
KEEP = "0.75,0.5 1,0.5 1,1 0.75,1"
ROOM = "0,0 0.3,0 0.3,1 0,1"


def shown(pipeline: FramePipeline, frame: Frame) -> tuple[Frame, np.ndarray]:
    out, matte = blank(W, H, FULL), np.full((H, W), 7, np.uint8)
    pipeline.process(frame, out, matte)
    return out, matte


def person(k: int) -> Frame:
    return disc(W, H, 40 + 2 * k, 45, 20, serial=k)


def nobody(k: int) -> Frame:
    return disc(W, H, 40, 45, 0, serial=k)


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_room_and_keep(make: Maker, network: Path, side: str) -> None:
    def pipeline(**mattes: Any) -> FramePipeline:
        stages = {"mattes": {"enabled": True, "feather": 0.0, **mattes}}
        return make(emulated(network), stages=stages) if side == "gpu" else on_cpu(network, stages)

    plain, drawn = pipeline(), pipeline(room=ROOM, keep=KEEP)
    for k in range(3):
        frame = person(k)
        _, whole = shown(plain, frame)
        out, matte = shown(drawn, frame)
        assert whole[:, :48].any(), "the person reaches into the room's polygon"
        assert not matte[:, :48].any()
        assert (matte[48:88, 124:158] == 255).all()
        assert (out.y[48:88, 124:158] == frame.y[48:88, 124:158]).all()
        assert np.array_equal(matte[:, 52:118], whole[:, 52:118])
    # Nobody is left, and what is kept still shows, on this frame and on the next ones.
    for k in range(3, 6):
        frame = nobody(k)
        out, matte = shown(drawn, frame)
        assert (out.y[48:88, 124:158] == frame.y[48:88, 124:158]).all()
        assert not matte[:, :118].any()
