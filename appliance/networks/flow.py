"""Networks that tell how the picture moved (``task: flow``), by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.errors import ModelError
from appliance.media.frame import F32, U8, Frame
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.networks.onnxruntime import open_session, run_session
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import home


class FlowNetwork:
    """Compares each frame with the last one, on the grid of the network's input."""

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check.

        Raises ModelError when the manifest is for another task, the file is not ONNX, or its inputs
        and outputs are not what the manifest says.
        """
        if manifest.task != "flow":
            raise ModelError(
                f"{manifest.name}: its manifest says task: {manifest.task}; expected task: flow, "
                "a network that takes two pictures and gives how the first moved"
            )
        self._manifest = manifest
        self._session, _ = open_session(model, threads)
        _check(self._session.get_inputs(), self._session.get_outputs(), manifest, model)
        spec = manifest.input
        self._planes = np.empty((3, spec.height, spec.width), np.float32)
        self._now, self._last = (np.zeros(spec.shape, np.float32) for _ in range(2))
        self._mean = np.array(spec.mean, np.float32)
        self._scale = np.array(spec.scale, np.float32)

    def look(self, frame: Frame) -> U8:
        """Take in a frame; returns its luma on the grid, uint8 (rows, columns)."""
        spec = self._manifest.input
        self._now, self._last = self._last, self._now
        cpu.crop_planes(frame, frame.rect, self._planes)
        into = self._now[0] if spec.layout == "NCHW" else np.moveaxis(self._now[0], 2, 0)
        cpu.planes_to_tensor(
            self._planes, frame.colour, self._mean, self._scale, into, bgr=spec.order == "BGR"
        )
        return np.asarray(self._planes[0], np.uint8)

    def origin(self) -> F32:
        """Where the content of the last frame looked at was in the one before.

        Returns float32 (rows, columns, 2), see ``Motion.origin``. Raises RuntimeError when the
        network fails, or gives what is no number.
        """
        manifest = self._manifest
        feeds = {manifest.input.name: self._now, manifest.previous: self._last}
        (raw,) = run_session(
            self._session, manifest.name, [manifest.output.name], feeds, RuntimeError
        )
        shift = np.asarray(raw[0], np.float32)
        if manifest.output.layout == "NCHW":
            shift = np.moveaxis(shift, 0, 2)
        if not np.isfinite(shift).all():
            raise RuntimeError(f"{manifest.name}: gave a motion that is no number")
        return np.asarray(np.ascontiguousarray(shift) + home(*shift.shape[:2]), np.float32)


def load_flow(name: str, threads: int = 0) -> FlowNetwork:
    """Load the network of this name, or of the manifest at this path. Raises ModelError."""
    return FlowNetwork(*load_manifest(find_manifest(name, model_folders()), task="flow"), threads)


def _check(inputs: list, outputs: list, manifest: Manifest, model: Path) -> None:  # type: ignore[type-arg]
    """Compare the graph with its manifest; raise ModelError where they differ."""
    spec = manifest.input
    if not manifest.previous:
        raise ModelError(
            f"{manifest.name}: the manifest does not name the input for the last frame; "
            "expected previous: NAME beside input:"
        )
    shapes = {tensor.name: (tensor.type, list(tensor.shape)) for tensor in inputs}
    for name in (spec.name, manifest.previous):
        if shapes.get(name) != ("tensor(float)", list(spec.shape)):
            raise ModelError(
                f"{model}: expected an input {name!r}, tensor(float) {list(spec.shape)}, as the "
                f"manifest says; it has: {shapes}"
            )
    own = (1, 2, spec.height, spec.width)
    if manifest.output.layout == "NHWC":
        own = (1, spec.height, spec.width, 2)
    shapes = {tensor.name: (tensor.type, list(tensor.shape)) for tensor in outputs}
    if shapes.get(manifest.output.name) != ("tensor(float)", list(own)):
        raise ModelError(
            f"{model}: expected an output {manifest.output.name!r}, tensor(float) {list(own)}: how "
            f"far to the right and down, in pixels, each came from; it has: {shapes}"
        )
