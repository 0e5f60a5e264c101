"""Training on from trained weights, on strangers: AdamW, priors dropped out, by the clock."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn

from export.network.matting_network import SETTINGS, MattingNetwork
from export.training import checkpoint
from export.training.losses import matting_loss
from export.training.memory import keep_freed_memory
from export.training.mixture import kinds, mixed_batches
from export.training.prior_start import start_from
from export.training.ranks import Ranks, together
from export.training.strangers import StrangersCheck
from export.training.validate import Validation


@dataclass(frozen=True)
class TunePlan:
    """One run of tuning; `minutes` are of training, over all its resumptions."""

    setting: str
    work: Path
    models: Path
    start: Path
    minutes: float
    name: str = "tuned"
    rate: float = 8e-4
    theirs: float = 0.3  # of the rate, for what was published
    decay: float = 1e-4
    scenes: int = 16
    seed: int = 14
    workers: int = 1  # each process's own, as threads are
    threads: int = 1
    processes: int = 1
    average: float = 0.998
    save_every: int = 200
    alone: float = 0.06  # how often a sample goes without any prior
    without: float = 0.06  # and how often without each single one
    early: float = 0.45  # share of the run with mostly small frames and what was published held
    small: tuple[float, float] = (0.62, 0.36)  # share of small frames, early and later


class Tuning:
    """The network, its average, the optimiser, and where they are saved."""

    def __init__(self, plan: TunePlan, ranks: Ranks) -> None:
        self.plan, self.setting, self.ranks = plan, SETTINGS[plan.setting], ranks
        torch.manual_seed(plan.seed)
        keep_freed_memory()
        torch.set_num_threads(plan.threads)
        cv2.setNumThreads(1)
        self.path = plan.work / f"{plan.name}.pt"
        self.metrics = plan.work / f"{plan.name}.metrics.jsonl"
        self.packs = (plan.work / "train.zip", plan.work / "strangers.zip")
        self.network = MattingNetwork(self.setting)
        self.progress = checkpoint.Progress()
        state = checkpoint.load(self.path, plan.setting) if self.path.is_file() else None
        if state is not None:
            self.network.load_state_dict(state["network"])
            self.progress = checkpoint.Progress(**state["progress"])
        else:
            self._begin()
        self.network = self.network.to(memory_format=torch.channels_last).train()
        self.optimiser = torch.optim.AdamW(self._groups(), weight_decay=plan.decay)
        self.average = checkpoint.MovingAverage(self.network, plan.average)
        if state is not None:
            self.average.state = state["average"]
            if state["optimiser"] is not None:
                self.optimiser.load_state_dict(state["optimiser"])
        self.judge = MattingNetwork(self.setting).eval()
        torch.manual_seed(plan.seed + 1000 * ranks.rank + self.progress.step)

    def early(self) -> bool:
        """Whether the run is in its first part."""
        return self.done() < self.plan.early

    def batches(self, workers: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The stream of the run's part, from the first batch that was not seen yet.

        Sets what learns in that part: at first not the published trunks, which saves half the time.
        """
        for name, value in self.network.named_parameters():
            value.requires_grad_(".trunk." not in name or not self.early())
        small = self.plan.small[0 if self.early() else 1]
        scenes = self.ranks.share(self.plan.scenes)
        made = kinds(self.setting.width, self.setting.height, scenes, small)
        return mixed_batches(
            self.packs, made, self.plan.seed, self.progress.step, workers, self.ranks.rank
        )

    def _begin(self) -> None:
        """From `start`: weights with priors as they are, weights without get published ones."""
        ours = checkpoint.average_weights(self.plan.start, self.plan.setting)
        if any(name.startswith("priors.") for name in ours):
            self.network.load_state_dict(ours)
            return
        images = [images for (images, _, _), _ in zip(self.batches(0), range(12), strict=False)]
        start_from(self.network, ours, self.plan.models, images)

    def _groups(self) -> list[dict[str, object]]:
        """Ours and what joins, at the full rate; the published trunks at a lower one."""
        ours: list[nn.Parameter] = []
        theirs: list[nn.Parameter] = []
        for name, value in self.network.named_parameters():
            (theirs if ".trunk." in name else ours).append(value)
        return [{"params": ours, "share": 1.0}, {"params": theirs, "share": self.plan.theirs}]

    def done(self) -> float:
        """Share of the run that is done."""
        return min(1.0, self.progress.seconds / (60 * self.plan.minutes))

    def rate(self) -> float:
        """Warm-up, then half a cosine down to a fiftieth."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.done()))
        return self.plan.rate * min(1.0, (self.progress.step + 1) / 100) * (0.02 + 0.98 * cosine)

    def keep(self, samples: int) -> Tensor:
        """Which priors each sample keeps, (samples, priors) of 0 and 1."""
        count = len(self.setting.priors)
        kept = torch.rand(samples, count) >= self.plan.without
        return (kept & (torch.rand(samples, 1) >= self.plan.alone)).float()

    def step(self, images: Tensor, alphas: Tensor, weights: Tensor) -> dict[str, float]:
        """One step; returns the loss's parts. Raises FloatingPointError when it is no number."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate() * group["share"]
        scenes, moments = alphas.shape[:2]
        # A pair shares its fate: or the loss on its change would punish the dropping out.
        keep = self.keep(scenes).repeat_interleave(moments, 0) if self.setting.priors else None
        logits = self.network.forward_logits(images, keep).reshape(alphas.shape)
        loss, parts = matting_loss(logits, alphas, weights)
        if not math.isfinite(float(loss.detach())):
            raise FloatingPointError(f"loss is {loss} at step {self.progress.step}; lower the rate")
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.ranks.average_gradients(self.network.parameters())
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.average.update(self.network, self.progress.step)
        return parts

    def save(
        self, figures: dict[str, float], checks: list[Callable[..., dict[str, float]]]
    ) -> None:
        """Judge the average, add a line to the metrics, save; keep the best of strangers apart."""
        self.judge.load_state_dict(self.average.state)
        line = figures | vars(self.progress) | {"rate": self.rate()}
        for check in checks:
            line |= check(self.judge)
        with self.metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps({name: round(value, 4) for name, value in line.items()}), flush=True)
        checkpoint.save(
            self.path, self.plan.setting, self.network, self.average, self.optimiser, self.progress
        )


def tune(plan: TunePlan) -> Path:
    """Tune or resume; returns the checkpoint."""
    Ranks(0, plan.processes).share(plan.scenes)
    together(plan.processes, _tune, plan)
    return plan.work / f"{plan.name}.pt"


def _tune(plan: TunePlan, ranks: Ranks) -> None:
    run = Tuning(plan, ranks)
    width, height = run.setting.width, run.setting.height
    validation = plan.work / "validation.zip"
    checks: list[Callable[..., dict[str, float]]] = []
    if ranks.first:
        held_out = plan.work / "sets" / "strangers"
        checks.append(StrangersCheck(held_out, validation, width, height))
        checks.append(Validation(validation, width, height))
        if run.progress.step == 0:
            run.save({}, checks)
    early, stream = run.early(), run.batches(plan.workers)
    sums: dict[str, float] = {}
    count, clock = 0, time.monotonic()
    while run.done() < 1:
        if early and not run.early():
            early, stream = False, run.batches(plan.workers)
        images, alphas, weights = next(stream)
        for name, value in run.step(images, alphas, weights).items():
            sums[name] = sums.get(name, 0.0) + value
        count += 1
        run.progress.step += 1
        run.progress.scenes += len(alphas) * ranks.count
        now = time.monotonic()
        run.progress.seconds = ranks.agree(run.progress.seconds + now - clock)
        clock = now
        if ranks.first and (run.progress.step % plan.save_every == 0 or run.done() >= 1):
            run.save({name: value / count for name, value in sums.items()}, checks)
            sums, count = {}, 0
