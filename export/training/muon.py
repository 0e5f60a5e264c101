"""Muon (Jordan et al., 2024) for the convolutions that are matrices; AdamW for all else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

# Quintic iteration coefficients from Jordan's reference: singular values get near 1 fast.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_STEPS = 5
# Moonlight's scale (Liu et al., 2025): updates of AdamW's size, so that one rate serves both.
_LIKE_ADAM = 0.2
_MOMENTUM = 0.95


def orthogonal(matrix: Tensor) -> Tensor:
    """Roughly the nearest (semi-)orthogonal matrix (m, n): singular values 0.7 to 1.2.

    Five Newton-Schulz iterations; the singular values of a zero matrix stay zero.
    """
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(_STEPS):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * (gram @ gram)) @ x
    return x.T if tall else x


def is_matrix(name: str, value: Tensor) -> bool:
    """Whether Muon applies: a convolution across channels, neither the stem nor the head.

    Depthwise kernels, batch norm and biases mix no channels; the first and last layers do
    better with AdamW, as in the reference.
    """
    return value.ndim == 4 and value.shape[1] > 1 and "stem" not in name and "head" not in name


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum at the size of an AdamW update; decoupled weight decay."""

    def __init__(self, matrices: Sequence[nn.Parameter], rate: float, decay: float) -> None:
        super().__init__(matrices, {"lr": rate, "weight_decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One step; a parameter without a gradient is left alone."""
        for group in self.param_groups:
            for value in group["params"]:
                if value.grad is not None:
                    self._step(value, value.grad, group["lr"], group["weight_decay"])

    def _step(self, value: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        state = self.state[value]
        if not state:
            state["momentum"] = torch.zeros_like(value)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        flat = gradient.lerp(momentum, _MOMENTUM).reshape(len(gradient), -1)
        update = orthogonal(flat) * (_LIKE_ADAM * max(flat.shape) ** 0.5)
        value.mul_(1 - rate * decay)
        value.add_(update.reshape(value.shape), alpha=-rate)


class Optimiser:
    """Muon and AdamW side by side, each with its share of a network's parameters."""

    def __init__(self, network: nn.Module, rate: float, decay: float = 1e-3) -> None:
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, value in network.named_parameters():
            (matrices if is_matrix(name, value) else others).append(value)
        self._both: tuple[torch.optim.Optimizer, ...] = (
            Muon(matrices, rate, decay),
            torch.optim.AdamW(others, lr=rate, weight_decay=decay),
        )

    def set_rate(self, rate: float) -> None:
        """From the next step on."""
        for optimiser in self._both:
            for group in optimiser.param_groups:
                group["lr"] = rate

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for optimiser in self._both:
            optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        """One step of both."""
        for optimiser in self._both:
            optimiser.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """What a checkpoint keeps."""
        return [optimiser.state_dict() for optimiser in self._both]

    def load_state_dict(self, states: Any) -> None:
        """Resume from a checkpoint. Raises ValueError when it is another optimiser's."""
        if not isinstance(states, list) or len(states) != len(self._both):
            raise ValueError(
                "the checkpoint is of another optimiser (AdamW alone, before Muon); begin a new "
                "run from its weights: --start CHECKPOINT, with another --work"
            )
        for optimiser, state in zip(self._both, states, strict=True):
            optimiser.load_state_dict(state)
