"""The path on the emulated GPU against the path on the CPU: same frames, same composites.

The trace is the host's driver calls per frame, as counted by the stand-in driver.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from appliance.background.blur import BlurBackground
from appliance.background.still import StillBackground
from appliance.config.settings import Settings
from appliance.cuda.context import GpuError
from appliance.errors import MattingError, ModelError
from appliance.media.borrowed import Borrowed
from appliance.media.canvas import BufferPool
from appliance.media.frame import Colour, Format, Frame, blank
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.sizes import load_sizes
from appliance.pipeline.base import Outcome
from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels import driver
from tests.kernels.alike import Apart, compare, frames_of
from tests.kernels.gpus import Breakable, emulated
from tests.kernels.memory import Memory
from tests.networks.bright import bright_network
from tests.pipeline.conftest import FORMAT, Maker
from tests.scenes import FULL, PERSON, ROOM, STAGE, Stage, disc, flat, leaked

WIDTH, HEIGHT = FORMAT.width, FORMAT.height


def on_cpu(path: Path, background: Any = None, **settings: Any) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(path), threads=1)
    behind = background or Stage(WIDTH, HEIGHT)
    return Pipeline(Settings.model_validate(settings), FORMAT, matting, behind)


def person(x: float = 80, serial: int = 0, radius: float = 16) -> Frame:
    return disc(WIDTH, HEIGHT, x, 45, radius, serial=serial)


def walk(frames: int, start: int = 4, end: int = 14) -> list[Frame]:
    """Somebody stands still, walks, stands still again; the sensor is noisy."""
    rng = np.random.default_rng(0)
    out = []
    for k in range(frames):
        frame = person(40 + 6 * min(max(0, k - start), end - start), k)
        frame.y[:] = np.clip(frame.y + rng.normal(0, 1, frame.y.shape), 0, 255)
        out.append(frame)
    return out


def run(pipeline: Pipeline | GpuPipeline, frame: Frame) -> tuple[Frame, Outcome]:
    out = blank(WIDTH, HEIGHT, FULL)
    return out, pipeline.process(frame, out)


def apart(a: Frame, b: Frame) -> int:
    """The largest difference between two frames."""
    y = np.abs(a.y.astype(int) - b.y).max()
    return max(int(y), int(np.abs(a.uv.astype(int) - b.uv).max()))


NETWORKS: dict[str, dict[str, Any]] = {
    "planes": {},
    "pixels": {"layout": "NHWC"},
    "softmax": {"channels": 2},
    "softmax of pixels": {"layout": "NHWC", "channels": 2},
    "recurrent": {"recurrent": True},
    "bgr": {"manifest": {"input": {"order": "BGR"}}},
}


@pytest.mark.parametrize("name", [*NETWORKS, "on a Jetson"])
def test_as_on_the_cpu(make: Maker, log: driver.Log, tmp_path: Path, name: str) -> None:
    """Whole frame, ROI, moving ROI, rescans: boxes and composites equal the CPU's."""
    log.integrated = name not in NETWORKS
    path = bright_network(tmp_path, **NETWORKS.get(name, {}))
    gpu, cpu = make(emulated(path), roi={"rescan_s": 0.2}), on_cpu(path, roi={"rescan_s": 0.2})
    rois = set()
    for frame in walk(16):
        (got, seen), (want, wanted) = run(gpu, frame), run(cpu, frame)
        assert (seen.roi, seen.people) == (wanted.roi, wanted.people)
        assert seen.box == pytest.approx(wanted.box) if wanted.box is None else True
        assert apart(got, want) <= 1
        rois.add(seen.roi)
    assert len(rois) > 3
    copies = log.calls["memcpy_htod_async"]
    if log.integrated:
        assert copies == 0
    else:
        assert 17 < copies <= 32, "16 frames, one background, who was there before if that changed"
    assert log.launches.count("components_choose") > 16, "it looked at the whole frame besides"


def test_a_passer_by_as_on_the_cpu(make: Maker, network: Path) -> None:
    """Half a disc at the edge, one that comes to stay, a cut: shown or not in the same frames."""
    often = {"rescan_s": 0.25}
    gpu, cpu = make(emulated(network), roi=often), on_cpu(network, roi=often)
    shown = []
    for k in range(60):
        frame = person(60, k)
        add = [(WIDTH + 4, 20)] if k < 20 else [(135, 60)]
        for x, y in add:
            other = disc(WIDTH, HEIGHT, x, y, 14)
            there = other.y > ROOM
            frame.y[there] = other.y[there]
            frame.uv[there[::2, ::2]] = 128
        if k == 56:
            frame = replace(frame, discontinuity=True)
        (got, seen), (want, wanted) = run(gpu, frame), run(cpu, frame)
        assert (seen.roi, seen.people) == (wanted.roi, wanted.people), k
        assert apart(got, want) <= 1, k
        shown.append(seen.people)
    # Rescans at first, later the ROI: half a second from one to another. A cut shows both at once.
    assert shown[:20] == [1] * 20
    assert shown[36:56].count(2) > 8
    assert shown[20:35] == [1] * 15
    assert shown[56:] == [2] * 4


def test_sigmoid(make: Maker, tmp_path: Path) -> None:
    """An activation that the network lacks is applied on the GPU."""
    path = bright_network(tmp_path, logits=True, manifest={"output": {"activation": "sigmoid"}})
    gpu, cpu = make(emulated(path)), on_cpu(path)
    for frame in walk(3):
        (got, seen), (want, _) = run(gpu, frame), run(cpu, frame)
        assert apart(got, want) <= 1
        assert seen.people == 1


def test_a_matte_that_shows_half_of_the_room_is_refused(make: Maker, tmp_path: Path) -> None:
    """A sigmoid of 0 is a half: of a network that has one already, everything is half visible."""
    path = bright_network(tmp_path, manifest={"output": {"activation": "sigmoid"}})
    for pipeline in (make(emulated(path)), on_cpu(path)):
        with pytest.raises(MattingError, match=r"100\.0 % of the picture"):
            run(pipeline, person())


def test_what_a_steady_frame_takes(make: Maker, log: driver.Log, network: Path) -> None:
    """No allocations, one wait, two graphs, one copy up and one down; over 20 frames."""
    pipeline = make(emulated(network), roi={"rescan_s": 60})
    out, frame = blank(WIDTH, HEIGHT, FULL), person()
    for _ in range(12):
        pipeline.process(frame, out)
    before, allocations, waits = Counter(log.calls), log.allocations, log.waits
    for _ in range(20):
        pipeline.process(frame, out)
    calls = log.calls - before
    assert log.allocations == allocations
    assert log.waits == waits + 20
    # Composite: wait. Upload: query for room, on the copy's and the work's events. Verdict: query
    # for arrival. Only the first of them blocks the host.
    assert calls == {
        "memcpy_htod_async": 20, "memcpy_dtoh_async": 20, "cuGraphLaunch": 40,
        "Event.record": 100, "Stream.wait_for_event": 60, "Event.query": 60,
        "Event.synchronize": 20,
    }  # fmt: skip


def test_what_a_frame_takes_without_graphs(make: Maker, log: driver.Log, network: Path) -> None:
    with structlog.testing.capture_logs() as said:
        pipeline = make(emulated(network, library=driver.Library(refuses=True)))
        out, frame = blank(WIDTH, HEIGHT, FULL), person()
        for _ in range(10):
            pipeline.process(frame, out)
    (told,) = [line for line in said if "no CUDA graph" in line["event"]]
    assert "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED" in told["why"]
    log.launches.clear()
    allocations, waits = log.allocations, log.waits
    for _ in range(4):
        pipeline.process(frame, out)
    assert (log.allocations, log.waits) == (allocations, waits + 4)
    assert len(log.launches) == 52
    assert abs(int(out.y[45, 80]) - PERSON) <= 1


def test_a_rescan_costs_no_wait(make: Maker, log: driver.Log, network: Path) -> None:
    pipeline = make(emulated(network), roi={"rescan_s": 0.1})
    out = blank(WIDTH, HEIGHT, FULL)
    for k in range(12):
        waits, runs = log.waits, log.launches.count("components_choose")
        pipeline.process(person(serial=k), out)
        assert log.waits == waits + 1
        looked = log.launches.count("components_choose") - runs
        assert looked == (2 if k % 3 == 0 and k else 1), k


def test_graphs_change_nothing(make: Maker, network: Path) -> None:
    """ROI, cuts, settings, backgrounds, networks change: with and without graphs, bit for bit."""
    plain = emulated(network, library=driver.Library(refuses=True))
    pipelines = make(emulated(network)), make(plain)
    stages = [Stage(WIDTH, HEIGHT), Stage(WIDTH, HEIGHT)]
    stages[1].picture = flat(WIDTH, HEIGHT, 200)
    for k, frame in enumerate(walk(54, 24, 28)):
        if k == 20:
            frame = replace(frame, discontinuity=True)
        for pipeline in pipelines:
            if k in (12, 14):
                pipeline.use_background(stages[k == 12])
            if k in (32, 34):
                changed = {"refine": {"enabled": k == 34}, "clean": {"grow": 2 if k == 32 else 4}}
                pipeline.configure(Settings.model_validate(changed))
            if k == 44:
                again = emulated(network) if pipeline is pipelines[0] else plain
                pipeline.use_matting(pipeline.load(again))
        got, want = (run(pipeline, frame)[0] for pipeline in pipelines)
        assert np.array_equal(got.y, want.y), k
        assert np.array_equal(got.uv, want.uv), k
    assert pipelines[0]._replay._graphs
    assert not pipelines[1]._replay._graphs


def test_a_rate_that_changes(make: Maker, network: Path) -> None:
    """The last matte counts for less at a low rate, in graphs too: as on the CPU at each rate."""
    settings = {"roi": {"enabled": False}, "steady": {"motion_low": 254, "motion_high": 255}}
    gpu = make(emulated(network), **settings)
    cpu, usual = (on_cpu(network, **settings) for _ in range(2))
    time, others = 0, 0
    for k, frame in enumerate(walk(36, 4, 32)):
        time += (100 if 12 <= k < 24 else 33) * 1_000_000
        timed = replace(frame, pts=time)
        got, want = run(gpu, timed)[0], run(cpu, timed)[0]
        assert apart(got, want) <= 1, k
        others += apart(run(usual, frame)[0], want) > 20
    assert gpu._replay._graphs
    assert 12 <= others < 30


def test_graphs_that_are_not_used_go(make: Maker, network: Path) -> None:
    library = driver.Library()
    pipeline = make(emulated(network, library=library), roi={"rescan_s": 60})
    pipeline._replay._MOST_GRAPHS = 3  # type: ignore[misc]
    most = 0
    for frame in walk(32, 12, 16):
        run(pipeline, frame)
        most = max(most, len(library.graphs))
    assert most == 3
    assert library.graphs
    pipeline.close()
    assert not library.graphs


@pytest.mark.parametrize("how", ["throws", "nan", "inf", "ones"])
def test_a_bad_matte_is_refused_and_recovered_from(make: Maker, network: Path, how: str) -> None:
    broken: list[Breakable] = []

    def made(inner: Any) -> Breakable:
        broken.append(Breakable(inner))
        return broken[0]

    pipeline = make(emulated(network, made=made))
    for k in range(3):
        run(pipeline, person(40, k))
    broken[0].broken = how
    for k in range(5):
        out, matte = blank(WIDTH, HEIGHT, FULL), np.zeros((HEIGHT, WIDTH), np.uint8)
        with pytest.raises(MattingError):
            pipeline.process(person(40, 3 + k), out, matte)
        assert leaked(out.y) == 0
    broken[0].broken = None
    out, outcome = run(pipeline, person(120, 9))
    assert outcome.roi == FORMAT.rect, "it starts over with the whole picture"
    assert abs(int(out.y[45, 120]) - PERSON) <= 1
    assert leaked(out.y) == 0


def test_the_matte_is_the_cpus(make: Maker, network: Path) -> None:
    gpu, cpu = make(emulated(network)), on_cpu(network)
    mattes = [np.full((HEIGHT, WIDTH), 77, np.uint8) for _ in range(2)]
    for frame in walk(6):
        for pipeline, matte in zip((gpu, cpu), mattes, strict=True):
            pipeline.process(frame, blank(WIDTH, HEIGHT, FULL), matte)
        assert np.abs(mattes[0].astype(int) - mattes[1]).max() <= 1
    assert mattes[0][45, 40] == 255


class Reel:
    """A video background with a new picture every second frame."""

    wants_frame = False

    def __init__(self) -> None:
        self._pictures = [flat(WIDTH, HEIGHT, luma) for luma in (STAGE, 150, 180)]
        self.asked = -1

    def frame(self, live: Frame) -> Frame:
        self.asked += 1
        return self._pictures[self.asked // 2 % 3]


def test_a_background_goes_up_when_it_changes(make: Maker, log: driver.Log, network: Path) -> None:
    everyone = {"keep": "all"}
    pipeline = make(emulated(network), Reel(), clean=everyone)
    want = on_cpu(network, Reel(), clean=everyone)
    for k in range(13):
        up = log.calls["memcpy_htod_async"]
        got, expected = run(pipeline, person(serial=k))[0], run(want, person(serial=k))[0]
        assert apart(got, expected) <= 1
        # The frame, plus the background whenever it changes.
        assert log.calls["memcpy_htod_async"] - up == 1 + (k % 2 == 0)


def test_the_scene_is_blurred_on_the_gpu(make: Maker, log: driver.Log, network: Path) -> None:
    gpu = make(emulated(network), BlurBackground(FORMAT, 0.05), clean={"keep": "all"})
    cpu = on_cpu(network, BlurBackground(FORMAT, 0.05))
    for frame in walk(10):
        got, want = run(gpu, frame)[0], run(cpu, frame)[0]
        assert np.abs(got.y.astype(int) - want.y).max() <= 2
    assert log.calls["memcpy_htod_async"] == 10
    assert "gauss_rows" in log.launches


def test_frames_that_lie_on_the_gpu_are_read_there(
    make: Maker, log: driver.Log, network: Path
) -> None:
    pipeline = make(emulated(network))
    memory = Memory(pipeline._context)
    frame = person()
    lent = Borrowed(until=2**63, surface=memory.picture(frame, 32).surface)
    elsewhere = replace(flat(WIDTH, HEIGHT, 60), owner=lent)
    up = log.calls["memcpy_htod_async"]
    out = blank(WIDTH, HEIGHT, FULL)
    pipeline.process(elsewhere, out)
    assert abs(int(out.y[45, 80]) - PERSON) <= 1, "the surface is what is looked at"
    assert log.calls["memcpy_htod_async"] == up + 1, "the background only"


@pytest.mark.parametrize("call", ["Stream", "mem_alloc", "pagelocked_empty", "memset_d8"])
def test_what_fails_at_the_start_leaves_nothing(log: driver.Log, network: Path, call: str) -> None:
    log.fail_at = call
    with pytest.raises(GpuError, match=f"{call} failed"):
        GpuPipeline(Settings(), FORMAT, emulated(network), Stage(WIDTH, HEIGHT))
    assert (log.depth, log.alive) == (0, 0)


def test_a_plan_that_is_none_leaves_nothing(log: driver.Log, network: Path) -> None:
    with pytest.raises(ModelError, match="refuses it"):
        GpuPipeline(Settings(), FORMAT, emulated(network, data=b"not a plan"), Stage(WIDTH, HEIGHT))
    assert (log.depth, log.alive) == (0, 0)


def test_a_network_that_does_not_run_leaves_nothing(log: driver.Log, network: Path) -> None:
    """It is run once before the first frame, so that compiling then holds up no picture."""

    def made(inner: Any) -> Breakable:
        one = Breakable(inner)
        one.broken = "throws"
        return one

    with pytest.raises(ModelError, match="its first run failed: it broke"):
        GpuPipeline(Settings(), FORMAT, emulated(network, made=made), Stage(WIDTH, HEIGHT))
    assert (log.depth, log.alive) == (0, 0)


def test_an_output_of_another_size_is_refused(log: driver.Log, tmp_path: Path) -> None:
    path = bright_network(tmp_path, channels=2, manifest={"output": {"channel": 2}})
    with pytest.raises(ModelError, match=r"its output is \(1, 2, 36, 64\).* a channel 2"):
        GpuPipeline(Settings(), FORMAT, emulated(path), Stage(WIDTH, HEIGHT))
    assert (log.depth, log.alive) == (0, 0)


@pytest.mark.shared
def test_real_frames_within_one_step(log: driver.Log, root: Path, shared: Path) -> None:
    """A clip of a person, with the shipped network; ``tests/gpu`` has the longer run."""
    path = root / "engines" / "portrait" / "manifest.yaml"
    clip = shared / "media" / "asl" / "please.mkv"
    behind = StillBackground(rgb_to_nv12(np.full((480, 640, 3), (40, 90, 60), np.uint8), Colour()))
    cpu = Pipeline(Settings(), Format(640, 480), load_sizes(path, 1), behind)
    gpu, found = GpuPipeline(Settings(), Format(640, 480), emulated(path), behind), Apart()
    try:
        compare(gpu, cpu, frames_of(clip, 6), found)
    finally:
        gpu.close()
    assert found.frames == found.people == 6
    assert found.worst <= 1, str(found)
    assert found.differ < found.samples / 1000, str(found)


@pytest.mark.parametrize("integrated", [False, True], ids=["card", "jetson"])
def test_composites_go_straight_into_canvases(
    make: Maker, log: driver.Log, network: Path, integrated: bool
) -> None:
    log.integrated = integrated
    gpu, cpu = make(emulated(network)), on_cpu(network)
    pool = BufferPool(FORMAT, 3)
    gpu.use_canvases(pool)
    gpu.use_canvases(pool)
    assert log.calls["cuMemHostRegister_v2"] == 3
    held = []
    for k, frame in enumerate(walk(9)):
        # Encoders hold canvases for a while, so different ones come and go.
        held = held[-(k % 3) :] if k % 3 else []
        out = pool.acquire()
        assert out is not None
        held.append(out)
        waits, down = log.waits, log.calls["memcpy_dtoh_async"]
        gpu.process(frame, out)
        assert log.waits == waits + 1
        # The composite, if it has to be fetched; the verdict is part of the launches.
        assert log.calls["memcpy_dtoh_async"] - down <= (1 if integrated else 2)
        assert apart(out, run(cpu, frame)[0]) <= 1
    # A frame that is not a canvas of the pool works too.
    assert apart(run(gpu, person(40, 10))[0], run(cpu, person(40, 10))[0]) <= 1
    out = held = None
    assert pool.available == 3, "nothing but the encoders holds a canvas"


def test_canvases_that_cannot_be_registered_are_copied_into(
    make: Maker, log: driver.Log, network: Path
) -> None:
    log.refuses_registration = True
    gpu, cpu, pool = make(emulated(network)), on_cpu(network), BufferPool(FORMAT, 2)
    with structlog.testing.capture_logs() as said:
        gpu.use_canvases(pool)
    assert "cuMemHostRegister_v2: CUDA_ERROR_NOT_SUPPORTED (801)" in said[0]["why"]
    out = pool.acquire()
    assert out is not None
    gpu.process(person(), out)
    assert apart(out, run(cpu, person())[0]) <= 1


class Unrecordable:
    """A network whose runtime refuses graph capture, as some engines do."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def launch(self) -> None:
        if driver.log.recording is not None:
            raise MattingError("bright: TensorRT did not run it: not permitted while capturing")
        self._network.launch()


def test_an_engine_that_cannot_be_recorded_is_run(
    make: Maker, log: driver.Log, network: Path
) -> None:
    """Discovered in the middle of a frame, which is made all the same."""
    with structlog.testing.capture_logs() as said:
        pipeline = make(emulated(network, made=Unrecordable))
        for k in range(12):
            out, outcome = run(pipeline, person(serial=k))
            assert outcome.people == 1
            assert abs(int(out.y[45, 80]) - PERSON) <= 1
    assert [line["why"] for line in said if "no CUDA graph" in line["event"]] == [
        "bright: TensorRT did not run it: not permitted while capturing"
    ]
    assert log.recording is None


@pytest.mark.parametrize(
    ("width", "height"), [(32, 32), (34, 400), (640, 34), (180, 320), (1080, 1920)]
)
def test_any_even_size(log: driver.Log, network: Path, width: int, height: int) -> None:
    format, behind = Format(width, height, (30, 1), FULL), Stage(width, height)
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    cpu = Pipeline(Settings(), format, matting, behind)
    gpu = GpuPipeline(Settings(), format, emulated(network), behind)
    try:
        for k in range(3):
            frame = disc(width, height, width / 2, height / 2, min(width, height) / 5, serial=k)
            got, want = (blank(width, height, FULL) for _ in range(2))
            assert gpu.process(frame, got).roi == cpu.process(frame, want).roi
            assert apart(got, want) <= 1
    finally:
        gpu.close()
