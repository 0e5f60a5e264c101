"""Networks that give the picture half way between two (``task: between``), by ONNX Runtime.

A picture here has four channels: the person's colours over black, and alpha.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from appliance.errors import ModelError
from appliance.media.frame import F32, Colour
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.networks.onnxruntime import open_session, run_session
from appliance.networks.picture_output import checked_picture, picture_to_planes
from appliance.pixels import cpu

_ALPHA_SCALE = np.float32(1 / 255)
# By these names a network gives what its picture is made of: see ``BetweenNetwork.motion``.
_TIME, _MOTION, _SHARE = "time", "motion", "share"


class BetweenNetwork:
    """One network whose manifest says ``task: between``. Used from one thread at a time."""

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load, check, run once.

        Raises ModelError when the file is not ONNX, its inputs and outputs are not what the
        manifest says, or it gives no picture.
        """
        self.manifest = manifest
        self._session, _ = open_session(model, threads)
        _check(self._session.get_inputs(), self._session.get_outputs(), manifest, model)
        spec = manifest.input
        rows, columns = spec.height, spec.width
        nchw = spec.layout == "NCHW"
        shape = (1, 4, rows, columns) if nchw else (1, rows, columns, 4)
        self._first, self._second = (np.zeros(shape, np.float32) for _ in range(2))
        self._tells = nchw and _tells_motion(self._session, rows, columns)
        nobody = np.zeros((4, rows, columns), np.float32)
        try:
            self(nobody, nobody, Colour())
        except RuntimeError as error:
            raise ModelError(f"{model}: a first run failed: {error}") from error

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the pictures that it takes and gives."""
        return self.manifest.input.width, self.manifest.input.height

    def __call__(self, first: F32, second: F32, colour: Colour) -> F32:
        """The picture half way between two.

        Args:
            first, second: float32 (4, rows, columns): Y, Cb, Cr of ``colour``, over black, and
                alpha; 0..255.

        Returns the like. Raises RuntimeError when the network fails or gives NaN.
        """
        manifest, out = self.manifest, self.manifest.output
        self._take(first, colour, self._first)
        self._take(second, colour, self._second)
        # ``input`` is the later one, as for all networks with two pictures.
        feeds = {manifest.previous: self._first, manifest.input.name: self._second}
        (raw,) = run_session(self._session, manifest.name, [out.name], feeds, RuntimeError)
        values = checked_picture(raw, manifest, first.shape, RuntimeError)
        made = np.empty(first.shape, np.float32)
        made[:3] = picture_to_planes(values[:3], out, colour)
        made[3] = np.clip(values[3] / _ALPHA_SCALE, 0, 255)
        return made

    @property
    def tells_motion(self) -> bool:
        """Whether ``motion`` can be asked for."""
        return self._tells

    def motion(self, first: F32, second: F32, colour: Colour, at: float) -> tuple[F32, F32]:
        """What the picture at a time between two is made of, for pictures larger than the network.

        Args:
            first, second: as for a call. at: above 0, the first's time, and below 1, the second's.

        Returns float32 (4, rows, columns): from each pixel at that time to its place in the first,
        across and down, then to that in the second, in pixels; and float32 (rows, columns): how
        much of it is the first's, 0..1. Raises RuntimeError as a call does, ValueError for a
        network that does not tell.
        """
        manifest = self.manifest
        if not self._tells:
            raise ValueError(f"{manifest.name}: gives pictures only, expected {_MOTION}, {_SHARE}")
        self._take(first, colour, self._first)
        self._take(second, colour, self._second)
        time = np.full((1, 1, 1, 1), at, np.float32)
        feeds = {manifest.previous: self._first, manifest.input.name: self._second, _TIME: time}
        names = [_MOTION, _SHARE]
        motion, share = run_session(self._session, manifest.name, names, feeds, RuntimeError)
        if not (np.isfinite(motion).all() and np.isfinite(share).all()):
            raise RuntimeError(f"{manifest.name}: gave a motion with NaN or infinities")
        return motion[0], share[0, 0]

    def _take(self, picture: F32, colour: Colour, tensor: F32) -> None:
        spec = self.manifest.input
        into = tensor[0] if spec.layout == "NCHW" else np.moveaxis(tensor[0], 2, 0)
        mean, scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
        cpu.planes_to_tensor(picture[:3], colour, mean, scale, into[:3], bgr=spec.order == "BGR")
        into[3] = picture[3] * _ALPHA_SCALE


def load_between(name: str, threads: int = 0) -> BetweenNetwork:
    """Load the network of this name, or of the manifest at this path. Raises ModelError."""
    found = load_manifest(find_manifest(name, model_folders()), task="between")
    return BetweenNetwork(*found, threads)


def _tells_motion(session: ort.InferenceSession, rows: int, columns: int) -> bool:
    """Whether there is, beside the picture, what it is made of."""
    times = {tensor.name: tensor.shape for tensor in session.get_overridable_initializers()}
    shapes = {tensor.name: tensor.shape for tensor in session.get_outputs()}
    wanted = {_MOTION: [1, 4, rows, columns], _SHARE: [1, 1, rows, columns]}
    return times.get(_TIME) == [1] * 4 and all(shapes.get(n) == s for n, s in wanted.items())


def _check(inputs: list, outputs: list, manifest: Manifest, model: Path) -> None:  # type: ignore[type-arg]
    """Compare the graph with its manifest; raise ModelError where they differ."""
    spec, out = manifest.input, manifest.output
    if not manifest.previous:
        raise ModelError(
            f"{manifest.name}: the manifest does not name the input for the frame before; "
            "expected previous: NAME beside input:"
        )
    names = {spec.name, manifest.previous}
    shapes = {tensor.name: (tensor.type, list(tensor.shape)) for tensor in inputs}
    wanted = ("tensor(float)", _shape(spec.layout, spec.height, spec.width))
    if len(names) != 2 or shapes != dict.fromkeys(names, wanted):
        raise ModelError(
            f"{model}: expected two inputs, {spec.name!r} and {manifest.previous!r}, both "
            f"{wanted[0]} {wanted[1]}: red, green, blue, over black, and alpha, as the manifest "
            f"says; it has: {shapes}"
        )
    shapes = {tensor.name: (tensor.type, list(tensor.shape)) for tensor in outputs}
    wanted = ("tensor(float)", _shape(out.layout, spec.height, spec.width))
    if shapes.get(out.name) != wanted:
        raise ModelError(
            f"{model}: expected an output {out.name!r}, {wanted[0]} {wanted[1]}, as its inputs; it "
            f"has: {shapes}"
        )


def _shape(layout: str, rows: int, columns: int) -> list[int]:
    return [1, 4, rows, columns] if layout == "NCHW" else [1, rows, columns, 4]
