"""The child process of a build: ``python -m appliance.tools.engine.builder REQUEST DESCRIPTOR``.

One path for ``tensorrt`` 10.3 to 11 and ``tensorrt_rtx``. Its words go to the descriptor, one JSON
object a line: ``progress``, ``say``, and at the end ``done`` or ``error``.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from appliance.errors import BuildError, MatteboxError
from appliance.networks.plans.flavour import Flavour, load_flavour, this_gpu

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Request:
    """What to build. ``target`` is "sm86", or "" for this machine's GPU; paths are absolute."""

    onnx: str
    plan: str
    cache: str
    flavour: str
    target: str
    workspace_mb: int

    def write(self, path: Path) -> None:
        """Put it where the child reads it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def build(request: Request, channel: Channel) -> dict[str, Any]:
    """Parse, build, write the plan. Returns the engine's inputs and outputs; raises BuildError."""
    flavour = load_flavour(request.flavour)
    trt = flavour.module
    said: list[str] = []
    builder = trt.Builder(_logger(trt, channel, said))
    network = _parse(trt, builder, Path(request.onnx).read_bytes(), said)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, request.workspace_mb << 20)
    config.progress_monitor = _monitor(trt, channel)
    if request.target:
        _aim(flavour, config, request.target)
    cache = _timing_cache(config, Path(request.cache))
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BuildError(f"{flavour.name} {flavour.version} built nothing: {_last(said)}")
    _write(Path(request.plan), memoryview(plan))
    if cache is not None:
        _write(Path(request.cache), memoryview(config.get_timing_cache().serialize()))
    return {
        "inputs": [_tensor(network.get_input(i)) for i in range(network.num_inputs)],
        "outputs": [_tensor(network.get_output(i)) for i in range(network.num_outputs)],
    }


def _parse(trt: Any, builder: Any, data: bytes, said: list[str]) -> Any:
    # Precision is the graph's. Where a version knows no other way, the flag may be gone.
    flags = trt.NetworkDefinitionCreationFlag
    strong = getattr(flags, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if strong is None else 1 << int(strong))
    parser = trt.OnnxParser(network, builder.logger)
    if not parser.parse(data):
        errors = [str(parser.get_error(i)).strip() for i in range(parser.num_errors)]
        raise BuildError(
            f"{trt.__name__} {trt.__version__} cannot take this graph: "
            f"{'; '.join(errors[:3]) or _last(said)}"
        )
    return network


def _aim(flavour: Flavour, config: Any, target: str) -> None:
    capability = getattr(getattr(flavour.module, "ComputeCapability", None), target.upper(), None)
    if capability is None:
        known = ", ".join(flavour.targets)
        raise BuildError(
            f"{flavour.name} {flavour.version} cannot build for {target} ahead of time; "
            + (f"it knows: {known}" if known else "build on the machine that will run it")
        )
    config.num_compute_capabilities = 1
    if not config.set_compute_capability(capability, 0):
        raise BuildError(f"{flavour.name} {flavour.version} refuses the target {target}")


def _timing_cache(config: Any, path: Path) -> Any:
    """Tactics timed before; a cache of another version or machine is as good as none."""
    # Without a GPU nothing is timed, and an old cache cannot even be read.
    data = path.read_bytes() if path.is_file() and this_gpu() else b""
    for content in (data, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
    return None


def _write(path: Path, data: memoryview) -> None:
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _tensor(tensor: Any) -> dict[str, Any]:
    return {
        "name": tensor.name, "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).rpartition(".")[2].lower(),
    }  # fmt: skip


def _last(said: list[str]) -> str:
    return said[-1] if said else "it gave no reason"


class Channel:
    """Words to the parent."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)

    def send(self, **message: Any) -> None:
        """One message. A parent that has gone is none of the builder's business: it is ended."""
        self._file.write(json.dumps(message) + "\n")


def _logger(trt: Any, channel: Channel, said: list[str]) -> Any:
    class Logger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity <= trt.ILogger.ERROR:
                said.append(" ".join(message.split()))
            if severity <= trt.ILogger.WARNING:
                channel.send(say=" ".join(message.split()))

    return Logger()


def _monitor(trt: Any, channel: Channel) -> Any:
    class Monitor(trt.IProgressMonitor):
        """The outermost phases' steps; TensorRT calls it from several threads."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self.steps[phase_name] = num_steps
            channel.send(progress=[phase_name, 0, num_steps])

        def step_complete(self, phase_name: str, step: int) -> bool:
            channel.send(progress=[phase_name, step + 1, self.steps.get(phase_name, 0)])
            return True

        def phase_finish(self, phase_name: str) -> None:
            steps = self.steps.pop(phase_name, 0)
            channel.send(progress=[phase_name, steps, steps])

    return Monitor()


def main(request: Path, descriptor: int) -> int:
    """Build what the file asks for; 0 done, 1 not."""
    # Whatever ends the parent ends the build.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    channel = Channel(descriptor)
    try:
        wanted = Request(**json.loads(request.read_text(encoding="utf-8")))
        made = build(wanted, channel)
    except (MatteboxError, OSError) as error:
        channel.send(error=" ".join(str(error).split()))
        return 1
    channel.send(done=made)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
