"""TensorRT matting against a stand-in: the library's calls, our buffers, our threads."""

from __future__ import annotations

import gc
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import structlog

from appliance.config.settings import MattingSettings
from appliance.cuda.context import GpuError
from appliance.errors import MattingError, MissingDependency, ModelError, PlanError
from appliance.networks import tensorrt as module
from appliance.networks.choose import load_matting
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.plans import flavour as flavours
from appliance.networks.plans import here
from appliance.networks.plans.flavour import Flavour
from appliance.networks.plans.sidecar import Gate
from appliance.networks.plans.verify import Plan, read_plan
from appliance.networks.tensorrt import TensorRTMatting, load_tensorrt
from appliance.networks.tensorrt_device import DeviceNetwork
from appliance.tools.engine.frames import Pictures
from appliance.tools.engine.gpu_gate import gate_on_gpu
from tests.kernels import driver
from tests.networks import fake_tensorrt
from tests.networks.bright import HEIGHT, WIDTH, bright_network
from tests.networks.fake_context import FakeContext

pytestmark = pytest.mark.usefixtures("data_here")

FAKE = Flavour("tensorrt", "10.3.0", fake_tensorrt)


def plan_of(path: Path, write_plan: Any, **changes: object) -> Plan:
    manifest, model = load_manifest(path)
    return read_plan(write_plan(manifest, model, model.read_bytes(), **changes))


def matting_of(path: Path, write_plan: Any) -> TensorRTMatting:
    manifest, _ = load_manifest(path)
    return TensorRTMatting(manifest, plan_of(path, write_plan), FAKE, FakeContext)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", [1, 2])
def test_equals_onnx_runtime(tmp_path: Path, write_plan: Any, layout: str, channels: int) -> None:
    path = bright_network(tmp_path, layout=layout, channels=channels)
    reference = OnnxRuntimeMatting(*load_manifest(path), threads=1)
    matting = matting_of(path, write_plan)
    assert matting.input.shape == (3, HEIGHT, WIDTH)
    rng = np.random.default_rng(1)
    for _ in range(3):
        picture = rng.random((3, HEIGHT, WIDTH)).astype(np.float32)
        matting.input[:] = reference.input[:] = picture
        np.testing.assert_array_equal(matting.infer(), reference.infer())
    assert matting.description == "bright on tensorrt 10.3.0, fp16, sm87"


def test_recurrent_state_is_carried_set_aside_and_reset(tmp_path: Path, write_plan: Any) -> None:
    path = bright_network(tmp_path, recurrent=True)
    reference = OnnxRuntimeMatting(*load_manifest(path), threads=1)
    matting = matting_of(path, write_plan)
    rng = np.random.default_rng(2)
    for step, remember in enumerate((True, True, False, False, True, True, True)):
        if step == 5:
            matting.reset()
            reference.reset()
        picture = rng.random((3, HEIGHT, WIDTH)).astype(np.float32)
        matting.input[:] = reference.input[:] = picture
        expected = reference.infer(remember=remember)
        np.testing.assert_array_equal(matting.infer(remember=remember), expected)


def test_a_frame_allocates_nothing_and_waits_once(tmp_path: Path, write_plan: Any) -> None:
    matting = matting_of(bright_network(tmp_path, recurrent=True), write_plan)
    matting.infer()
    allocations, waits = driver.log.allocations, driver.log.waits
    for _ in range(5):
        matting.infer()
    assert driver.log.allocations == allocations
    assert driver.log.waits == waits + 5


def test_every_buffer_is_allocated_once(tmp_path: Path, write_plan: Any) -> None:
    path = bright_network(tmp_path, recurrent=True)
    manifest, _ = load_manifest(path)
    plan = plan_of(path, write_plan)
    before = driver.log.allocations
    DeviceNetwork(manifest, plan, FAKE, FakeContext())
    # The picture, the alpha; and for each state the one now, the next, and the one of a look aside.
    assert len(manifest.state) == 1
    assert driver.log.allocations - before == 2 + 3


def test_any_thread_may_call_and_the_context_is_given_back(tmp_path: Path, write_plan: Any) -> None:
    path = bright_network(tmp_path)
    contexts: list[FakeContext] = []

    def make_context() -> FakeContext:
        contexts.append(FakeContext())
        return contexts[0]

    manifest, _ = load_manifest(path)
    matting = TensorRTMatting(manifest, plan_of(path, write_plan), FAKE, make_context)
    matting.input[:] = 1
    found: list[float] = []

    def call(infer: Any) -> None:
        found.append(float(infer().min()))

    caller = threading.Thread(target=call, args=(matting.infer,))
    caller.start()
    caller.join(10)
    assert found == [1.0]
    owner = next(iter(matting._thread._threads))
    del matting, caller
    gc.collect()
    owner.join(10)
    assert not owner.is_alive()
    assert contexts[0]._closed


def test_what_tensorrt_refuses_is_said(tmp_path: Path, write_plan: Any) -> None:
    path = bright_network(tmp_path)
    manifest, model = load_manifest(path)
    broken = read_plan(write_plan(manifest, model, b"not a plan"))
    with pytest.raises(PlanError, match=r"refuses it: .*magicTag.*mattebox engine build bright"):
        TensorRTMatting(manifest, broken, FAKE, FakeContext)
    matting = matting_of(path, write_plan)
    matting._work.network._execution.refuses = True
    with pytest.raises(MattingError, match="bright: TensorRT did not run it: Error Code 3"):
        matting.infer()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": {"width": 96}}, r"'image' is \(1, 3, 36, 64\), the manifest .*96\)"),
        ({"output": {"name": "matte"}}, "'matte' is absent"),
        ({"state": [{"input": "r1", "output": "r1o", "shape": [1]}]}, "'r1' is absent"),
    ],
)  # fmt: skip
def test_tensors_that_are_not_the_manifests(
    tmp_path: Path, write_plan: Any, change: dict[str, Any], message: str
) -> None:
    path = bright_network(tmp_path, manifest=change)
    with pytest.raises(PlanError, match=message):
        matting_of(path, write_plan)


def test_a_cuda_error_is_final(
    tmp_path: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    matting = matting_of(bright_network(tmp_path), write_plan)

    def fails(*_: object) -> None:
        raise driver.LaunchError("cuMemcpyHtoDAsync failed: an illegal memory access")

    monkeypatch.setattr(matting._work._context.driver, "memcpy_htod_async", fails)
    with pytest.raises(GpuError, match=r"copying the frame to the GPU.*the process must"):
        matting.infer()


def test_a_gpu_that_hangs_has_a_deadline(
    tmp_path: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    matting = matting_of(bright_network(tmp_path), write_plan)
    release = threading.Event()
    monkeypatch.setattr(module, "_INFER_S", 0.05)
    monkeypatch.setattr(matting._work, "infer", lambda remember: release.wait(10))
    with pytest.raises(MattingError, match=r"did not answer within 0\.05 s"):
        matting.infer()
    release.set()


class TestRuntime:
    """``matting.runtime``: what is chosen, and why."""

    @pytest.fixture
    def machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Jetson with JetPack 6."""
        monkeypatch.setattr(here, "load_flavour", lambda: FAKE)
        monkeypatch.setattr(here, "this_gpu", lambda: "sm87")
        monkeypatch.setattr(here, "platform", lambda: "linux-aarch64")
        monkeypatch.setattr(load_tensorrt, "__defaults__", (FakeContext,))

    def test_auto_takes_a_plan_that_fits(
        self, tmp_path: Path, write_plan: Any, machine: None
    ) -> None:
        path = bright_network(tmp_path)
        plan_of(path, write_plan)
        with structlog.testing.capture_logs() as log:
            matting = load_matting(MattingSettings(model=str(path)))
        assert isinstance(matting, TensorRTMatting)
        assert log[0]["engine"] == "bright on tensorrt 10.3.0, fp16, sm87"

    def test_auto_says_why_it_did_not(self, tmp_path: Path, write_plan: Any, machine: None) -> None:
        path = bright_network(tmp_path)
        for changes, why in (
            (None, "has no TensorRT plan yet; build one: mattebox engine build bright"),
            ({"target": "sm72"}, "built for compute capability sm72, here is sm87"),
        ):
            if changes is not None:
                plan_of(path, write_plan, **changes)
            with structlog.testing.capture_logs() as log:
                matting = load_matting(MattingSettings(model=str(path)))
            assert isinstance(matting, OnnxRuntimeMatting)
            assert why in log[0]["why"]

    def test_asked_for_and_not_to_be_had(self, tmp_path: Path, machine: None) -> None:
        path = bright_network(tmp_path)
        with pytest.raises(ModelError, match=r"matting\.runtime is tensorrt: .*no TensorRT plan"):
            load_matting(MattingSettings(model=str(path), runtime="tensorrt"))

    def test_without_tensorrt(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(flavours, "installed", lambda: ())
        path = bright_network(tmp_path)
        with structlog.testing.capture_logs() as log:
            load_matting(MattingSettings(model=str(path)))
        assert "neither tensorrt nor tensorrt_rtx is installed" in log[0]["why"]

    def test_onnxruntime_does_not_look(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never() -> Flavour:
            raise AssertionError

        monkeypatch.setattr(here, "load_flavour", never)
        path = bright_network(tmp_path)
        load_matting(MattingSettings(model=str(path), runtime="onnxruntime"))

    def test_without_a_gpu(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(here, "load_flavour", lambda: FAKE)
        monkeypatch.setattr(here, "this_gpu", lambda: None)
        with pytest.raises(MissingDependency, match="no NVIDIA GPU answers"):
            load_tensorrt(*load_manifest(bright_network(tmp_path)))


class TestOnTheGpu:
    """The gate of the engine itself, run by the stand-in."""

    def gate(self, path: Path, plan: Plan) -> Gate:
        manifest, model = load_manifest(path)
        pictures = Pictures((np.full((36, 64, 3), 140, np.uint8),) * 2, "a test")
        return gate_on_gpu(onnx.load(model), manifest, plan, FAKE, pictures, 1 / 255, FakeContext)

    @pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
    def test_equal(self, tmp_path: Path, write_plan: Any, layout: str) -> None:
        path = bright_network(tmp_path, layout=layout, recurrent=True)
        gate = self.gate(path, plan_of(path, write_plan))
        assert gate.passed
        assert (gate.frames, gate.mean, gate.runner) == (2, 0.0, "tensorrt 10.3.0 on sm87")

    def test_another_graph_or_nan(self, tmp_path: Path, write_plan: Any) -> None:
        path = bright_network(tmp_path)
        manifest, model = load_manifest(path)
        for value, finite in ((2.0, True), (float("nan"), False)):
            other = onnx.load(model)
            for constant in other.graph.initializer:
                if constant.name == "gain":
                    constant.CopyFrom(
                        onnx.numpy_helper.from_array(np.float32(value), constant.name)
                    )
            data = other.SerializeToString()
            gate = self.gate(path, read_plan(write_plan(manifest, model, data)))
            assert not gate.passed
            assert gate.finite is finite
            assert gate.worst_pixel > 0.1


def test_the_fake_has_the_real_signatures(builder: str) -> None:
    """pybind11 writes each method's parameters into its docstring."""
    real = flavours.load_flavour(builder).module
    for owner, method in (
        ("Runtime", "deserialize_cuda_engine"), ("ICudaEngine", "get_tensor_name"),
        ("ICudaEngine", "get_tensor_mode"), ("ICudaEngine", "get_tensor_dtype"),
        ("ICudaEngine", "get_tensor_shape"), ("ICudaEngine", "create_execution_context"),
        ("IExecutionContext", "set_tensor_address"), ("IExecutionContext", "execute_async_v3"),
    ):  # fmt: skip
        text = getattr(getattr(real, owner), method).__doc__
        fake = getattr(getattr(fake_tensorrt, owner), method)
        ours = list(fake.__code__.co_varnames[1 : fake.__code__.co_argcount])
        # Of overloads, the one that our calls mean.
        forms = re.findall(rf"{method}\((.*?)\) ->", text)
        theirs = [re.findall(r"(\w+): ", form)[1:] for form in forms]
        assert any(names[: len(ours)] == ours for names in theirs), (method, ours, forms)
    assert isinstance(real.ICudaEngine.num_io_tensors, property)
    for name in ("INPUT", "OUTPUT"):
        assert hasattr(real.TensorIOMode, name)
    for name in ("ERROR", "WARNING"):
        assert hasattr(real.ILogger, name)
    assert real.float32 == real.DataType.FLOAT
