"""The output of networks that give a picture: checked, and as Y, Cb, Cr."""

from __future__ import annotations

import numpy as np

from appliance.errors import ModelError
from appliance.media.frame import F32, Colour
from appliance.media.rgb import matrix_of
from appliance.networks.manifest import Manifest, OutputSpec


def checked_picture(
    raw: F32, manifest: Manifest, shape: tuple[int, ...], failure: type[Exception] = ModelError
) -> F32:
    """The first picture of a network's output, channels first.

    Args:
        raw: float32 of the manifest's layout. shape: channels, rows and columns expected.

    Raises ``failure`` when it has another shape, or values that are not finite.
    """
    values = raw[0] if manifest.output.layout == "NCHW" else np.moveaxis(raw[0], 2, 0)
    if values.shape != shape or not np.isfinite(values).all():
        raise failure(
            f"{manifest.name}: gave {values.shape} with NaN or infinities, or of another size; "
            f"expected finite values of {shape}"
        )
    return np.asarray(values, np.float32)


def picture_to_planes(values: F32, out: OutputSpec, colour: Colour) -> F32:
    """A network's RGB (or BGR) as Y, Cb, Cr of ``colour``.

    Args:
        values: float32 (3, rows, columns), scaled as the manifest says.

    Returns the like, 0..255; colours beyond are clipped before.
    """
    scale, mean = np.array(out.scale, np.float32), np.array(out.mean, np.float32)
    rgb = np.clip(values / scale[:, None, None] + mean[:, None, None], 0, 255)
    if out.order == "BGR":
        rgb = rgb[::-1]
    matrix, offset = matrix_of(colour)
    return np.asarray(np.tensordot(matrix, rgb, 1) + offset[:, None, None], np.float32)
