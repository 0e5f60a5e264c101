"""Recompute batch norm statistics for weights that no run has collected them for.

The mean of two networks has its own activations: with the mean of their statistics it is worse
than either. So after averaging, a pass over training scenes collects them (Izmailov et al., 2018).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export.data.material import load_material
from export.network.matting_network import SETTINGS, MattingNetwork
from export.synthesis.scene import compose_pair
from export.training.stream import to_tensor

_BATCH = 16


def with_new_statistics(
    weights: dict[str, Tensor], setting: str, pack: Path, scenes: int, seed: int = 5
) -> dict[str, Tensor]:
    """The same weights, with statistics from `scenes` composed single frames at the network's size.

    The pyramid's picture mean has one value per scene and channel: a few hundred scenes are too
    few for it, thousands are enough. Raises ValueError for fewer than one batch of 16,
    FileNotFoundError or ValueError for a bad pack.
    """
    if scenes < _BATCH:
        raise ValueError(f"{scenes} scenes for batch norm's statistics, at least {_BATCH} expected")
    network = MattingNetwork(SETTINGS[setting])
    network.load_state_dict(weights)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    width, height = network.setting.width, network.setting.height
    material = load_material(pack, height)
    rng = np.random.default_rng(seed)
    network.train()
    with torch.no_grad():
        for _ in range(scenes // _BATCH):
            frames = [compose_pair(rng, material, width, height, 1)[0] for _ in range(_BATCH)]
            network.forward_logits(to_tensor(np.concatenate(frames)))
    return {key: value.clone() for key, value in network.state_dict().items()}
