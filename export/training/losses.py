"""Losses on alpha, its Laplacian pyramid, its gradient and its change over time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def _halve(x: Tensor) -> Tensor:
    """(n, 1, h, w) to (n, 1, h / 2, w / 2), borders reflected, h and w even.

    The binomial 1 4 6 4 1 of Burt and Adelson (1983), then the mean of each two by two. The two
    filters make 1 5 10 10 5 1, here as shifted sums: the convolution of a single channel took
    torch a quarter of a training step on a CPU.
    """
    x = functional.pad(x, (2, 2, 2, 2), mode="reflect")
    for side in (3, 2):
        count = x.shape[side] // 2 - 2
        even, odd = x.unflatten(side, (-1, 2)).unbind(side + 1)
        outer = even.narrow(side, 0, count) + odd.narrow(side, 2, count)
        middle = odd.narrow(side, 0, count) + even.narrow(side, 2, count)
        inner = even.narrow(side, 1, count) + odd.narrow(side, 1, count)
        x = outer / 32 + middle * (5 / 32) + inner * (10 / 32)
    return x


def laplacian_loss(predicted: Tensor, true: Tensor, levels: int = 4) -> Tensor:
    """L1 between Laplacian pyramids (Hou and Liu, 2019), level i weighted by 2**i.

    Both (n, 1, h, w) in [0, 1]; h and w divisible by 2**levels. The pyramid is linear, so one
    pyramid of the difference does for both.
    """
    rest = predicted - true
    loss = torch.zeros((), device=rest.device)
    for level in range(levels):
        low = _halve(rest)
        band = rest - functional.interpolate(
            low, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        loss = loss + band.abs().mean() * 2**level
        rest = low
    return loss + rest.abs().mean() * 2**levels


def gradient_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """L1 between the first differences along x and y, both (n, 1, h, w)."""
    error = predicted - true
    across = (error[..., :, 1:] - error[..., :, :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return across + down


def temporal_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """L1 between the changes from the first to the second frame, both (n, 2, h, w).

    Zero for single frames, (n, 1, h, w).
    The quantity under dtSSD's root, but L1: a flickering edge must hurt like a wrong one.
    """
    if true.shape[1] < 2:
        return predicted.new_zeros(())
    change = (predicted[:, 1] - predicted[:, 0]) - (true[:, 1] - true[:, 0])
    return change.abs().mean()


def matting_loss(
    logits: Tensor, true: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, and each part's value.

    `logits` and `true` (n, m, h, w): n pairs of neighbouring frames (m 2) or single frames (m 1).
    `weight`, of the same shape in [0, 1]: how far the truth is to be believed at each pixel.
    """
    if weight is not None:
        # Where nothing is known the truth is what was predicted: no part of the loss feels it.
        predicted = logits.detach().sigmoid()
        true = torch.lerp(predicted, true, weight)
    pairs, moments, height, width = true.shape
    flat = logits.reshape(pairs * moments, 1, height, width)
    flat_true = true.reshape(pairs * moments, 1, height, width)
    predicted = flat.sigmoid()
    parts = {
        "bce": functional.binary_cross_entropy_with_logits(flat, flat_true),
        "alpha": (predicted - flat_true).abs().mean(),
        "laplacian": laplacian_loss(predicted, flat_true),
        "gradient": gradient_loss(predicted, flat_true),
        "temporal": temporal_loss(predicted.reshape(true.shape), true),
    }
    # Where an edge is in doubt, L1 on gradients and changes prefers none at all, L1 on alpha one in
    # the likeliest place. With 1, 2 and 3 for alpha, gradient and temporal, mattes were too soft:
    # steepened afterwards, their MAD fell by a tenth and Grad with it.
    weights = {"bce": 0.25, "alpha": 4.0, "laplacian": 0.25, "gradient": 1.0, "temporal": 4.0}
    total = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
    return total, {name: float(part.detach()) for name, part in parts.items()}
