"""What to train, for how long, and how the run changes on its way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from export.network.matting_network import Setting
from export.training.checkpoint import Progress


@dataclass(frozen=True)
class TrainingPlan:
    """One run. `minutes` wins over `steps` when it is above zero.

    `pairs` are shared by the `processes`; `workers` and `threads` are each process's own.

    `early` is the share of the run, from its start, on small single frames: of these a CPU
    chews six times as many scenes a minute as of full-size pairs, and what a person looks like
    is learnt from the number of scenes. The rest, on pairs, sharpens the edges and teaches
    alpha to hold still.
    """

    setting: str
    pack: Path
    validation: Path
    work: Path
    steps: int = 20_000
    minutes: float = 0.0
    pairs: int = 12
    rate: float = 1e-2
    seed: int = 7
    workers: int = 1
    threads: int = 1
    processes: int = 1
    device: str = "auto"
    average: float = 0.998
    save_every: int = 250
    early: float = 0.6
    start: Path | None = None


@dataclass(frozen=True)
class Phase:
    """How scenes are made for a while: size, frames a scene (1 or 2), scenes a batch."""

    width: int
    height: int
    moments: int
    scenes: int


def done(plan: TrainingPlan, progress: Progress) -> float:
    """Share of the run that is done, 0..1."""
    if plan.minutes > 0:
        return min(1.0, progress.seconds / (60 * plan.minutes))
    return min(1.0, progress.step / plan.steps)


def rate(plan: TrainingPlan, progress: Progress) -> float:
    """Learning rate: 200 steps of warm-up, then half a cosine down to a fiftieth."""
    cosine = 0.5 * (1 + math.cos(math.pi * done(plan, progress)))
    return plan.rate * min(1.0, (progress.step + 1) / 200) * (0.02 + 0.98 * cosine)


def phases(plan: TrainingPlan, setting: Setting) -> tuple[Phase, Phase]:
    """Both phases of a run: small single frames, then pairs at the network's own size."""
    # Seven tenths of each side, in sixteens: 208x112 for 288x160.
    width, height = (round(0.7 * side / 16) * 16 for side in (setting.width, setting.height))
    return (
        Phase(width, height, 1, round(plan.pairs * 8 / 3)),
        Phase(setting.width, setting.height, 2, plan.pairs),
    )


def phase(plan: TrainingPlan, setting: Setting, progress: Progress) -> Phase:
    """The phase that the next step belongs to."""
    small, pairs = phases(plan, setting)
    return pairs if done(plan, progress) >= plan.early else small
