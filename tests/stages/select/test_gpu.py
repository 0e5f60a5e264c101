"""The same on the emulated GPU: composites and mattes as the CPU's, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels.gpus import emulated, fresh
from tests.scenes import Stage
from tests.stages.select.conftest import FORMAT, Calls, loaded, scene, show, wanted


@pytest.fixture
def on_gpu(networks: Path, bright: Path) -> Iterator[Callable[..., GpuPipeline]]:
    """Makes a pipeline whose network of classes is loaded."""
    made: list[GpuPipeline] = []
    log = fresh()

    def make(keep: str = "person, chair", every: int = 5) -> GpuPipeline:
        stage = Stage(FORMAT.width, FORMAT.height)
        made.append(GpuPipeline(wanted(keep, every), FORMAT, emulated(bright), stage))
        loaded(made[-1])
        return made[-1]

    yield make
    for one in made:
        one.close()
    made.clear()
    assert log.depth == 0


@pytest.mark.parametrize("keep", ["person, chair", "chair", "cat", "person, cat"])
def test_as_on_the_cpu(
    on_gpu: Callable[..., GpuPipeline], on_cpu: Callable[..., Pipeline], keep: str
) -> None:
    one, other = on_gpu(keep), on_cpu(keep)
    for serial in range(12):
        # Somebody comes and goes, a cat comes, a cut, and again.
        frame = scene(
            serial, person=None if serial in (5, 6) else 180 + 4 * serial, cat=serial > 7,
            cut=serial == 9,
        )  # fmt: skip
        (want, matte), (got, same) = show(other, frame), show(one, frame)
        assert np.abs(matte.astype(int) - same).max() <= 3, serial
        assert np.abs(want.y.astype(int) - got.y).max() <= 3, serial
    assert one._common.tracker.roi == other._common.tracker.roi


def test_it_looks_as_often_as_on_the_cpu(on_gpu: Callable[..., GpuPipeline], calls: Calls) -> None:
    pipeline = on_gpu()
    for serial in range(10):
        show(pipeline, scene(serial))
    assert calls.count == 2
