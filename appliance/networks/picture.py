"""A network that gives another picture (a painter's style, say), run by ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.errors import ModelError
from appliance.media.frame import F32, Colour
from appliance.networks.manifest import Manifest
from appliance.networks.onnxruntime import check_graph, open_session, run_session
from appliance.networks.picture_output import checked_picture, picture_to_planes
from appliance.pixels.cpu.crop import planes_to_tensor


class PictureNetwork:
    """One network whose manifest says ``task: picture``. Used from one thread at a time."""

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check. Raises ModelError."""
        if manifest.state:
            raise ModelError(
                f"{manifest.name}: its manifest names a recurrent state, which is not kept for "
                "task: picture; leave state out"
            )
        self.manifest = manifest
        self._session, _ = open_session(model, threads)
        check_graph(self._session, manifest, model)
        spec, out = manifest.input, manifest.output
        shape = next(t.shape for t in self._session.get_outputs() if t.name == out.name)
        channels = shape[1] if out.layout == "NCHW" else shape[3]
        if isinstance(channels, int) and channels != 3:
            raise ModelError(
                f"{model}: output {out.name!r} has {channels} channel(s), expected the 3 of a "
                "picture"
            )
        self._tensor = np.zeros(spec.shape, np.float32)
        nchw = spec.layout == "NCHW"
        self._planes: F32 = self._tensor[0] if nchw else np.moveaxis(self._tensor[0], 2, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the picture that it takes and gives."""
        return self.manifest.input.width, self.manifest.input.height

    def __call__(self, planes: F32, colour: Colour) -> F32:
        """The picture as the network paints it.

        Args:
            planes: float32 (3, rows, columns): Y, Cb, Cr of ``colour``, 0..255.

        Returns the like. Raises ModelError when the network throws or gives NaN.
        """
        spec, out = self.manifest.input, self.manifest.output
        mean, scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
        planes_to_tensor(planes, colour, mean, scale, self._planes, bgr=spec.order == "BGR")
        (raw,) = run_session(
            self._session, self.manifest.name, [out.name], {spec.name: self._tensor}
        )
        values = checked_picture(raw, self.manifest, planes.shape)
        return picture_to_planes(values, out, colour)
