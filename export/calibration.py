"""Calibration: a gain and an offset on the logits, fitted where the matte is looked at.

The losses in training prefer a soft edge to one in the wrong place: of L1 on gradients and on
changes over time, the cheapest answer to doubt is no edge at all. And they compare at the
network's own size, while the matte is judged and shown grown to the frame's, where interpolation
softens it once more. So two numbers are fitted afterwards, as in Platt scaling (Platt, 1999;
Guo et al., 2017), on composed scenes of the training people, and folded into the last convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from export.data.material import load_material
from export.evaluation.metrics import Alpha, dtssd, grad, grown, mad
from export.network.matting_network import SETTINGS, MattingNetwork
from export.synthesis.scene import compose_pair
from export.training.checkpoint import with_weights
from export.training.stream import to_tensor

GAINS = (1.0, 1.2, 1.4, 1.7, 2.0, 2.4)
OFFSETS = (-0.2, 0.0, 0.2, 0.4, 0.6)
_GROWN = 2.5  # the frame's size over the network's: a 720x400 camera before 288x160
_PRIOR = "priors.factors.weight"
_HEAD = ("decoder.head.weight", "decoder.head.bias")


@dataclass(frozen=True)
class CalibrationScene:
    """Two moments of a scene: logits at the network's size, true alphas at the frame's."""

    logits: Alpha  # (2, h, w), unbounded
    alphas: Alpha  # (2, H, W) in [0, 1]


@dataclass(frozen=True)
class Calibration:
    """Logits are multiplied by `gain`, then `offset` is added; errors are means over the scenes.

    `cost` is the geometric mean over scenes and metrics, so that neither a metric's unit nor one
    scene gone wrong decides.
    """

    gain: float
    offset: float
    mad: float
    grad: float
    dtssd: float
    cost: float


def scenes(network: MattingNetwork, pack: Path, count: int, seed: int) -> list[CalibrationScene]:
    """`count` scenes with people in them, composed at 2.5 times the network's size.

    Raises ValueError when ten times as many do not hold so many.
    """
    setting = network.setting
    width, height = round(_GROWN * setting.width), round(_GROWN * setting.height)
    material = load_material(pack, height)
    rng = np.random.default_rng(seed)
    result: list[CalibrationScene] = []
    for _ in range(10 * count):
        frames, alphas = compose_pair(rng, material, width, height)
        if alphas.mean() < 255 * 0.01:
            continue  # nobody there: Grad, which stretches the matte to [0, 1], would judge noise
        size = (setting.width, setting.height)
        small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
        with torch.no_grad():
            logits = network.forward_logits(to_tensor(np.stack(small)))[:, 0].numpy()
        result.append(CalibrationScene(logits, (alphas / 255.0).astype(np.float32)))
        if len(result) == count:
            return result
    raise ValueError(
        f"{pack}: {len(result)} of {10 * count} scenes have people in them, {count} needed; "
        "make the pack again with 'python -m export label'"
    )


def judged(made: Sequence[CalibrationScene], gain: float, offset: float) -> Calibration:
    """MAD, Grad and dtSSD with that gain and offset."""
    errors: list[tuple[float, float, float]] = []
    for scene in made:
        height, width = scene.alphas.shape[1:]
        first, second = (
            grown(alpha, width, height)
            for alpha in 1 / (1 + np.exp(-(gain * scene.logits + offset)))
        )
        true_first, true_second = scene.alphas
        errors.append(
            (mad(second, true_second), grad(second, true_second),
             dtssd(second, first, true_second, true_first))
        )  # fmt: skip
    # A still scene has no dtSSD at all, whatever the gain.
    cost = float(np.exp(np.log(np.maximum(errors, 1e-3)).mean()))
    means = [float(mean) for mean in np.mean(errors, axis=0)]
    return Calibration(gain, offset, means[0], means[1], means[2], cost)


def fitted(made: Sequence[CalibrationScene]) -> tuple[Calibration, Calibration]:
    """As it was, and the best of `GAINS` x `OFFSETS` by cost."""
    tried = {(gain, offset): judged(made, gain, offset) for gain in GAINS for offset in OFFSETS}
    return tried[1.0, 0.0], min(tried.values(), key=lambda calibration: calibration.cost)


def folded(weights: dict[str, torch.Tensor], gain: float, offset: float) -> dict[str, torch.Tensor]:
    """The same network with ``gain * logits + offset``, at no cost to whoever runs it."""
    weight, bias = _HEAD
    steeper = {weight: weights[weight] * gain, bias: weights[bias] * gain + offset}
    if _PRIOR in weights:  # the other part of the logits
        steeper[_PRIOR] = weights[_PRIOR] * gain
    return weights | steeper


def calibrate(
    checkpoint: dict[str, Any], pack: Path, count: int = 96, seed: int = 99
) -> tuple[dict[str, Any], Calibration, Calibration]:
    """A checkpoint whose averaged weights are calibrated, and the errors before and after.

    `checkpoint` is one of `export.training.checkpoint.load`.
    Raises FileNotFoundError or ValueError for a bad pack.
    """
    network = MattingNetwork(SETTINGS[checkpoint["setting"]]).eval()
    network.load_state_dict(checkpoint["average"])
    before, after = fitted(scenes(network, pack, count, seed))
    weights = folded(checkpoint["average"], after.gain, after.offset)
    return with_weights(checkpoint, weights), before, after
