"""The appliance with its frames on the emulated GPU: one thread, reloads, faults, shutdown.

A fault must never show the room; a CUDA error must end the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from appliance.cli import main as cli
from appliance.config.settings import MattingSettings, Settings
from appliance.cuda.context import GpuError
from appliance.daemon import apply
from appliance.daemon import daemon as daemon_module
from appliance.daemon.daemon import Daemon
from appliance.errors import MatteboxError, ModelError
from appliance.networks.choose import load_matting
from appliance.networks.on_gpu import OnGpu
from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from appliance.tools import snapshot
from tests.daemon.test_apply import but
from tests.daemons import Recorder, running
from tests.kernels import driver
from tests.kernels.gpus import Breakable, emulated, fresh
from tests.networks.bright import bright_network

_MOST = 0.002
"""Share of a frame: the disc's antialiased rim may hold some of the room's red."""


@pytest.fixture
def log() -> driver.Log:
    """The driver calls."""
    return fresh()


@contextmanager
def on_gpu(
    monkeypatch: pytest.MonkeyPatch, network: Path, chosen: OnGpu | None = None, **settings: Any
) -> Iterator[tuple[Daemon, Recorder]]:
    """A daemon on the emulated GPU."""
    asked = {"matting": {"stall_s": 0.3, **settings.pop("matting", {})}, **settings}
    with running(monkeypatch, network, chosen=chosen or emulated(network), **asked) as parts:
        yield parts[:2]


def until(what: Callable[[], bool], timeout: float = 20.0) -> None:
    """Wait, with a deadline."""
    moment = threading.Event()
    for _ in range(round(timeout / 0.02)):
        if what():
            return
        moment.wait(0.02)
    pytest.fail(f"not within {timeout} s")


def ended(daemon: Daemon) -> MatteboxError | None:
    """The error that ends the process, if any."""
    try:
        daemon.ended()
    except MatteboxError as error:
        return error
    return None


def test_one_thread_from_start_to_end(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path
) -> None:
    with (
        structlog.testing.capture_logs() as said,
        on_gpu(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder),
    ):
        assert isinstance(daemon.pipeline, GpuPipeline)
        recorder.wait_for("composite", 10)
        worker = daemon.worker._thread.ident
        assert log.depth == 1
        allocations = log.allocations
        recorder.wait_for("composite", 10)
        assert log.allocations == allocations
    assert log.threads == {worker}
    assert (log.depth, log.alive) == (0, 0), "all was given back, the context last"
    (line,) = [line for line in said if line["event"] == "frames stay on the GPU"]
    assert line["network"] == "bright on tensorrt 10.3.0, fp16, sm87; frames on an emulated GPU"
    assert max(s.room for s in recorder.seen) <= _MOST


def test_every_section_can_change(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path, tmp_path: Path
) -> None:
    """Also the network: to another engine, to the CPU, and back to the GPU, in one thread."""
    other = bright_network(tmp_path / "other", width=80, height=48)
    networks: dict[str, Any] = {
        "other": emulated(other), "bright": emulated(network),
        "cpu": load_matting(MattingSettings(model=str(network), runtime="onnxruntime", threads=1)),
    }  # fmt: skip
    monkeypatch.setattr(apply, "choose_network", lambda settings: networks[settings.model])
    with on_gpu(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder):
        recorder.wait_for("composite", 3)
        for change, kind in (
            ({"clean": {"grow": 2}, "steady": {"strength": 0.5}, "roi": {"margin": 0.3}}, None),
            ({"refine": {"radius": 2}, "edge": {"choke": 2.0}}, GpuPipeline),
            ({"background": {"uri": "colour:#7a7a7a"}}, GpuPipeline),
            ({"background": {"uri": "colour:#787878"}, "matting": {"model": "other"}}, GpuPipeline),
            ({"source": {"loop": True, "latency_ms": 300}}, GpuPipeline),
            ({"matting": {"model": "cpu"}}, Pipeline),
            ({"matting": {"model": "bright"}, "edge": {"softness": 2.0}}, GpuPipeline),
            ({"outputs": ({"uri": "null://recorder", "bitrate_kbps": 500},)}, GpuPipeline),
        ):  # fmt: skip
            daemon.apply(but(daemon, **change))
            recorder.wait_for("composite", 3)
            assert kind is None or isinstance(daemon.pipeline, kind)
            assert log.depth == (kind is not Pipeline)
        worker = daemon.worker._thread.ident
        assert ended(daemon) is None
    assert log.threads == {worker}
    assert (log.depth, log.alive) == (0, 0)
    assert max(s.room for s in recorder.seen) <= _MOST


def test_a_network_that_cannot_be_loaded_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path, tmp_path: Path
) -> None:
    bad = emulated(bright_network(tmp_path / "bad"), data=b"not a plan")
    monkeypatch.setattr(apply, "choose_network", lambda settings: bad)
    source = {"uri": str(room)}
    with on_gpu(monkeypatch, network, source=source) as (daemon, recorder):
        recorder.wait_for("composite", 3)
        before = daemon.settings, daemon.pipeline, log.alive
        with pytest.raises(apply.NotApplied, match="refuses it"):
            daemon.apply(but(daemon, matting={"model": "bad", "runtime": "tensorrt"}))
        assert (daemon.settings, daemon.pipeline, log.alive) == before
        recorder.wait_for("composite", 3)
        # Everything is loaded, then something else fails: what was loaded is released.
        monkeypatch.setattr(apply, "choose_network", lambda settings: emulated(network))
        with pytest.raises(MatteboxError, match=r"nowhere\.mp4"):
            daemon.apply(
                but(daemon, matting={"model": "x"}, source={"uri": str(tmp_path / "nowhere.mp4")})
            )
        recorder.wait_for("composite", 3)
        until(lambda: log.alive == before[2])
        worker = daemon.worker._thread.ident
    assert log.threads == {worker}


@pytest.mark.parametrize(
    "call", ["composite", "memcpy_htod_async", "Event.synchronize", "cuGraphLaunch"]
)
def test_a_cuda_error_ends_it(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path, call: str
) -> None:
    """At a launch, copy, wait or graph: no more composites, a clean end, never the room."""
    library = driver.Library(refuses=call != "cuGraphLaunch")
    chosen = emulated(network, library=library)
    shown = "background" if call == "composite" else "slate"
    settings = {"source": {"uri": str(room)}, "canvas": {"placeholder": shown}}
    with on_gpu(monkeypatch, network, chosen, **settings) as (daemon, recorder):
        recorder.wait_for("composite", 3)
        log.fail_at = call
        until(lambda: daemon.worker.error is not None)
        made = daemon.worker.processed
        recorder.wait_for(shown, 3)
        assert recorder.seen[-1].kind == shown
        assert daemon.worker.processed == made
        error = ended(daemon)
        assert isinstance(error, MatteboxError)
        assert isinstance(daemon.worker.error, GpuError)
        assert "CUDA failed" in str(error)
        assert "mattebox ends" in str(error)
    assert log.depth == 0
    assert max(s.room for s in recorder.seen) <= _MOST


def test_the_process_ends_with_1_and_says_why(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(daemon_module, "choose_network", lambda _: emulated(network))
    log.fail_at = "components_fold"
    code = cli.main(
        ["run", "--source", str(room), "--output", "null://", "--background", "colour:#787878",
         "--model", str(network), "--set", "http.enabled=false", "--duration", "30"]
    )  # fmt: skip
    said = capsys.readouterr().err
    assert code == 1
    assert "CUDA failed while launching components_fold" in said
    assert "an illegal memory access was encountered" in said
    assert "look at dmesg for Xid" in said


def test_a_gpu_that_hangs_ends_it(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path
) -> None:
    monkeypatch.setattr(daemon_module, "HANG_S", 0.5)
    with on_gpu(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder):
        recorder.wait_for("composite", 3)
        log.hangs = threading.Event()
        try:
            recorder.wait_for("slate", 2)
            until(lambda: ended(daemon) is not None)
            assert "has not answered for 0.5 s" in str(ended(daemon))
        finally:
            log.hangs.set()
    assert max(s.room for s in recorder.seen) <= _MOST


@pytest.mark.parametrize("how", ["throws", "nan", "ones"])
def test_a_bad_matte_shows_the_placeholder(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path, how: str
) -> None:
    broken: list[Breakable] = []

    def made(inner: Any) -> Breakable:
        broken.append(Breakable(inner))
        return broken[0]

    chosen = emulated(network, made=made)
    with on_gpu(monkeypatch, network, chosen, source={"uri": str(room)}) as (daemon, recorder):
        recorder.wait_for("composite", 3)
        broken[0].broken = how
        recorder.wait_for("slate", 3)
        start = len(recorder.seen)
        recorder.wait_for("slate", 3)
        assert all(s.kind == "slate" for s in recorder.seen[start:])
        assert ended(daemon) is None, "a network that fails is not a GPU that is lost"
        broken[0].broken = None
        recorder.wait_for("composite", 3)
    assert max(s.room for s in recorder.seen) <= _MOST


@pytest.mark.parametrize("runtime", ["auto", "tensorrt"])
def test_an_engine_that_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path, runtime: str
) -> None:
    bad = emulated(network, data=b"not a plan")
    settings = {
        "source": {"uri": str(room)},
        "matting": {"model": str(network), "runtime": runtime, "threads": 1},
    }
    with structlog.testing.capture_logs() as said:
        if runtime == "tensorrt":
            with (
                pytest.raises(ModelError, match=r"matting\.runtime is tensorrt: .* refuses it"),
                on_gpu(monkeypatch, network, bad, **settings),
            ):
                pytest.fail("it started")
        else:
            with on_gpu(monkeypatch, network, bad, **settings) as (daemon, recorder):
                assert isinstance(daemon.pipeline, Pipeline)
                recorder.wait_for("composite", 3)
            events = [line["event"] for line in said]
            assert "matting.runtime auto: ONNX Runtime" in events
            assert "frames stay on the CPU" in events
    assert (log.depth, log.alive) == (0, 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "pipeline"]


def test_cuda_that_fails_at_the_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path
) -> None:
    """No reason to continue without the GPU: this process has lost its context."""
    log.fail_at = "pagelocked_empty"
    with (
        pytest.raises(GpuError, match="pagelocked_empty failed"),
        on_gpu(monkeypatch, network, source={"uri": str(room)}),
    ):
        pytest.fail("it started")
    assert (log.depth, log.alive) == (0, 0)


def test_a_snapshot_is_made_there_too(
    monkeypatch: pytest.MonkeyPatch, log: driver.Log, network: Path, room: Path
) -> None:
    monkeypatch.setattr(snapshot, "choose_network", lambda _: emulated(network))
    settings = Settings.model_validate(
        {"source": {"uri": str(room)}, "background": {"uri": "colour:#787878"}}
    )
    picture, matte, composite = snapshot.take(settings, 3)
    assert picture.shape == matte.shape == composite.shape == (180, 320, 3)
    assert matte.max() == 255
    assert matte[4, 4, 0] == 0
    assert abs(int(composite[4, 4, 1]) - 120) <= 2
    assert "composite" in log.launches
    assert log.depth == 0
