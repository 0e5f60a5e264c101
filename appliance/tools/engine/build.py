"""From a model's ONNX file to a plan that has passed its gates, with its sidecar."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from appliance.errors import BuildError, MissingDependency
from appliance.networks.manifest import Manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.plans import flavour as flavours
from appliance.networks.plans.sidecar import Gate, Sidecar, TensorSpec, plan_key, sha256_of
from appliance.networks.plans.store import commit, drafts, writable_plan_folder
from appliance.networks.plans.verify import Plan, Runner, mismatches
from appliance.tools.engine.builder import Request
from appliance.tools.engine.child import Progress, run_builder
from appliance.tools.engine.frames import Pictures, real_frames
from appliance.tools.engine.gates import LIMIT, Precision, choose_precision, compare
from appliance.tools.engine.graph import named, read_graph, set_input_shapes, simplify
from appliance.tools.engine.precision import to_half

if TYPE_CHECKING:
    from onnx import ModelProto

PrecisionName = Literal["fp16", "fp32", "int8"]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What is asked of a build. ``target`` "" is the GPU of this machine; memory is in MB."""

    flavour: str = "auto"
    target: str = ""
    precision: PrecisionName = "fp16"
    frames: Path | None = None
    frame_count: int = 64
    limit: float = LIMIT
    memory_mb: int = 4096
    workspace_mb: int = 1024
    timeout: float = 3600.0


def build_engine(
    manifest: Manifest,
    model: Path,
    wish: BuildOptions,
    *,
    tell: Callable[[str], None],
    progress: Progress,
) -> Path:
    """Build, gate and put in its place; returns the sidecar's path.

    Raises BuildError when it cannot be built or does not pass, MissingDependency when a package is
    missing, ModelError or InputError for a model or frames that cannot be used. The old plan works
    on until the new one is whole.
    """
    flavour = flavours.load_flavour(wish.flavour)
    target = flavours.choose_target(flavour, wish.target)
    folder = writable_plan_folder(model, manifest.name)
    started, digest = time.monotonic(), sha256_of(model)
    full = static_graph(manifest, model)
    pictures = real_frames(wish.frames, wish.frame_count)
    graph, chosen = at_precision(full, manifest, pictures, wish, tell)
    tell(f"{wish.precision} against fp32: {chosen.gate.words}")
    if chosen.keep:
        tell(f"kept in fp32: {', '.join(chosen.keep)}")
    if not chosen.gate.passed:
        raise BuildError(
            f"{manifest.name}: {wish.precision} does not pass its gate: {chosen.gate.words}; the "
            "old plan, if any, stays; try --precision fp32, or other --frames"
        )
    key = plan_key(flavour.name, flavour.version, target, wish.precision)
    with drafts(folder) as draft:
        onnx_file = draft / "model.onnx"
        onnx_file.write_bytes(graph.SerializeToString())
        # Names and shapes as in the manifest: the graph that the engine is made of must load.
        OnnxRuntimeMatting(manifest, onnx_file)
        cache = folder / f"{flavour.name}-{flavour.version}-{target}.cache"
        if cache.is_file():
            shutil.copy(cache, draft / "timing.cache")
        request = Request(
            onnx=str(onnx_file), plan=str(draft / "engine.plan"),
            cache=str(draft / "timing.cache"), flavour=flavour.name,
            target=target if flavour.targets else "", workspace_mb=wish.workspace_mb,
        )  # fmt: skip
        made = run_builder(
            request, draft, memory_mb=wish.memory_mb, timeout=wish.timeout,
            progress=progress, say=tell,
        )  # fmt: skip
        plan = draft / "engine.plan"
        plan_digest = sha256_of(plan)
        sidecar = Sidecar(
            model=manifest.name, onnx_sha256=digest, flavour=_name(flavour.name),
            version=flavour.version, target=target, platform=flavours.platform(),
            precision=wish.precision, fp32_layers=chosen.keep,
            inputs=_tensors(made["inputs"]), outputs=_tensors(made["outputs"]),
            built=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            build_seconds=round(time.monotonic() - started, 2), gate=chosen.gate,
            plan=f"{key}-{plan_digest[:12]}.plan", plan_sha256=plan_digest,
            plan_bytes=plan.stat().st_size,
        )  # fmt: skip
        _check_tensors(sidecar, manifest)
        sidecar = _tried_on_the_gpu(sidecar, full, manifest, plan, flavour, pictures, wish, tell)
        path = commit(plan, sidecar, folder)
        if (draft / "timing.cache").is_file():
            (draft / "timing.cache").replace(cache)
    return path


def static_graph(manifest: Manifest, model: Path) -> ModelProto:
    """The model's graph with the manifest's shapes, simplified. Raises ModelError."""
    graph = read_graph(model)
    shapes: dict[str, tuple[int, ...]] = {manifest.input.name: manifest.input.shape}
    set_input_shapes(graph, shapes | {s.input: s.shape for s in manifest.state})
    return named(simplify(graph))


def at_precision(
    graph: ModelProto,
    manifest: Manifest,
    pictures: Pictures,
    wish: BuildOptions,
    tell: Callable[[str], None],
) -> tuple[ModelProto, Precision]:
    """The graph at the precision wished for, and how it does against FP32."""
    if wish.precision == "fp32":
        return graph, Precision((), compare(graph, graph, manifest, pictures, wish.limit))
    if wish.precision == "int8":
        from appliance.tools.engine.quantise import to_int8

        small = to_int8(graph, manifest, pictures, tell)
        return small, Precision((), compare(graph, small, manifest, pictures, wish.limit))
    chosen = choose_precision(graph, manifest, pictures, wish.limit, tell)
    return to_half(graph, chosen.keep), chosen


def _tried_on_the_gpu(
    sidecar: Sidecar,
    full: ModelProto,
    manifest: Manifest,
    plan: Path,
    flavour: flavours.Flavour,
    pictures: Pictures,
    wish: BuildOptions,
    tell: Callable[[str], None],
) -> Sidecar:
    """The engine itself against FP32, where this machine has the GPU that it is for."""
    if flavours.this_gpu() != sidecar.target:
        return sidecar
    from appliance.tools.engine.gpu_gate import gate_on_gpu

    built = Plan(sidecar, plan, plan.read_bytes())
    try:
        gate = gate_on_gpu(full, manifest, built, flavour, pictures, wish.limit)
    except MissingDependency as error:
        tell(f"the engine itself was not run: {error}")
        return sidecar
    tell(f"the engine on the GPU against fp32: {gate.words}")
    if not gate.passed:
        raise BuildError(
            f"{manifest.name}: the engine does not pass its gate on the GPU: {gate.words}; the "
            "old plan, if any, stays; try --precision fp32"
        )
    return sidecar.model_copy(update={"gpu_gate": gate})


def _name(name: str) -> Literal["tensorrt", "tensorrt_rtx"]:
    return "tensorrt_rtx" if name == "tensorrt_rtx" else "tensorrt"


def _tensors(described: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec.model_validate(d) for d in described)


def _check_tensors(sidecar: Sidecar, manifest: Manifest) -> None:
    wrong = mismatches(sidecar, manifest, sidecar.onnx_sha256, Runner())
    if wrong:
        raise BuildError("; ".join(wrong))
    for tensor in (*sidecar.inputs, *sidecar.outputs):
        if tensor.dtype != "float":
            raise BuildError(f"the engine's tensor {tensor.name!r} is {tensor.dtype}, not float")


__all__ = ["BuildOptions", "Gate", "at_precision", "build_engine", "static_graph"]
