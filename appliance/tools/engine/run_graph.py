"""A graph in ONNX Runtime, frame by frame, with its recurrent state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from appliance.errors import ModelError
from appliance.media.frame import F32
from appliance.networks.activation import activate
from appliance.networks.manifest import Manifest
from appliance.networks.onnxruntime import ORT_ERRORS, choose_threads

if TYPE_CHECKING:
    from onnx import ModelProto


class GraphRun:
    """Runs a graph that its manifest describes. Raises ModelError when it cannot be loaded."""

    def __init__(self, model: ModelProto, manifest: Manifest, extra: tuple[str, ...] = ()) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = choose_threads()
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except ORT_ERRORS as error:
            detail = " ".join(str(error).split())
            raise ModelError(f"{manifest.name}: ONNX Runtime cannot load it: {detail}") from error
        self._manifest, self._extra = manifest, extra
        self.reset()

    def reset(self) -> None:
        """Zero the recurrent state."""
        self.state = {s.input: np.zeros(s.shape, np.float32) for s in self._manifest.state}

    def __call__(self, tensor: F32) -> tuple[F32, dict[str, F32]]:
        """Alpha, float32 (height, width), and the ``extra`` tensors; the state goes on.

        Raises ModelError when the graph fails.
        """
        states = [s.output for s in self._manifest.state]
        names = [self._manifest.output.name, *states, *self._extra]
        try:
            values = self._session.run(names, {self._manifest.input.name: tensor, **self.state})
        except ORT_ERRORS as error:
            detail = " ".join(str(error).split())
            raise ModelError(f"{self._manifest.name}: ONNX Runtime failed: {detail}") from error
        for spec, value in zip(self._manifest.state, values[1:], strict=False):
            self.state[spec.input] = value
        raw = np.asarray(values[0], np.float32)
        with np.errstate(all="ignore"):
            alpha = activate(raw, self._manifest.output)
        extra = values[1 + len(states) :]
        return alpha, dict(zip(self._extra, extra, strict=True))


def states_along(
    model: ModelProto, manifest: Manifest, inputs: Sequence[F32]
) -> Iterator[dict[str, F32]]:
    """All the inputs of the graph for each frame, with the recurrent state it has by then."""
    run = GraphRun(model, manifest)
    for tensor in inputs:
        yield {manifest.input.name: tensor, **run.state}
        run(tensor)
