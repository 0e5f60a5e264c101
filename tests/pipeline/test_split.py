"""People far apart: the network's input is divided between them, on both paths alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import U8, Format, Frame, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels.gpus import emulated, fresh
from tests.networks.bright import bright_network
from tests.scenes import FULL, PERSON, Stage, disc

WIDTH, HEIGHT, RADIUS = 320, 180, 14
FORMAT = Format(WIDTH, HEIGHT, (30, 1), FULL)
APART = (30.0, 290.0)


def scene(*people: float, serial: int = 0) -> Frame:
    """Discs at these columns."""
    frame = disc(WIDTH, HEIGHT, people[0], 100, RADIUS, serial=serial)
    for x in people[1:]:
        other = disc(WIDTH, HEIGHT, x, 100, RADIUS)
        there = other.y != other.y[0, 0]
        frame.y[there] = other.y[there]
    grey = cv2.resize(frame.y, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    frame.uv[grey > int(frame.y[0, 0]) + 9] = 128
    return frame


def truth(*people: float) -> U8:
    matte = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x in people:
        cv2.circle(matte, (round(x), 100), RADIUS, 255, -1)
    return matte


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return bright_network(tmp_path)


def on_cpu(network: Path, **settings: Any) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    return Pipeline(Settings.model_validate(settings), FORMAT, matting, Stage(WIDTH, HEIGHT))


@pytest.fixture
def on_gpu(network: Path) -> Iterator[GpuPipeline]:
    fresh()
    pipeline = GpuPipeline(Settings(), FORMAT, emulated(network), Stage(WIDTH, HEIGHT))
    yield pipeline
    pipeline.close()


def run(pipeline: Pipeline | GpuPipeline, frame: Frame) -> tuple[Frame, U8, int]:
    """The composite, the matte, and how many people were kept."""
    out, matte = blank(WIDTH, HEIGHT, FULL), np.zeros((HEIGHT, WIDTH), np.uint8)
    outcome = pipeline.process(frame, out, matte)
    return out, matte, outcome.people


def error(matte: U8, *people: float) -> float:
    return float(np.abs(matte.astype(float) - truth(*people)).mean())


def test_each_is_seen_more_closely(network: Path) -> None:
    """Most of the wide region's input was the room between them."""
    bright = {}
    for split in (True, False):
        matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
        settings = Settings.model_validate({"roi": {"split": split}})
        pipeline = Pipeline(settings, FORMAT, matting, Stage(WIDTH, HEIGHT))
        for serial in range(12):
            _, matte, people = run(pipeline, scene(*APART, serial=serial))
        assert people == 2
        assert len(pipeline._common.apart) == (2 if split else 0)
        assert error(matte, *APART) < 2
        bright[split] = float((matting.input[1] > 0.8 * matting.input[1].max()).mean())
    assert bright[True] > 3 * bright[False]


def test_both_paths_alike(network: Path, on_gpu: GpuPipeline) -> None:
    """Apart from the third frame on, walking towards each other, together at the end."""
    cpu, rois = on_cpu(network), set()
    for serial in range(54):
        near = 3 * max(0, serial - 8)
        frame = scene(APART[0] + near, APART[1] - near, serial=serial)
        (got, matte, people), (want, wanted, count) = run(on_gpu, frame), run(cpu, frame)
        assert on_gpu._common.apart == cpu._common.apart
        assert people == count
        assert np.abs(got.y.astype(int) - want.y).max() <= 2
        assert np.abs(matte.astype(int) - wanted).max() <= 3
        rois.add(cpu._common.apart)
    assert len(rois) > 3, "the parts moved with the people"
    assert cpu._common.apart == ()


@pytest.mark.parametrize("path", ["cpu", "gpu"])
def test_somebody_who_stands_between_them_is_found(
    network: Path, on_gpu: GpuPipeline, path: str
) -> None:
    """The parts do not show the gap; an occasional look at the whole frame does."""
    pipeline = on_cpu(network) if path == "cpu" else on_gpu
    for serial in range(20):
        run(pipeline, scene(*APART, serial=serial))
    assert len(pipeline._common.apart) == 2
    people = [run(pipeline, scene(*APART, 160.0, serial=serial))[2] for serial in range(20, 110)]
    assert 3 in people, "not within three seconds"
    assert people[-10:] == [3] * 10


def test_a_cut_ends_it(network: Path) -> None:
    pipeline = on_cpu(network)
    for serial in range(10):
        run(pipeline, scene(*APART, serial=serial))
    assert pipeline._common.apart
    pipeline.reset()
    assert pipeline._common.apart == ()
    out, _, people = run(pipeline, scene(200.0, serial=11))
    assert people == 1
    assert (np.abs(out.y.astype(int) - PERSON) < 6).any()
