"""Several processes training one network together, each on its own scenes.

On a CPU, two single-threaded processes outperform one with two threads: no waiting within a layer.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing

# The longest that a rank waits for the others: the first validates and saves in between.
PATIENCE = timedelta(minutes=10)


class Ranks:
    """A run's processes as seen by one of them; when there is only one, everything is a no-op."""

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def first(self) -> bool:
        """Whether this rank validates, saves and shows the progress bar."""
        return self.rank == 0

    def share(self, scenes: int) -> int:
        """How many of a step's scenes are this rank's; ValueError unless they divide evenly."""
        if scenes % self.count:
            raise ValueError(
                f"{scenes} scenes a step cannot be shared by {self.count} processes; "
                "change --pairs or --processes"
            )
        return scenes // self.count

    def average_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by its mean over all ranks."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, mean in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))

    def agree(self, value: float) -> float:
        """The first rank's value: clocks differ, and all must change phase at the same step."""
        if self.count == 1:
            return value
        told: Tensor = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(told, 0)
        return float(told)


def _enter(rank: int, count: int, meeting: str, work: Callable[..., Any], args: Any) -> None:
    # torch has the kernel send this when the parent dies, but a shell makes background jobs ignore
    # it: two runs would then write the same checkpoint.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=count, timeout=PATIENCE
    )
    try:
        work(*args, Ranks(rank, count))
    finally:
        distributed.destroy_process_group()


def together(count: int, work: Callable[..., Any], *args: Any) -> None:
    """Run `work(*args, ranks)` in `count` processes; raises when one of them fails."""
    if count == 1:
        work(*args, Ranks())
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "ranks")
        multiprocessing.spawn(_enter, (count, meeting, work, args), nprocs=count)
