"""The appliance's own pipeline on the GPU: its trace, its graphs, real frames, the daemon."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("tests.gpu.there", reason="no pycuda or no driver", exc_type=ImportError)

from appliance.background.still import StillBackground
from appliance.config.settings import RoiSettings, Settings
from appliance.media.frame import Colour, Format, Frame, blank
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from appliance.pixels.cpu.picture import to_bgr
from appliance.tools.bench.gpu_frames import painted
from appliance.tools.bench.gpu_kernels import Sizes
from tests.gpu.device import EMULATED, make_context
from tests.gpu.networks import host_network, pair, tensorrt
from tests.kernels import driver
from tests.kernels.alike import Apart, clips, compare, difference, frames_of
from tests.pixels.frames import noise

FRAMES = int(os.environ.get("GPU_FRAMES", "500"))
OUT = os.environ.get("OUT", "")
SIZE = (320, 180) if EMULATED else (1920, 1080)
GRID = (64, 36) if EMULATED else Sizes().grid


def say(line: str) -> None:
    """For the table at the end of ``tests/gpu/run``."""
    print(line)
    if OUT:
        with Path(OUT, "pipeline.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def networks(root: Path) -> list[OnGpu]:
    """Those that do not wait themselves: a painted matte, and TensorRT where it can be had."""
    found = [painted(make_context, GRID)]
    if not EMULATED:
        chosen = tensorrt(root / "engines" / "portrait" / "manifest.yaml")
        found += [chosen] if isinstance(chosen, OnGpu) else []
    return found


def still(width: int, height: int) -> StillBackground:
    """A plain background."""
    picture = np.full((height, width, 3), (40, 90, 60), np.uint8)
    return StillBackground(rgb_to_nv12(picture, Colour()))


def test_what_a_steady_frame_takes(log: driver.Log, root: Path) -> None:
    """Zero allocations, and no wait but the one for the finished composite, over many frames."""
    width, height = SIZE
    frames = [noise(width, height, seed) for seed in range(4)]
    out = blank(width, height)
    count = 20 if EMULATED else 300
    settings = Settings(roi=RoiSettings(rescan_s=60))
    for network in networks(root):
        pipeline = GpuPipeline(settings, Format(width, height), network, still(width, height))
        try:
            for k in range(20):
                pipeline.process(frames[k % 4], out)
            before, allocations, waits = Counter(log.calls), log.allocations, log.waits
            for k in range(count):
                pipeline.process(frames[k % 4], out)
            calls = dict(log.calls - before)
            refused = pipeline.without_graphs(False)
            say(
                f"trace, {pipeline.description}: {count} frames, "
                f"{log.allocations - allocations} allocations, {log.waits - waits} waits, "
                f"{calls}; graphs: {refused or 'yes'}"
            )
            assert log.allocations == allocations
            # A frame that is finished before it is asked for costs no wait at all.
            assert log.waits - waits <= count
        finally:
            pipeline.close()


def test_graphs_change_nothing(log: driver.Log) -> None:
    """Replayed and launched one by one: bit for bit."""
    width, height = SIZE
    pipelines = []
    out = [blank(width, height), blank(width, height)]
    try:
        for k in range(2):
            network = painted(make_context, GRID)
            one = GpuPipeline(Settings(), Format(width, height), network, still(width, height))
            pipelines.append(one)
            one.without_graphs(k == 1)
            for seed in range(16):
                one.process(noise(width, height, seed), out[k])
            if k == 0:
                # Two contexts in one thread would get in each other's way.
                one.close()
        assert np.array_equal(out[0].y, out[1].y)
        assert np.array_equal(out[0].uv, out[1].uv)
    finally:
        for one in pipelines:
            one.close()


@pytest.mark.shared
@pytest.mark.timeout(900)
def test_real_frames(log: driver.Log, root: Path, shared: Path) -> None:
    """GPU and CPU composites of real frames, through the appliance's pipelines, within 1 of 255."""
    pytest.importorskip("onnxruntime", reason="no ONNX Runtime here")
    manifest = root / "engines" / "portrait" / "manifest.yaml"
    network, matting, what = pair(manifest)
    say(f"real frames by {what}")
    found, last = Apart(), list[Frame]()
    files = clips(shared / "media")
    for clip in files:
        wanted = min(FRAMES - found.frames, -(-FRAMES // len(files)) * 2)
        first = next(frames_of(clip, 1), None)
        if wanted <= 0 or first is None:
            continue
        format = Format(first.width, first.height)
        behind = still(first.width, first.height)
        gpu = GpuPipeline(Settings(), format, network, behind)
        try:
            cpu = Pipeline(Settings(), format, matting, behind)
            matting.reset()
            last = compare(gpu, cpu, frames_of(clip, wanted), found)
        finally:
            gpu.close()
    say(f"real frames: {found}")
    if OUT and last:
        frame, got, want = last
        for name, picture in (
            ("input", to_bgr(frame)), ("gpu", to_bgr(got)), ("cpu", to_bgr(want)),
            ("difference", difference(want, got)),
        ):  # fmt: skip
            cv2.imwrite(str(Path(OUT, f"{name}.png")), picture)
    assert found.frames == FRAMES
    assert found.people > FRAMES / 2
    assert found.worst <= 1, str(found)


def test_the_daemon(
    log: driver.Log, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The whole appliance with its frames on the GPU, from start to end."""
    for name in ("gi", "onnxruntime", "onnx"):
        pytest.importorskip(name, reason=f"no {name} here")
    from tests.daemons import running

    network, room = (request.getfixturevalue(name) for name in ("network", "room"))

    chosen, source = host_network(network), {"uri": str(room)}
    with running(monkeypatch, network, chosen=chosen, source=source) as (daemon, recorder, _):
        recorder.wait_for("composite", 30)
        say(f"daemon: {daemon.worker.processed} composites by {daemon.pipeline.description}")
        assert isinstance(daemon.pipeline, GpuPipeline)
    assert max(seen.room for seen in recorder.seen) <= 0.002
