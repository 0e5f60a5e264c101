"""Where a network with priors begins: trained weights of ours, published weights of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from export.network.matting_network import MattingNetwork
from export.network.priors import PriorBranch
from export.network.selfie import SelfieNetwork, load_published

PUBLISHED = {
    "general": "selfie_segmentation.onnx",
    "landscape": "selfie_segmentation_landscape.onnx",
}
_SUREST = 6.0  # logits beyond are not worth fitting
_RIDGE = 1e-2


@torch.no_grad()
def start_from(
    network: MattingNetwork, ours: dict[str, Tensor], models: Path, images: Sequence[Tensor]
) -> None:
    """Fill the network: `ours` (without priors), and MediaPipe's files in the folder `models`.

    A branch ends at 1/4, where the published network has one more step: what it takes for a person
    is fitted there by least squares, on `images`, batches (n, 3, h, w) in [-1, 1].
    Raises ValueError when `ours` is of another network.
    """
    missing, unknown = network.load_state_dict(ours, strict=False)
    odd = [name for name in missing if not name.startswith("priors.")] + list(unknown)
    if odd:
        raise ValueError(f"weights of another network: {', '.join(odd[:3])} do not fit")
    if network.priors is None:
        return
    for name, branch in network.priors.branches.items():
        whole = SelfieNetwork()
        load_published(whole, models / PUBLISHED[name])
        branch.trunk.load_state_dict(whole.trunk.state_dict())
        _fit_head(branch, whole, images)


def _fit_head(branch: PriorBranch, whole: SelfieNetwork, images: Sequence[Tensor]) -> None:
    """Least squares from the map at 1/4, in windows of 3x3, to the published logits there."""
    size = 16 * 9 + 1
    gram, right = torch.zeros(size, size).double(), torch.zeros(size, 1).double()
    for batch in images:
        picture = batch * 0.5 + 0.5
        windows = functional.unfold(whole.trunk(picture).quarter, 3, padding=1)
        rows = windows.movedim(1, 2).reshape(-1, size - 1)
        rows = torch.cat([rows, torch.ones(len(rows), 1)], 1).double()
        wanted = functional.avg_pool2d(whole(picture), 4).clamp(-_SUREST, _SUREST)
        gram += rows.T @ rows
        right += rows.T @ wanted.reshape(-1, 1).double()
    ridge = _RIDGE * gram.diagonal().mean() * torch.eye(size).double() / size
    solved = torch.linalg.solve(gram + ridge, right)[:, 0].float()
    branch.head.weight.copy_(solved[:-1].reshape(1, 16, 3, 3))
    branch.head.bias.copy_(solved[-1:])
