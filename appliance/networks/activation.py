"""From a network's raw output to alpha."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32
from appliance.networks.manifest import OutputSpec


def activate(raw: F32, spec: OutputSpec) -> F32:
    """One channel of the output, float32 (1, …), as alpha, float32 (height, width)."""
    axis = 1 if spec.layout == "NCHW" else 3
    if spec.activation == "softmax":
        powers: F32 = np.exp(raw - raw.max(axis=axis, keepdims=True))
        raw = np.asarray(powers / powers.sum(axis=axis, keepdims=True), np.float32)
    picked: F32 = raw[0].take(spec.channel, axis=axis - 1)
    if spec.activation == "sigmoid":
        picked = np.asarray(1 / (1 + np.exp(-picked)), np.float32)
    return picked
