"""What a network is shown of the frame before while it trains: mostly right, often not.

A network that is always shown the truth copies it, and never lets go of a mistake of its own. So
half of what it is shown is missing, moved or wrong, and the picture must win.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from export.network.matting_network import as_prior

# Shares of the batch: nothing known; somebody else's matte; parts put in or taken out. The rest
# is the truth, moved and blurred a little, as the frame before would have it.
_UNKNOWN, _FOREIGN, _BROKEN = 0.35, 0.06, 0.15


def moved(alpha: Tensor, shift: float, scale: float) -> Tensor:
    """Each of (n, 1, h, w) shifted (share of the side) and scaled by normal deviates."""
    count = alpha.shape[0]
    theta = torch.zeros(count, 2, 3, device=alpha.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, :, :2] *= torch.exp(torch.randn(count, 1, 1, device=alpha.device) * scale)
    theta[:, :, 2] = torch.randn(count, 2, device=alpha.device) * 2 * shift
    grid = functional.affine_grid(theta, list(alpha.shape), align_corners=False)
    return functional.grid_sample(alpha, grid, padding_mode="border", align_corners=False)


def blurred(alpha: Tensor, factor: int) -> Tensor:
    """Softened by going down in size and up again."""
    small = functional.avg_pool2d(alpha, factor)
    return functional.interpolate(
        small, size=alpha.shape[-2:], mode="bilinear", align_corners=False
    )


def random_priors(true: Tensor) -> Tensor:
    """Priors (n, 1, h, w) in [-1, 1] for frames whose alpha is `true` (n, 1, h, w)."""
    count, _, height, width = true.shape
    prior = moved(true, shift=0.012, scale=0.02)
    prior = blurred(prior, int(2 ** torch.randint(0, 4, ()).item()))
    lot = torch.rand(count)
    for index in range(count):
        if lot[index] < _UNKNOWN:
            continue
        if lot[index] < _UNKNOWN + _FOREIGN:
            prior[index] = true[(index + 1) % count]
        elif lot[index] < _UNKNOWN + _FOREIGN + _BROKEN:
            rows = torch.randint(0, height, (2,)).sort().values
            columns = torch.randint(0, width, (2,)).sort().values
            part = (slice(rows[0], rows[1] + 1), slice(columns[0], columns[1] + 1))
            prior[index, 0][part] = torch.rand(()).round()
    known = (lot >= _UNKNOWN).to(true)[:, None, None, None]
    return as_prior(prior) * known
