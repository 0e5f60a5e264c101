"""The upright input on the emulated GPU: the same composites as on the CPU, through both inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from appliance.config.settings import Settings
from appliance.cuda.context import GpuError
from appliance.errors import ModelError
from appliance.media.frame import Format, Frame, blank
from appliance.networks.sizes import load_sizes
from appliance.pipeline.base import Outcome
from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels import driver
from tests.kernels.gpus import emulated
from tests.networks.bright import bright_network
from tests.pipeline.conftest import FORMAT, Maker
from tests.scenes import FULL, PERSON, Stage, flat

WIDTH, HEIGHT = FORMAT.width, FORMAT.height
STANDING, LYING = (16, 76), (110, 30)


def both(folder: Path, size: tuple[int, int] = (36, 64), **how: Any) -> Path:
    """The bright network at 64x36 and at another size, which its manifest calls upright."""
    bright_network(folder / "turned", width=size[0], height=size[1], **how,
                   manifest={"name": "turned"})  # fmt: skip
    return bright_network(folder / "bright", **how, manifest={"upright": "turned"})


def on_cpu(path: Path, format: Format = FORMAT, **settings: Any) -> Pipeline:
    behind = Stage(format.width, format.height)
    return Pipeline(Settings.model_validate(settings), format, load_sizes(path, 1), behind)


def lie_down_and_get_up(frames: int = 48, width: int = WIDTH, height: int = HEIGHT) -> list[Frame]:
    """A bar that stands, lies from a third on, and stands again from two thirds on; with noise."""
    rng = np.random.default_rng(0)
    made = []
    for k in range(frames):
        wide, high = LYING if frames // 3 <= k < 2 * frames // 3 else STANDING
        frame = flat(width, height, 40)
        x, y = width // 2, height // 2
        frame.y[y - high // 2 : y + high // 2, x - wide // 2 : x + wide // 2] = PERSON
        frame.y[:] = np.clip(frame.y + rng.normal(0, 1, frame.y.shape), 0, 255)
        moment = 1 + k * 33_333_333
        made.append(replace(frame, serial=k, pts=moment, captured=moment))
    return made


def run(pipeline: Pipeline | GpuPipeline, frame: Frame) -> tuple[Frame, Outcome]:
    out = blank(frame.width, frame.height, FULL)
    return out, pipeline.process(frame, out)


def apart(a: Frame, b: Frame) -> int:
    """The largest difference between two frames."""
    y = np.abs(a.y.astype(int) - b.y).max()
    return max(int(y), int(np.abs(a.uv.astype(int) - b.uv).max()))


@pytest.mark.parametrize(
    "how",
    [{}, {"recurrent": True}, {"layout": "NHWC"}, {"size": (40, 80)}, {"size": (20, 32)}],
    ids=["planes", "recurrent", "pixels", "larger", "smaller"],
)
def test_as_on_the_cpu(make: Maker, tmp_path: Path, how: dict[str, Any]) -> None:
    """From one input to the other and back, with looks at the whole frame between."""
    path = both(tmp_path, **how)
    settings = {"roi": {"rescan_s": 0.2}}
    gpu, cpu = make(emulated(path), **settings), on_cpu(path, **settings)
    shapes = []
    for frame in lie_down_and_get_up():
        (got, seen), (want, wanted) = run(gpu, frame), run(cpu, frame)
        assert (seen.roi, seen.people) == (wanted.roi, wanted.people), frame.serial
        assert apart(got, want) <= 1, frame.serial
        shapes.append(gpu._common.tracker.upright)
    changes = [k for k in range(1, 48) if shapes[k] != shapes[k - 1]]
    assert len(changes) == 2
    assert gpu._replay._graphs, "both were recorded as graphs"


def test_an_upright_frame(make: Maker, tmp_path: Path) -> None:
    """Looked at through the upright input alone: also where nobody is known yet, and as a whole."""
    path, format = both(tmp_path), Format(HEIGHT, WIDTH, (30, 1), FULL)
    settings = {"roi": {"rescan_s": 0.2}}
    gpu, cpu = make(emulated(path), format=format, **settings), on_cpu(path, format, **settings)
    usual = gpu._loaded.looks.usual
    for frame in lie_down_and_get_up(27, HEIGHT, WIDTH)[:9]:
        assert apart(run(gpu, frame)[0], run(cpu, frame)[0]) <= 1
    assert usual.input.inner == (), "the usual input was never filled"


def test_graphs_change_nothing(make: Maker, tmp_path: Path) -> None:
    path = both(tmp_path, recurrent=True)
    plain = make(emulated(path, library=driver.Library(refuses=True)))
    replayed = make(emulated(path))
    for k, frame in enumerate([*lie_down_and_get_up(48), *lie_down_and_get_up(48)[:12]]):
        if k == 48:
            for pipeline in (plain, replayed):
                pipeline.use_matting(pipeline.load(emulated(path)))
        got, want = run(replayed, frame)[0], run(plain, frame)[0]
        assert np.array_equal(got.y, want.y), k
        assert np.array_equal(got.uv, want.uv), k
    assert replayed._replay._graphs


def test_the_two_share_their_memory(make: Maker, log: driver.Log, tmp_path: Path) -> None:
    """Two inputs of as many pixels take no second grid, only what the engine itself takes."""
    alone = bright_network(tmp_path / "alone")
    make(emulated(alone))
    first = log.allocations
    make(emulated(both(tmp_path)))
    grids, engine = first, log.allocations - 2 * first
    assert 0 < engine < 6
    assert grids > 20


def test_an_upright_engine_that_cannot_be_used(make: Maker, tmp_path: Path) -> None:
    """The usual one serves for everything, and the log says so."""
    path = both(tmp_path)

    def load(context: Any) -> Any:
        raise ModelError("the engine refuses")

    whole = emulated(path)
    assert whole.upright is not None
    with structlog.testing.capture_logs() as said:
        gpu = make(replace(whole, upright=replace(whole.upright, load=load)))
    (told,) = [line for line in said if "upright" in line["event"]]
    assert (told["log_level"], told["why"]) == ("warning", "the engine refuses")
    alone = on_cpu(bright_network(tmp_path / "alone"))
    for frame in lie_down_and_get_up(9):
        assert apart(run(gpu, frame)[0], run(alone, frame)[0]) <= 1


def test_a_failure_at_the_start_leaves_nothing(log: driver.Log, tmp_path: Path) -> None:
    """Not even the usual engine, when it is the upright one that breaks the context."""
    whole = emulated(both(tmp_path))
    assert whole.upright is not None

    def load(context: Any) -> Any:
        log.fail_at = "mem_alloc"
        return whole.upright.load(context)  # type: ignore[union-attr]

    with pytest.raises(GpuError, match="mem_alloc failed"):
        GpuPipeline(
            Settings(), FORMAT, replace(whole, upright=replace(whole.upright, load=load)),
            Stage(WIDTH, HEIGHT),
        )  # fmt: skip
    assert (log.depth, log.alive) == (0, 0)
