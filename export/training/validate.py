"""A quick check during training: IoU and mean error on composed scenes of held-out people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.data.material import load_material
from export.network.matting_network import MattingNetwork
from export.synthesis.scene import compose_pair
from export.training.stream import to_tensor


class Validation:
    """A fixed set of scenes (images, alphas) and two figures computed on it."""

    def __init__(self, pack: Path, width: int, height: int, scenes: int = 48) -> None:
        material = load_material(pack, height)
        rng = np.random.default_rng(1234)
        made = [compose_pair(rng, material, width, height) for _ in range(scenes)]
        self.images = to_tensor(np.concatenate([frames[:1] for frames, _ in made]))
        self.alphas = torch.from_numpy(np.concatenate([a[:1] for _, a in made])).float() / 255

    @torch.no_grad()
    def __call__(self, network: MattingNetwork) -> dict[str, float]:
        """`iou` at 0.5 over all pixels and `mad` x1e3; the network must be in eval mode."""
        device = next(network.parameters()).device
        parts: list[Tensor] = [
            network(chunk.to(device)).cpu()[:, 0] for chunk in self.images.split(8)
        ]
        alpha = torch.cat(parts)
        ours, true = alpha > 0.5, self.alphas > 0.5
        union = (ours | true).sum().clamp(min=1)
        return {
            "iou": float((ours & true).sum() / union),
            "mad": float((alpha - self.alphas).abs().mean() * 1e3),
        }
