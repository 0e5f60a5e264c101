"""Frames between those of the source: the same on both sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.media.frame import Frame, blank
from appliance.pipeline.base import FramePipeline
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.pipeline.test_layer import on_cpu
from tests.scenes import FULL, STAGE, disc

PERIOD = 40_000_000


def frames(pipeline: FramePipeline) -> list[tuple[Frame, Frame, int | None]]:
    """Composites, what was made beside them, and for when."""
    made = []
    for k in range(6):
        out, also = (blank(FORMAT.width, FORMAT.height, FULL) for _ in range(2))
        frame = disc(FORMAT.width, FORMAT.height, 40 + 4 * k, 45, 16, serial=k)
        frame = replace(frame, pts=1 + k * PERIOD, discontinuity=k == 3)
        outcome = pipeline.process(frame, out, None, also)
        made.append((out, also, outcome.made_at))
    assert pipeline.resting == {}
    return made


@pytest.mark.parametrize(("mode", "part"), [("between", -0.5), ("ahead", 0.5)])
def test_both_sides(make: Maker, network: Path, mode: str, part: float) -> None:
    stages: dict[str, Any] = {"interpolate": {"enabled": True, "mode": mode}}
    sides = [frames(on_cpu(network, stages)), frames(make(emulated(network), stages=stages))]
    for found in sides:
        assert [made_at for _, _, made_at in found] == [
            None if k in (0, 3) else 1 + k * PERIOD + round(part * PERIOD) for k in range(6)
        ]
    for (out, also, made_at), (device_out, device_also, _) in zip(*sides, strict=True):
        assert np.abs(out.y.astype(int) - device_out.y).max() <= 2
        if made_at is not None:
            # The motion at the edge differs: the CPU's is the person's alone.
            off = np.abs(also.y.astype(int) - device_also.y)
            assert (off > 8).mean() < 0.03
            assert (device_also.y[:, :10] == STAGE).all()
            assert not np.array_equal(device_also.y, device_out.y)


def test_without_a_canvas_the_graph_is_another(make: Maker, network: Path) -> None:
    stages: dict[str, Any] = {"interpolate": {"enabled": True}}
    pipeline = make(emulated(network), stages=stages)
    for k in range(8):
        out, also = (blank(FORMAT.width, FORMAT.height, FULL) for _ in range(2))
        frame = replace(disc(FORMAT.width, FORMAT.height, 40, 45, 16, serial=k), pts=k * PERIOD)
        wanted = also if k % 3 else None
        made_at = pipeline.process(frame, out, None, wanted).made_at
        assert (made_at is None) == (k % 3 == 0)
        if made_at is not None:
            # Nobody moves: the same picture, but for what steadying changes.
            assert np.abs(also.y.astype(int) - out.y).max() <= 8
