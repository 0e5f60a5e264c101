"""A network that tells classes of things apart, on the CPU by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from appliance.errors import ModelError
from appliance.media.frame import F32
from appliance.networks.manifest import Manifest
from appliance.networks.onnxruntime import (
    check_inputs,
    open_session,
    output_shapes,
    run_session,
)

# What a lead of 1 is: logits that differ by two are 0.88 to 0.12, probabilities 0.75 to 0.25.
_SURE = {"softmax": 2.0, "none": 0.5}


class ClassNetwork:
    """A network of task ``classes``, checked against its manifest when it is loaded."""

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check; ``threads`` 0: chosen for the machine.

        Raises ModelError when the file is not ONNX, or does not match the manifest.
        """
        self.manifest = manifest
        self._session, threads = open_session(model, threads)
        check_inputs(self._session, manifest, model)
        _check_output(self._session, manifest, model)
        spec = manifest.input
        self._tensor = np.zeros(spec.shape, np.float32)
        planes = self._tensor[0] if spec.layout == "NCHW" else np.moveaxis(self._tensor[0], 2, 0)
        self._planes: F32 = planes
        self._raw: Any = None
        self.description = f"{manifest.name} on ONNX Runtime {ort.__version__}, {threads} thread(s)"

    @property
    def input(self) -> F32:
        """float32 (3, height, width) view of the input tensor, to be filled before ``lead``."""
        return self._planes

    def infer(self) -> None:
        """Run on ``input``, for ``lead`` to tell of. Raises ModelError when the network throws."""
        manifest = self.manifest
        feeds = {manifest.input.name: self._tensor}
        (self._raw,) = run_session(self._session, manifest.name, [manifest.output.name], feeds)

    def lead(self, chosen: Sequence[int], aside: Sequence[int] = ()) -> F32:
        """By how much one of the classes ``chosen`` (numbers) leads all others.

        ``aside``: numbers of those that count neither way, where there are scores.

        Returns float32 (rows, columns) of the network's output, -1 to 1: above 0 where one of them
        leads, 1 where it surely does. Raises ModelError when the network gave NaN.
        """
        spec, raw = self.manifest.output, self._raw
        assert raw is not None, "infer comes first"
        if spec.activation == "argmax":
            numbers = np.asarray(raw).reshape(_size(raw.shape, spec.layout))
            return np.where(np.isin(numbers, chosen), 1, -1).astype(np.float32)
        scores = raw[0] if spec.layout == "NCHW" else np.moveaxis(raw[0], 2, 0)
        lead = _lead(scores, chosen, aside) / np.float32(_SURE[spec.activation])
        if not np.isfinite(lead).all():
            raise ModelError(f"{self.manifest.name}: the network gave NaN or infinity")
        return np.asarray(np.clip(lead, -1, 1), np.float32)


def _lead(scores: NDArray[Any], chosen: Sequence[int], aside: Sequence[int]) -> F32:
    """The best of the chosen channels less the best of the others."""
    others = sorted({*range(len(scores))} - {*chosen, *aside})
    best = scores[list(chosen)].max(axis=0)
    return np.asarray(best - scores[others].max(axis=0), np.float32)


def _size(shape: Sequence[int], layout: str) -> tuple[int, int]:
    """Rows and columns of an output of whole numbers: batch and channel, if there, are 1."""
    if len(shape) == 3:
        return shape[1], shape[2]
    return (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])


def _check_output(session: ort.InferenceSession, manifest: Manifest, model: Path) -> None:
    spec = manifest.output
    shape = output_shapes(session, manifest, model)[spec.name]
    kind = next(t.type for t in session.get_outputs() if t.name == spec.name)
    whole = spec.activation == "argmax"
    real = kind in ("tensor(float)", "tensor(double)", "tensor(float16)")
    if whole == real or len(shape) not in ((3, 4) if whole else (4,)):
        expected = "whole numbers, 3 or 4 dimensions" if whole else "float, 4 dimensions"
        raise ModelError(
            f"{model}: output {spec.name!r} is {kind} of shape {shape}, expected {expected} "
            f"(activation: {spec.activation})"
        )
    channels = 1 if len(shape) == 3 else shape[1 if spec.layout == "NCHW" else 3]
    wanted = 1 if whole else len(manifest.classes)
    if isinstance(channels, int) and channels != wanted:
        raise ModelError(
            f"{model}: output {spec.name!r} has {channels} channel(s) in shape {shape} "
            f"({spec.layout}); expected {wanted}, as its manifest names {len(manifest.classes)} "
            "classes"
        )
