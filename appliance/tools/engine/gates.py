"""What an engine must pass before it may be used: its precision against FP32, on real frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from appliance.media.frame import F32
from appliance.networks.manifest import Manifest
from appliance.networks.plans.sidecar import Gate
from appliance.tools.engine.frames import Pictures, probe_frames, tensors
from appliance.tools.engine.graph import named
from appliance.tools.engine.precision import float_nodes, rounded_twin
from appliance.tools.engine.ranges import measure, unsafe_nodes
from appliance.tools.engine.run_graph import GraphRun

if TYPE_CHECKING:
    from onnx import ModelProto

LIMIT = 1 / 255
"""Largest mean absolute difference of alpha that a frame may have."""

_SOME = 6
"""Frames on which single layers are tried."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Precision:
    """Which nodes stay in FP32, and how the graph does then."""

    keep: tuple[str, ...]
    gate: Gate


def compare(
    full: ModelProto, other: ModelProto, manifest: Manifest, pictures: Pictures, limit: float
) -> Gate:
    """``other``'s alpha against ``full``'s on real frames; on probe frames only: is it finite?"""
    real = tensors(pictures.frames, manifest)
    probes = tensors(probe_frames(manifest.input.width, manifest.input.height), manifest)
    first, second = GraphRun(full, manifest), GraphRun(other, manifest)
    gaps, finite = _gaps(first, second, real)
    first.reset()
    second.reset()
    _, steady = _gaps(first, second, probes)
    means = [float(gap.mean()) for gap in gaps]
    return Gate(
        frames=len(real),
        source=pictures.source,
        runner=f"ONNX Runtime {ort.__version__} on the CPU",
        mean=float(np.mean(means)) if means else 0.0,
        worst_frame=max(means, default=0.0),
        worst_pixel=max((float(gap.max()) for gap in gaps), default=0.0),
        limit=limit,
        finite=finite and steady,
    )


def _gaps(first: GraphRun, second: GraphRun, inputs: Iterable[F32]) -> tuple[list[F32], bool]:
    gaps, finite = [], True
    for tensor in inputs:
        one, other = first(tensor)[0], second(tensor)[0]
        good = bool(np.isfinite(other).all())
        finite = finite and good
        # What is not finite is as wrong as can be.
        gaps.append(np.abs(one - other) if good else np.ones_like(one))
    return gaps, finite


def choose_precision(
    model: ModelProto, manifest: Manifest, pictures: Pictures, limit: float, tell: Tell
) -> Precision:
    """Find the nodes that have to stay in FP32, layer by layer, and judge the result.

    First those that FP16 cannot hold, by their ranges. Should alpha then still be too far off,
    those follow that matter most when they alone are rounded, twice as many each time.
    """
    model = named(model)
    probes = probe_frames(manifest.input.width, manifest.input.height)
    seen = tensors([*pictures.frames, *probes], manifest)
    tell(f"ranges of all layers on {len(seen)} frames")
    keep = unsafe_nodes(model, measure(model, manifest, seen))
    gate = compare(model, rounded_twin(model, keep), manifest, pictures, limit)
    candidates = [name for name in float_nodes(model) if name not in keep]
    if gate.passed or not candidates:
        return Precision(keep, gate)
    tell(
        f"FP16 is {gate.worst_frame * 255:.2f}/255 off: trying {len(candidates)} layers one by one"
    )
    worst = _by_harm(model, manifest, candidates, seen[:: max(1, len(seen) // _SOME)])
    count = 1
    while True:
        more = (*keep, *worst[:count])
        gate = compare(model, rounded_twin(model, more), manifest, pictures, limit)
        if gate.passed or count >= len(worst):
            return Precision(more, gate)
        count *= 2


def _by_harm(
    model: ModelProto, manifest: Manifest, candidates: Sequence[str], inputs: Sequence[F32]
) -> list[str]:
    everything = set(float_nodes(model))
    reference = GraphRun(model, manifest)
    harm: dict[str, float] = {}
    for name in candidates:
        alone = GraphRun(rounded_twin(model, everything - {name}), manifest)
        reference.reset()
        gaps, finite = _gaps(reference, alone, inputs)
        harm[name] = float(np.mean([gap.mean() for gap in gaps])) if finite else float("inf")
    return sorted(harm, key=lambda name: -harm[name])
