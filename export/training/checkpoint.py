"""Saving and resuming: weights, their moving average, optimiser, counters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from export.training.muon import Optimiser


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    scenes: int = 0
    seconds: float = 0.0


class MovingAverage:
    """Exponential moving average of a network's weights and batch-norm statistics."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take one step in; early on the average forgets faster, or it would keep the start."""
        decay = min(self.decay, (1 + step) / (20 + step))
        for key, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[key].lerp_(value.detach(), 1 - decay)
            else:
                self.state[key].copy_(value)


def save(
    path: Path,
    setting: str,
    network: nn.Module,
    average: MovingAverage,
    optimiser: Optimiser | torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write atomically: a run killed while saving still resumes from the previous file."""
    state: dict[str, Any] = {
        "setting": setting,
        "network": network.state_dict(),
        "average": average.state,
        "optimiser": optimiser.state_dict(),
        "progress": vars(progress),
    }
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def load(path: Path, setting: str) -> dict[str, Any]:
    """Read a checkpoint; raises ValueError when it is of another setting."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["setting"] != setting:
        raise ValueError(
            f"{path}: a checkpoint of {state['setting']!r}, expected {setting!r}; "
            "give another --work folder or --setting"
        )
    return state


def average_weights(path: Path, setting: str) -> dict[str, Tensor]:
    """The averaged weights of a checkpoint, the ones to export."""
    weights: dict[str, Tensor] = load(path, setting)["average"]
    return weights


def with_weights(state: dict[str, Any], weights: dict[str, Tensor]) -> dict[str, Any]:
    """A checkpoint with other weights, to export or to `--start` from.

    The optimiser is left out: its moments belong to the weights that were there.
    """
    return state | {"average": weights, "network": weights, "optimiser": None}


def mean_of(
    paths: Sequence[Path], setting: str, shares: Sequence[float] | None = None
) -> dict[str, Any]:
    """The last of some checkpoints of one run, its average replaced by the mean of all theirs.

    `shares` (any positive numbers, one a checkpoint) weigh them; without, all weigh alike. Weights
    of one run lie in one valley, and their mean is often better than each (Izmailov et al., 2018).
    Raises ValueError when there is nothing to average, or the shares do not fit.
    """
    weights = list(shares) if shares else [1.0] * len(paths)
    if not paths or len(weights) != len(paths) or min(weights) <= 0:
        raise ValueError(
            f"{len(paths)} checkpoints and shares {weights}; expected one share above zero for each"
        )
    total = sum(weights)
    state: dict[str, Any] = {}
    sums: dict[str, Tensor] = {}
    for path, weight in zip(paths, weights, strict=True):
        state = load(path, setting)
        for key, value in state["average"].items():
            if value.dtype.is_floating_point:
                part = value.double() * (weight / total)
                sums[key] = sums[key] + part if key in sums else part
    mean = {
        key: sums[key].to(value.dtype) if key in sums else value
        for key, value in state["average"].items()
    }
    return with_weights(state, mean)
