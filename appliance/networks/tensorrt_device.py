"""A TensorRT engine over our own device buffers. Used from the thread that owns the GPU.

Not run on hardware yet: tested against a stand-in with the library's signatures, which runs the
same graph in ONNX Runtime over host memory posing as the device's.
"""

from __future__ import annotations

import math
from typing import Any

from appliance.cuda.context import Buffer, Context
from appliance.errors import MattingError, PlanError
from appliance.networks.manifest import Manifest
from appliance.networks.plans.flavour import Flavour
from appliance.networks.plans.verify import Plan, rebuild

_FLOAT = 4


class DeviceNetwork:
    """One engine, its execution context, and a buffer for each input and output, all FP32.

    Recurrent state stays on the device: each state has two buffers, and one frame's output becomes
    the next frame's input by swapping addresses, without a copy.
    """

    def __init__(self, manifest: Manifest, plan: Plan, flavour: Flavour, context: Context) -> None:
        """Load a verified plan, and allocate everything.

        Raises PlanError when TensorRT refuses it or its tensors do not match the manifest,
        GpuError when CUDA fails.
        """
        self.manifest, self._context = manifest, context
        self.description = describe(manifest, plan)
        self.recordable = True
        """Whether recording ``launch`` into a CUDA graph may be tried; some engines then refuse."""
        self._turns = 0
        self._kept: list[Buffer] = []
        trt = flavour.module
        self._said: list[str] = []
        self._runtime = trt.Runtime(_logger(trt, self._said))
        with context.guard("loading the engine"):
            self._engine = self._runtime.deserialize_cuda_engine(plan.data)
        if self._engine is None:
            raise PlanError(
                f"{plan.path}: {flavour.name} {flavour.version} refuses it: {self._reason()}; "
                f"build it anew: {rebuild(manifest.name, plan.sidecar)}"
            )
        shapes = self._shapes(trt, plan)
        with context.guard("making the execution context"):
            self._execution = self._engine.create_execution_context()
        if self._execution is None:
            raise PlanError(f"{plan.path}: no execution context for it: {self._reason()}")
        self.output_shape = shapes[manifest.output.name]
        self.input = self._allocate(manifest.input.shape)
        """Device memory of the picture input, FP32 in the manifest's layout."""
        self.output = self._allocate(self.output_shape)
        """Device memory of the raw output, FP32."""
        self._states = [(self._allocate(s.shape), self._allocate(s.shape)) for s in manifest.state]
        self._nothing = [self._allocate(s.shape) for s in manifest.state]
        """What a side pass is given in place of the state: zeros, never written."""
        self._address(manifest.input.name, self.input)
        self._address(manifest.output.name, self.output)
        for name in shapes.keys() - self._wanted(manifest).keys():
            # An output nobody asks for still needs somewhere to go.
            self._address(name, self._allocate(shapes[name]))
        self._bind_states()
        self.reset()

    @staticmethod
    def _wanted(manifest: Manifest) -> dict[str, tuple[int, ...] | None]:
        wanted: dict[str, tuple[int, ...] | None] = {manifest.output.name: None}
        wanted[manifest.input.name] = manifest.input.shape
        for state in manifest.state:
            wanted[state.input] = wanted[state.output] = state.shape
        return wanted

    def _shapes(self, trt: Any, plan: Plan) -> dict[str, tuple[int, ...]]:
        """The shapes of the engine's tensors by name, checked against the manifest."""
        engine = self._engine
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        shapes = {name: tuple(engine.get_tensor_shape(name)) for name in names}
        wanted = self._wanted(self.manifest)
        for name, shape in wanted.items():
            have = shapes.get(name)
            if have is None or (shape is not None and have != shape):
                raise PlanError(
                    f"{plan.path}: the engine's tensor {name!r} is {have or 'absent'}, the "
                    f"manifest says {shape or 'it is there'}; build it anew: "
                    f"{rebuild(self.manifest.name, plan.sidecar)}"
                )
        for name in names:
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            if is_input and name not in wanted:
                raise PlanError(f"{plan.path}: the manifest knows no input {name!r}")
            if engine.get_tensor_dtype(name) != trt.float32:
                raise PlanError(
                    f"{plan.path}: tensor {name!r} is {engine.get_tensor_dtype(name)}, expected "
                    f"float32; build it anew: {rebuild(self.manifest.name, plan.sidecar)}"
                )
        return shapes

    def _allocate(self, shape: tuple[int, ...]) -> Buffer:
        return self._context.alloc(math.prod(shape) * _FLOAT, zero=True)

    def _address(self, name: str, buffer: Buffer) -> None:
        if not self._execution.set_tensor_address(name, buffer.address):
            raise PlanError(
                f"{self.manifest.name}: TensorRT takes no buffer for {name!r}: {self._reason()}"
            )
        self._kept.append(buffer)

    def _bind_states(self) -> None:
        for spec, (now, following) in zip(self.manifest.state, self._states, strict=True):
            self._execution.set_tensor_address(spec.input, now.address)
            self._execution.set_tensor_address(spec.output, following.address)

    @property
    def phase(self) -> int:
        """Which of each state's two buffers is the input now: 0 or 1."""
        return self._turns & 1

    def enqueue(self, *, remember: bool = True) -> None:
        """``launch`` and ``advance``, or a side pass without state: see ``Matting.infer``."""
        if remember:
            self.launch()
            self.advance()
        else:
            self.launch_aside()

    def launch(self) -> None:
        """Run on ``input``, into ``output``, on the context's stream; returns at once.

        Allocates nothing and waits for nothing. Raises MattingError when TensorRT refuses, GpuError
        when CUDA fails.
        """
        with self._context.guard("running the network"):
            started = self._execution.execute_async_v3(self._context.stream.handle)
        if not started:
            raise MattingError(f"{self.manifest.name}: TensorRT did not run it: {self._reason()}")

    def launch_aside(self) -> None:
        """``launch`` from a zeroed recurrent state; the network's own is left as it was."""
        # The states it outputs go where the next ``launch`` writes its own anyway.
        for spec, nothing in zip(self.manifest.state, self._nothing, strict=True):
            self._execution.set_tensor_address(spec.input, nothing.address)
        self.launch()
        self._bind_states()

    def advance(self) -> None:
        """Make the state that ``launch`` produced the next one's input, by swapping addresses."""
        if self._states:
            self._turns += 1
            for index, (now, following) in enumerate(self._states):
                self._states[index] = (following, now)
            self._bind_states()

    def reset(self) -> None:
        """Zero the recurrent state, on the context's stream."""
        context = self._context
        with context.guard("resetting the network"):
            for now, _ in self._states:
                context.driver.memset_d8_async(now.address, 0, now.nbytes, context.stream)

    def close(self) -> None:
        """Release the engine, then the buffers. The context still belongs to its owner."""
        self._execution = self._engine = self._runtime = None
        self._states, self._nothing, self._kept = [], [], []

    def _reason(self) -> str:
        return self._said[-1] if self._said else "it gave no reason"


def describe(manifest: Manifest, plan: Plan) -> str:
    """What runs the network when it uses this plan, in words."""
    sidecar = plan.sidecar
    engine = f"{sidecar.flavour} {sidecar.version}, {sidecar.precision}, {sidecar.target}"
    return f"{manifest.name} on {engine}"


def _logger(trt: Any, said: list[str]) -> Any:
    class Logger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity <= trt.ILogger.ERROR:
                # The last few are enough to say why; an appliance runs for months.
                said[:] = [*said[-3:], " ".join(message.split())]

    return Logger()
