"""Matting on the CPU by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from appliance.errors import MattingError, ModelError
from appliance.media.frame import F32
from appliance.networks.activation import activate
from appliance.networks.base import Matting
from appliance.networks.manifest import Manifest

# ONNX Runtime raises classes of its own C++ module, without a common base below Exception.
ORT_ERRORS: tuple[type[Exception], ...] = (
    *(
        error
        for error in vars(ort.capi.onnxruntime_pybind11_state).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
    RuntimeError,
    ValueError,
)


def choose_threads(cores: int | None = None) -> int:
    """Threads for the network: half the cores, 1 to 4.

    The other half decodes, composites and encodes at the same time; a portrait network is too
    small to gain from more than four.
    """
    cores = cores or len(os.sched_getaffinity(0))
    return max(1, min(4, cores // 2))


def open_session(model: Path, threads: int = 0) -> tuple[ort.InferenceSession, int]:
    """A session for the ONNX file, and the threads that it has.

    Raises ModelError when the file is not ONNX.
    """
    threads = threads or choose_threads()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning thread burns the core that the encoder needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    # Networks take turns, so that what one needs while it runs the next can use.
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        detail = " ".join(str(error).split())
        raise ModelError(f"{model}: ONNX Runtime cannot load it: {detail}") from error
    return session, threads


@cache
def _share_memory() -> None:
    """One heap for all networks, which grows by what is asked for, not by powers of two."""
    ort.create_and_register_allocator(
        ort.OrtMemoryInfo(
            "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
        ),
        ort.OrtArenaCfg({"max_mem": 0, "arena_extend_strategy": 1}),
    )


def run_session(
    session: ort.InferenceSession, name: str, outputs: Sequence[str], feeds: Mapping[str, F32],
    failure: type[Exception] = ModelError,
) -> list[F32]:  # fmt: skip
    """The outputs of one run of the network ``name``. Raises ``failure`` when it throws."""
    try:
        return list(session.run(outputs, feeds))
    except ORT_ERRORS as error:
        detail = " ".join(str(error).split())
        raise failure(f"{name}: ONNX Runtime failed: {detail}") from error


class OnnxRuntimeMatting:
    """A network in an ONNX Runtime session, checked against its manifest when it is loaded."""

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check.

        Raises ModelError when the file is not ONNX, or its inputs and outputs do not match the
        manifest.
        """
        self.manifest = manifest
        self.smaller: Matting | None = None
        self.upright: Matting | None = None
        self._session, threads = open_session(model, threads)
        check_graph(self._session, manifest, model)
        spec = manifest.input
        self._tensor = np.zeros(spec.shape, np.float32)
        planes = self._tensor[0] if spec.layout == "NCHW" else np.moveaxis(self._tensor[0], 2, 0)
        self._planes: F32 = planes
        self._nothing = {s.input: np.zeros(s.shape, np.float32) for s in manifest.state}
        self._state = dict(self._nothing)
        self._names = [manifest.output.name, *(s.output for s in manifest.state)]
        self.description = f"{manifest.name} on ONNX Runtime {ort.__version__}, {threads} thread(s)"

    @property
    def input(self) -> F32:
        """float32 (3, height, width) view of the input tensor."""
        return self._planes

    def infer(self, *, remember: bool = True) -> F32:
        """See ``Matting.infer``."""
        state = self._state if remember else self._nothing
        feeds = {self.manifest.input.name: self._tensor, **state}
        raw, *states = run_session(
            self._session, self.manifest.name, self._names, feeds, MattingError
        )
        if remember:
            for spec, value in zip(self.manifest.state, states, strict=True):
                self._state[spec.input] = value
        return activate(raw, self.manifest.output)

    def reset(self) -> None:
        """Zero the recurrent state."""
        self._state = dict(self._nothing)


def _describe(tensors: list[ort.NodeArg]) -> str:
    return ", ".join(f"{t.name} {t.type} {t.shape}" for t in tensors) or "none"


def check_graph(session: ort.InferenceSession, manifest: Manifest, model: Path) -> None:
    """Compare the graph with its manifest; raise ModelError where they differ."""
    check_inputs(session, manifest, model)
    shape = output_shapes(session, manifest, model)[manifest.output.name]
    spec = manifest.output
    if len(shape) != 4:
        raise ModelError(f"{model}: output {spec.name!r} has shape {shape}, expected 4 dimensions")
    rows, columns = shape[2:] if spec.layout == "NCHW" else shape[1:3]
    channels = shape[1] if spec.layout == "NCHW" else shape[3]
    for what, have, want in (
        ("height", rows, manifest.input.height),
        ("width", columns, manifest.input.width),
    ):
        if isinstance(have, int) and have != want:
            raise ModelError(
                f"{model}: output {spec.name!r} has {what} {have} in shape {shape} "
                f"({spec.layout}), expected the input's {want}"
            )
    if isinstance(channels, int) and spec.channel >= channels:
        raise ModelError(
            f"{model}: output {spec.name!r} has {channels} channel(s), the manifest asks for "
            f"channel {spec.channel} (counted from 0)"
        )


def check_inputs(session: ort.InferenceSession, manifest: Manifest, model: Path) -> None:
    """Hold the graph's inputs against its manifest; raises ModelError where they differ."""
    inputs = {t.name: t for t in session.get_inputs()}
    wanted: list[tuple[str, tuple[int, ...]]] = [(manifest.input.name, manifest.input.shape)]
    wanted += [(s.input, s.shape) for s in manifest.state]
    for name, shape in wanted:
        tensor = inputs.pop(name, None)
        if tensor is None:
            raise ModelError(
                f"{model}: no input {name!r}, which its manifest names; "
                f"it has: {_describe(session.get_inputs())}"
            )
        if tensor.type != "tensor(float)":
            raise ModelError(f"{model}: input {name!r} is {tensor.type}, expected tensor(float)")
        fits = len(tensor.shape) == len(shape) and all(
            not isinstance(have, int) or have == want
            for have, want in zip(tensor.shape, shape, strict=True)
        )
        if not fits:
            raise ModelError(
                f"{model}: input {name!r} has shape {tensor.shape}, its manifest says {list(shape)}"
            )
    if inputs:
        raise ModelError(
            f"{model}: input(s) {', '.join(sorted(inputs))} are not in the manifest; "
            "recurrent inputs go under state:, others must be constants in the graph"
        )


def output_shapes(
    session: ort.InferenceSession, manifest: Manifest, model: Path
) -> dict[str, list[int | str | None]]:
    """The shapes of the graph's outputs; raises ModelError where one that it names is missing."""
    outputs = {t.name: t for t in session.get_outputs()}
    for name in [manifest.output.name, *(s.output for s in manifest.state)]:
        if name not in outputs:
            raise ModelError(
                f"{model}: no output {name!r}, which its manifest names; "
                f"it has: {_describe(session.get_outputs())}"
            )
    return {name: list(tensor.shape) for name, tensor in outputs.items()}
