"""Real builds, without a GPU: every target, atomic replacement, limits, interruptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from appliance.errors import BuildError, MissingDependency, PlanError
from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.plans.flavour import Flavour, load_flavour
from appliance.networks.plans.sidecar import read_sidecar, sha256_of
from appliance.networks.plans.store import drafts, sidecars
from appliance.networks.plans.verify import Runner, find_plan, read_plan
from appliance.networks.tensorrt import TensorRTMatting
from appliance.tools.engine import build as building
from appliance.tools.engine import builder as builder_module
from appliance.tools.engine import gpu_gate
from appliance.tools.engine.build import BuildOptions, build_engine
from appliance.tools.engine.builder import Request
from appliance.tools.engine.child import run_builder
from appliance.tools.engine.gates import Precision
from tests.engines import GATE
from tests.networks import fake_tensorrt
from tests.networks.bright import bright_network
from tests.networks.fake_context import FakeContext

pytestmark = pytest.mark.usefixtures("data_here")

Network = tuple[Manifest, Path]


def quiet(*_: object) -> None:
    """Nobody is told."""


@pytest.fixture
def frames(tmp_path: Path, root: Path) -> Path:
    """A real picture to judge on."""
    skimage = pytest.importorskip("skimage", reason="scikit-image has the photograph")
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "astronaut.png").symlink_to(Path(skimage.__file__).parent / "data/astronaut.png")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Network:
    """A network that builds in no time."""
    return load_manifest(bright_network(tmp_path / "bright"))


def make(network: Network, frames: Path, **wish: Any) -> Path:
    pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")
    return build_engine(
        *network,
        BuildOptions(**{"target": "sm86", "frames": frames, **wish}),
        tell=quiet,
        progress=quiet,
    )


@pytest.mark.parametrize("target", ["sm75", "sm86", "sm89", "sm120"])
def test_the_shipped_network_for_each_target(
    builder: str, portrait: Network, frames: Path, target: str
) -> None:
    manifest, model = portrait
    said: list[str] = []
    steps: list[tuple[str, int, int]] = []
    wish = BuildOptions(target=target, frames=frames)
    path = build_engine(
        manifest, model, wish, tell=said.append, progress=lambda *step: steps.append(step)
    )
    sidecar = read_sidecar(path)
    size = (manifest.input.height, manifest.input.width)
    assert (sidecar.flavour, sidecar.target, sidecar.precision) == (builder, target, "fp16")
    assert sidecar.onnx_sha256 == sha256_of(model)
    assert sidecar.gate.passed
    assert sidecar.gate.frames == 1
    assert [(t.name, t.shape, t.dtype) for t in (*sidecar.inputs, *sidecar.outputs)] == [
        ("image", (1, 3, *size), "float"), ("alpha", (1, 1, *size), "float"),
    ]  # fmt: skip
    plan = read_plan(path)
    assert plan.data[:4] == b"vtrt"
    assert len(plan.data) == sidecar.plan_bytes
    runner = Runner(builder, sidecar.version, target, sidecar.platform)
    assert find_plan(manifest, model, runner) == plan
    assert ("Building engine", 6, 6) in steps
    assert any("fp16 against fp32" in line for line in said)
    assert {p.suffix for p in path.parent.iterdir() if p.name != ".lock"} == {
        ".plan", ".json", ".cache",
    }  # fmt: skip


def test_a_new_plan_takes_the_old_ones_place(builder: str, small: Network, frames: Path) -> None:
    manifest, model = small
    first = read_plan(make(small, frames))
    second = read_plan(make(small, frames, precision="fp32"))
    third = read_plan(make(small, frames))
    assert second.data != first.data
    assert third.sidecar.plan_sha256 == first.sidecar.plan_sha256, "the builder is deterministic"
    assert {p.name for p in first.path.parent.glob("*.plan")} == {
        second.path.name, third.path.name,
    }  # fmt: skip
    assert len(sidecars(model, manifest.name)) == 2


@pytest.mark.parametrize("fails", ["gate", "builder", "late"])
def test_a_build_that_fails_leaves_the_old_plan(
    builder: str, small: Network, frames: Path, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(small, frames)
    before = read_plan(path)

    def crash(*_: object, **__: object) -> None:
        raise BuildError("crashed")

    if fails == "builder":
        monkeypatch.setattr(building, "run_builder", crash)
    elif fails == "late":
        monkeypatch.setattr(building, "commit", crash)
    else:
        bad = Precision((), GATE.model_copy(update={"finite": False}))
        monkeypatch.setattr(building, "choose_precision", lambda *_: bad)
    with pytest.raises(BuildError, match=r"crashed|does not pass its gate"):
        make(small, frames)
    assert read_plan(path) == before
    assert not list(path.parent.glob(".building-*"))


_KILLED = """
import signal
import sys
from pathlib import Path
from appliance.networks.plans import store
from appliance.tools.engine.build import BuildOptions, build_engine
from appliance.networks.manifest import load_manifest

at, manifest, frames = sys.argv[1:]
# A shell that runs the tests in the background has it ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

def here(name):
    if name == at:
        print("here", flush=True)
        sys.stdin.read()

def progress(phase, done, total):
    here("building")

def around(name, inner):
    def call(*arguments, **named):
        result = inner(*arguments, **named)
        here(name)
        return result
    return call

def write(sidecar, path, inner=store.write_sidecar):
    here("plan moved")
    inner(sidecar, path)
    here("sidecar written")

store.write_sidecar = write
wish = BuildOptions(target="sm86", precision="fp32", frames=Path(frames))
build_engine(*load_manifest(Path(manifest)), wish, tell=lambda _: None, progress=progress)
"""


@pytest.mark.parametrize("at", ["building", "plan moved", "sidecar written"])
def test_killed_at_any_point_there_is_a_whole_plan(
    builder: str, small: Network, frames: Path, root: Path, at: str
) -> None:
    """SIGKILL, which nothing can tidy up after; then the next build does."""
    _, model = small
    path = make(small, frames, precision="fp32")
    before = read_plan(path)
    # Another network: the build that is killed makes another plan, in the place of this one.
    small = load_manifest(bright_network(model.parent, width=128))
    command = [sys.executable, "-c", _KILLED, at, str(model.parent / "manifest.yaml")]
    child = subprocess.Popen(
        [*command, str(frames)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        grandchildren = children_of(child.pid)
    finally:
        child.kill()
        child.communicate(timeout=10)
    assert child.returncode == -signal.SIGKILL
    wait_until(lambda: not any(Path("/proc", str(pid)).exists() for pid in grandchildren))
    # Whole in any case: the old one, or, once its sidecar is in place, the new.
    assert (read_plan(path).data == before.data) is (at != "sidecar written")
    make(small, frames)
    assert not list(path.parent.glob(".building-*"))
    assert not list(path.parent.glob(".*.tmp"))


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def wait_until(done: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


class TestChild:
    """The process that builds, played by a few lines of Python."""

    def run(self, tmp_path: Path, code: str, **limits: Any) -> dict[str, Any]:
        prelude = (
            "import json, os, sys, time\n"
            "out = os.fdopen(int(sys.argv[2]), 'w', buffering=1)\n"
            "def send(**m): out.write(json.dumps(m) + '\\n')\n"
        )
        request = Request("model.onnx", "engine.plan", "timing.cache", "tensorrt", "", 64)
        return run_builder(
            request, tmp_path, **{"memory_mb": 500, "timeout": 20, **limits},
            progress=quiet, say=quiet, command=(sys.executable, "-c", prelude + code),
        )  # fmt: skip

    def test_tells_what_it_made(self, tmp_path: Path) -> None:
        code = "send(progress=['a', 1, 2]); send(say='x'); send(done={'inputs': []})"
        assert self.run(tmp_path, code) == {"inputs": []}

    def test_what_it_could_not_do(self, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match=r"^no such layer$"):
            self.run(tmp_path, "send(error='no such layer')")

    def test_a_crash_is_named(self, tmp_path: Path) -> None:
        code = "print('out of ideas', flush=True); os.abort()"
        with pytest.raises(BuildError, match=r"SIGABRT.*out of ideas.*old plan.*untouched"):
            self.run(tmp_path, code)

    def test_too_much_memory(self, tmp_path: Path) -> None:
        code = "x = bytearray(b'x' * (200 << 20)); time.sleep(30)"
        with pytest.raises(BuildError, match=r"took \d+ MB of memory, 100 are allowed.*--memory"):
            self.run(tmp_path, code, memory_mb=100)

    def test_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match=r"not done after 0\.5 s.*--timeout 1"):
            self.run(tmp_path, "time.sleep(30)", timeout=0.5)

    def test_it_has_ended_when_the_call_has(self, tmp_path: Path) -> None:
        pid_file = tmp_path / "pid"
        code = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        code += "send(progress='?'); time.sleep(30)"
        with pytest.raises((ValueError, TypeError)):
            self.run(tmp_path, code)
        assert not Path("/proc", pid_file.read_text()).exists()


class TestWords:
    """What is wrong, and what to do."""

    def test_no_gpu_and_no_target(self, builder: str, portrait: Network, frames: Path) -> None:
        if building.flavours.this_gpu() is not None:
            pytest.skip("there is a GPU here")
        with pytest.raises(BuildError, match=r"no GPU on this machine.*--for sm86 .*sm75.*sm120"):
            make(portrait, frames, target="")

    def test_a_target_it_does_not_know(self, builder: str, portrait: Network, frames: Path) -> None:
        with pytest.raises(BuildError, match="cannot build for sm30; it knows sm75"):
            make(portrait, frames, target="sm30")

    def test_tensorrt_builds_for_its_own_gpu_only(
        self, portrait: Network, frames: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake = Flavour("tensorrt", "10.3.0", fake_tensorrt)
        monkeypatch.setattr(building.flavours, "load_flavour", lambda _: fake)
        for gpu, words in (("sm87", "which is sm87, not sm86"), (None, "there is none here")):
            monkeypatch.setattr(building.flavours, "this_gpu", lambda gpu=gpu: gpu)
            with pytest.raises(BuildError, match=words):
                make(portrait, frames)

    def test_a_graph_that_tensorrt_cannot_take(
        self, builder: str, tmp_path: Path, frames: Path
    ) -> None:
        flavour = load_flavour(builder)
        bad = tmp_path / "bad.onnx"
        value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
        unknown = helper.make_graph(
            [helper.make_node("Frobnicate", ["x"], ["y"])], "g", value[:1], value[1:]
        )
        bad.write_bytes(helper.make_model(unknown).SerializeToString())
        request = Request(
            str(bad), str(tmp_path / "p"), str(tmp_path / "c"), flavour.name, "sm86", 64
        )
        with pytest.raises(BuildError, match="cannot take this graph: "):
            run_builder(
                request, tmp_path, memory_mb=4000, timeout=30, progress=quiet, say=quiet
            )  # fmt: skip


def test_the_engine_itself_is_gated_where_its_gpu_is(
    builder: str, tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_manifest(bright_network(tmp_path / "bright"))
    good = GATE.model_copy(update={"runner": "the GPU"})
    monkeypatch.setattr(building.flavours, "this_gpu", lambda: "sm86")
    monkeypatch.setattr(gpu_gate, "gate_on_gpu", lambda *_: good)
    path = make(network, frames, target="")
    assert read_sidecar(path).gpu_gate == good
    assert make(network, frames, target="sm89") != path
    bad = good.model_copy(update={"finite": False})
    monkeypatch.setattr(gpu_gate, "gate_on_gpu", lambda *_: bad)
    with pytest.raises(BuildError, match="does not pass its gate on the GPU"):
        make(network, frames, target="")
    assert read_sidecar(path).gpu_gate == good

    def no_pycuda(*_: object) -> None:
        raise MissingDependency("no pycuda")

    monkeypatch.setattr(gpu_gate, "gate_on_gpu", no_pycuda)
    assert read_sidecar(make(network, frames, target="")).gpu_gate is None


@pytest.mark.skipif(building.flavours.this_gpu() is not None, reason="with a GPU it would load")
def test_a_real_plan_is_read_as_far_as_a_machine_without_a_gpu_can(
    builder: str, portrait: Network, frames: Path
) -> None:
    """The real library takes our calls and our bytes, and its refusal becomes our sentence."""
    plan = read_plan(make(portrait, frames))
    said = r"refuses it: .*(CUDA|Cuda).*build it anew: mattebox engine build portrait"
    with pytest.raises(PlanError, match=said):
        TensorRTMatting(portrait[0], plan, load_flavour(builder), FakeContext)


class TimedConfig:
    """A builder's configuration that takes only timing caches of its own machine."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def create_timing_cache(self, content: bytes) -> bytes | None:
        return None if content == b"damaged" else content

    def set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.taken.append(cache)
        return cache != b"of another machine"


@pytest.mark.parametrize(
    ("content", "gpu", "used"),
    [
        (b"timings", "sm87", b"timings"),
        (b"timings", None, b""),  # nothing is timed without a GPU
        (b"damaged", "sm87", b""),
        (b"of another machine", "sm87", b""),
        (None, "sm87", b""),
    ],
)
def test_a_timing_cache_is_used_where_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, gpu: str | None,
    used: bytes,
) -> None:  # fmt: skip
    monkeypatch.setattr(builder_module, "this_gpu", lambda: gpu)
    path = tmp_path / "timing.cache"
    if content is not None:
        path.write_bytes(content)
    config = TimedConfig()
    assert builder_module._timing_cache(config, path) == used
    assert config.taken[-1] == used


def test_ctrl_c_ends_the_builder_and_leaves_the_old_plan(
    builder: str, small: Network, frames: Path, root: Path, write_plan: Any
) -> None:
    _, model = small
    path = write_plan(*small)
    before = read_plan(path)
    command = [sys.executable, "-c", _KILLED, "building", str(model.parent / "manifest.yaml")]
    child = subprocess.Popen(
        [*command, str(frames)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        grandchildren = children_of(child.pid)
        assert grandchildren
        child.send_signal(signal.SIGINT)
        _, error = child.communicate(timeout=20)
    finally:
        child.kill()
    assert b"KeyboardInterrupt" in error
    wait_until(lambda: not any(Path("/proc", str(pid)).exists() for pid in grandchildren))
    assert read_plan(path) == before
    assert not list(path.parent.glob(".building-*")), "and, unlike SIGKILL, it tidies up itself"


def test_int8_with_calibration_frames(builder: str, tmp_path: Path, frames: Path) -> None:
    """A network without convolutions stays as it is; what matters is that it builds and is held."""
    network = load_manifest(bright_network(tmp_path / "bright"))
    sidecar = read_sidecar(make(network, frames, precision="int8"))
    assert sidecar.precision == "int8"
    assert sidecar.gate.passed


def test_int8_of_the_shipped_network_is_held_against_the_gate(
    builder: str, portrait: Network, frames: Path
) -> None:
    with pytest.raises(BuildError, match="int8 does not pass its gate"):
        make(portrait, frames, precision="int8", limit=1e-6)
    sidecar = read_sidecar(make(portrait, frames, precision="int8", limit=0.5))
    assert sidecar.gate.mean > 0


def test_leftovers_of_the_dead_go_and_of_the_living_stay(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait(timeout=10)
    (tmp_path / f".building-{dead.pid}-x").mkdir()
    (tmp_path / f".building-{os.getpid()}-y").mkdir()
    with drafts(tmp_path) as draft:
        names = {p.name for p in tmp_path.iterdir()}
        assert names == {draft.name, f".building-{os.getpid()}-y"}
    assert not draft.exists()


def test_a_plan_that_was_changed_is_refused(builder: str, small: Network, frames: Path) -> None:
    path = make(small, frames)
    plan = read_plan(path)
    data = bytearray(plan.data)
    data[len(data) // 2] ^= 1
    plan.path.write_bytes(data)
    with pytest.raises(PlanError, match=r"executable code, so this one is refused; build it anew"):
        read_plan(path)
