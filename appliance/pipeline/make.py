"""The frame's path, on the CPU or on the GPU: what both are, which is made, how they are exchanged.

Everything here is to be called in the thread that runs the pipeline: a GPU belongs to the thread
that takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from appliance.background.base import Background
from appliance.config.settings import Settings
from appliance.errors import MissingDependency, ModelError
from appliance.media.frame import Format
from appliance.networks.base import Matting
from appliance.networks.choose import instead
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline

if TYPE_CHECKING:
    from appliance.pipeline.gpu import GpuPipeline

log = structlog.get_logger(__name__)


def make_pipeline(
    settings: Settings, format: Format, network: Matting | OnGpu, background: Background
) -> FramePipeline:
    """The pipeline for a network; which, and why, is logged.

    Raises ModelError when the network cannot be used, GpuError when CUDA fails.
    """
    if isinstance(network, OnGpu):
        try:
            pipeline: FramePipeline = _on_gpu(settings, format, network, background)
        except (MissingDependency, ModelError) as error:
            network = instead(settings.matting, error)
        else:
            log.info("frames stay on the GPU", network=pipeline.description)
            return pipeline
    pipeline = Pipeline(settings, format, network, background)
    log.info(
        "frames stay on the CPU", network=pipeline.description,
        why="the network is run by ONNX Runtime",
    )  # fmt: skip
    return pipeline


def _on_gpu(
    settings: Settings, format: Format, network: OnGpu, background: Background
) -> FramePipeline:
    from appliance.pipeline.gpu import GpuPipeline

    return GpuPipeline(settings, format, network, background)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Another network, ready beside the one that runs.

    Attributes:
        exchange: makes it the one that runs, between two frames; gives the pipeline from then on.
        discard: instead of that, lets go of it.
    """

    exchange: Callable[[], FramePipeline]
    discard: Callable[[], None]


def prepare(
    running: FramePipeline, settings: Settings, format: Format, network: Matting | OnGpu,
    background: Background,
) -> Prepared:  # fmt: skip
    """Load all that another network takes; until the exchange ``running`` goes on as it is.

    On the GPU this takes as long as the engine takes to load, and no frame is made meanwhile.

    Raises ModelError when the network cannot be used, GpuError when CUDA fails.
    """
    from appliance.pipeline.gpu import GpuPipeline

    if isinstance(running, GpuPipeline) and isinstance(network, OnGpu):
        try:
            return _beside(running, network)
        except (MissingDependency, ModelError) as error:
            network = instead(settings.matting, error)
    if isinstance(running, Pipeline) and not isinstance(network, OnGpu):
        return _in_place(running, network)
    other = make_pipeline(settings, format, network, background)

    def exchange() -> FramePipeline:
        running.close()
        return other

    return Prepared(exchange, other.close)


def _beside(running: GpuPipeline, network: OnGpu) -> Prepared:
    """Another engine on the same GPU."""
    loaded = running.load(network)

    def exchange() -> FramePipeline:
        running.use_matting(loaded)
        return running

    return Prepared(exchange, loaded.close)


def _in_place(running: Pipeline, network: Matting) -> Prepared:
    """Another network on the CPU."""

    def exchange() -> FramePipeline:
        running.use_matting(network)
        return running

    return Prepared(exchange, lambda: None)
