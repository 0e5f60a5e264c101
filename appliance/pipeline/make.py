"""Makes the pipeline, on the CPU or on the GPU, and exchanges its network while it runs.

Call everything here in the thread that runs the pipeline: a GPU belongs to the thread that claims
it.
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
from appliance.stages.kernels import prepare_kernels

if TYPE_CHECKING:
    from appliance.pipeline.gpu import GpuPipeline

log = structlog.get_logger(__name__)


def make_pipeline(
    settings: Settings, format: Format, network: Matting | OnGpu, background: Background
) -> FramePipeline:
    """The pipeline for a network; which one, and why, is logged.

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


def prepare_settings(running: FramePipeline, settings: Settings) -> None:
    """Have all that the running pipeline's steps need for other settings, before it gets them."""
    prepare_kernels("cpu" if isinstance(running, Pipeline) else "gpu", settings)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Another network, ready beside the running one.

    Attributes:
        exchange: puts it in place, between two frames; returns the pipeline to use from then on.
        discard: releases it instead.
    """

    exchange: Callable[[], FramePipeline]
    discard: Callable[[], None]


def prepare(
    running: FramePipeline, settings: Settings, format: Format, network: Matting | OnGpu,
    background: Background,
) -> Prepared:  # fmt: skip
    """Load everything that another network needs; until the exchange ``running`` is unchanged.

    On the GPU this takes as long as loading the engine does, and no frame is made meanwhile.

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
