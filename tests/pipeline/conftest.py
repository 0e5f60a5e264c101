"""Pipelines on the emulated GPU, small ones, for the tests beside this file."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.config.settings import Settings
from appliance.media.frame import Format
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels import driver
from tests.kernels.gpus import fresh
from tests.scenes import FULL, Stage

FORMAT = Format(160, 90, (30, 1), FULL)

Maker = Callable[..., GpuPipeline]


@pytest.fixture
def log() -> driver.Log:
    """The driver calls."""
    return fresh()


@pytest.fixture
def make(log: driver.Log) -> Iterator[Maker]:
    """Makes pipelines on the emulated GPU; everything must have been freed at the end."""
    made: list[GpuPipeline] = []

    def pipeline(
        network: OnGpu, background: Any = None, format: Format = FORMAT, **settings: Any
    ) -> GpuPipeline:
        behind = background or Stage(format.width, format.height)
        made.append(GpuPipeline(Settings.model_validate(settings), format, network, behind))
        return made[-1]

    yield pipeline
    for one in made:
        one.close()
        one.close()
    made.clear()
    gc.collect()
    assert (log.depth, log.alive) == (0, 0)
