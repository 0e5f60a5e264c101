"""The gate that counts most: the engine itself, on the GPU it is for. Not run on hardware yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import F32
from appliance.networks.manifest import Manifest
from appliance.networks.plans.flavour import Flavour
from appliance.networks.plans.sidecar import Gate
from appliance.networks.plans.verify import Plan
from appliance.networks.tensorrt import TensorRTMatting
from appliance.tools.engine.frames import Pictures, probe_frames, to_tensor
from appliance.tools.engine.run_graph import GraphRun

if TYPE_CHECKING:
    from onnx import ModelProto


def gate_on_gpu(
    full: ModelProto,
    manifest: Manifest,
    plan: Plan,
    flavour: Flavour,
    pictures: Pictures,
    limit: float,
    make_context: Callable[[], Context] = Context,
) -> Gate:
    """The engine's alpha on this GPU against the FP32 graph's in ONNX Runtime.

    Raises MissingDependency when it cannot be run here (no pycuda, no kernels), PlanError when
    TensorRT refuses it, GpuError when CUDA fails.
    """
    reference = GraphRun(full, manifest)
    matting = TensorRTMatting(manifest, plan, flavour, make_context)
    try:
        gaps = [_gap(reference, matting, to_tensor(f, manifest)) for f in pictures.frames]
        reference.reset()
        matting.reset()
        spec = manifest.input
        probes = probe_frames(spec.width, spec.height)
        finite = [_gap(reference, matting, to_tensor(f, manifest)) is not None for f in probes]
    finally:
        matting.close()
    means = [1.0 if gap is None else float(gap.mean()) for gap in gaps]
    return Gate(
        frames=len(gaps),
        source=pictures.source,
        runner=f"{flavour.name} {flavour.version} on {plan.sidecar.target}",
        mean=float(np.mean(means)) if means else 0.0,
        worst_frame=max(means, default=0.0),
        worst_pixel=max((1.0 if g is None else float(g.max()) for g in gaps), default=0.0),
        limit=limit,
        finite=all(finite) and all(gap is not None for gap in gaps),
    )


def _gap(reference: GraphRun, matting: TensorRTMatting, tensor: F32) -> F32 | None:
    """The absolute difference; None when the engine's alpha is not finite."""
    planes = tensor[0] if matting.manifest.input.layout == "NCHW" else np.moveaxis(tensor[0], 2, 0)
    matting.input[:] = planes
    alpha = matting.infer()
    expected = reference(tensor)[0]
    return np.abs(alpha - expected) if np.isfinite(alpha).all() else None
