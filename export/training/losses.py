"""Losses on alpha, its Laplacian pyramid, its gradient and its change over time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Binomial 5x5, as in Burt and Adelson (1983).
_TAPS = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0


def _blur(x: Tensor) -> Tensor:
    """Binomial blur of (n, 1, h, w), borders reflected."""
    taps = _TAPS.to(x)
    x = functional.pad(x, (2, 2, 2, 2), mode="reflect")
    x = functional.conv2d(x, taps.view(1, 1, 1, 5))
    return functional.conv2d(x, taps.view(1, 1, 5, 1))


def laplacian_loss(predicted: Tensor, true: Tensor, levels: int = 4) -> Tensor:
    """L1 between Laplacian pyramids (Hou and Liu, 2019), level i weighted by 2**i.

    Both (n, 1, h, w) in [0, 1]; h and w divisible by 2**levels. The pyramid is linear, so one
    pyramid of the difference does for both.
    """
    rest = predicted - true
    loss = torch.zeros((), device=rest.device)
    for level in range(levels):
        low = functional.avg_pool2d(_blur(rest), 2)
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


def matting_loss(logits: Tensor, true: Tensor) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, and each part's value.

    `logits` and `true` (n, m, h, w): n pairs of neighbouring frames (m 2) or single frames (m 1).
    """
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
    weights = {"bce": 0.5, "alpha": 1.0, "laplacian": 0.25, "gradient": 2.0, "temporal": 3.0}
    total = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
    return total, {name: float(part.detach()) for name, part in parts.items()}
