"""The training loop: seeded, resumable, by steps or by minutes, on CPU or GPU."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import torch
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from torch import Tensor

from export.network.matting_network import SETTINGS, MattingNetwork
from export.training import checkpoint
from export.training.curves import draw_curves
from export.training.losses import matting_loss
from export.training.memory import keep_freed_memory
from export.training.muon import Optimiser
from export.training.plan import Phase, TrainingPlan, done, phase, phases, rate
from export.training.ranks import Ranks, together
from export.training.stream import batches
from export.training.validate import Validation


class Run:
    """One run: the network, its average, the optimiser, and where they are saved."""

    def __init__(self, plan: TrainingPlan, ranks: Ranks) -> None:
        """Start afresh, from `plan.start`'s weights, or where the checkpoint in `work` stopped."""
        self.plan, self.setting, self.ranks = plan, SETTINGS[plan.setting], ranks
        torch.manual_seed(plan.seed)
        keep_freed_memory()
        torch.set_num_threads(plan.threads)
        cv2.setNumThreads(plan.threads)
        automatic = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(automatic if plan.device == "auto" else plan.device)
        plan.work.mkdir(parents=True, exist_ok=True)
        self.path = plan.work / f"{plan.setting}.pt"
        self.metrics = plan.work / f"{plan.setting}.metrics.jsonl"
        self.network = MattingNetwork(self.setting).to(self.device)
        self.network = self.network.to(memory_format=torch.channels_last)
        self.optimiser = Optimiser(self.network, plan.rate)
        self.average = checkpoint.MovingAverage(self.network, plan.average)
        self.progress = checkpoint.Progress()
        if self.path.is_file():
            state = checkpoint.load(self.path, plan.setting)
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self._take_average(state["average"])
            self.progress = checkpoint.Progress(**state["progress"])
        elif plan.start is not None:
            weights = checkpoint.average_weights(plan.start, plan.setting)
            self.network.load_state_dict(weights)
            self._take_average(weights)
        self.judge = MattingNetwork(self.setting).to(self.device).eval()
        self.network.train()

    def _take_average(self, weights: dict[str, Tensor]) -> None:
        self.average.state = {key: value.to(self.device) for key, value in weights.items()}

    def batches(self, now: Phase) -> Iterator[tuple[Tensor, Tensor]]:
        """The stream of a phase, from the first scene that was not seen yet."""
        ranks = self.ranks
        return batches(
            self.plan.pack, now.width, now.height, ranks.share(now.scenes), self.plan.seed,
            self.progress.scenes + ranks.rank, self.plan.workers, now.moments, ranks.count,
        )  # fmt: skip

    def step(self, images: Tensor, alphas: Tensor) -> tuple[float, dict[str, float]]:
        """One step of the optimiser; returns the loss and its parts.

        Raises FloatingPointError when the loss is no number.
        """
        self.optimiser.set_rate(rate(self.plan, self.progress))
        images, alphas = images.to(self.device), alphas.to(self.device)
        logits = self.network.forward_logits(images).reshape(alphas.shape)
        loss, parts = matting_loss(logits, alphas)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise FloatingPointError(
                f"loss is {value} at step {self.progress.step}; lower --rate "
                f"(now {self.plan.rate}) and resume from {self.path}"
            )
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.ranks.average_gradients(self.network.parameters())
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.average.update(self.network, self.progress.step)
        return value, parts

    def save(self, figures: dict[str, float], validation: Validation) -> None:
        """Validate the average, add a line to the metrics, redraw the curves, save."""
        self.judge.load_state_dict(self.average.state)
        line = figures | {
            "step": self.progress.step,
            "scenes": self.progress.scenes,
            "seconds": round(self.progress.seconds, 1),
            "rate": rate(self.plan, self.progress),
            **validation(self.judge),
        }
        with self.metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")
        checkpoint.save(
            self.path, self.plan.setting, self.network, self.average, self.optimiser, self.progress
        )
        draw_curves(self.metrics, self.metrics.with_suffix(".png"))


def train(plan: TrainingPlan) -> Path:
    """Train or resume; returns the checkpoint. Metrics and their picture lie beside it.

    Raises ValueError for an unknown setting or scenes that the processes cannot share, here and
    not in each of them.
    """
    if plan.setting not in SETTINGS:
        raise ValueError(f"setting {plan.setting!r} unknown, expected one of {sorted(SETTINGS)}")
    for now in phases(plan, SETTINGS[plan.setting]):
        Ranks(0, plan.processes).share(now.scenes)
    together(plan.processes, _train, plan)
    return plan.work / f"{plan.setting}.pt"


def _train(plan: TrainingPlan, ranks: Ranks) -> None:
    run = Run(plan, ranks)
    progress = run.progress
    validation = Validation(plan.validation, run.setting.width, run.setting.height)
    stream: Iterator[tuple[Tensor, Tensor]] | None = None
    current: Phase | None = None
    sums: dict[str, float] = {}
    count = 0
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, disable=not ranks.first) as bar:
        task = bar.add_task(plan.setting, total=1000)
        clock = time.monotonic()
        while done(plan, progress) < 1.0:
            wanted = phase(plan, run.setting, progress)
            if stream is None or wanted != current:
                stream, current = run.batches(wanted), wanted
            loss, parts = run.step(*next(stream))
            progress.step += 1
            progress.scenes += wanted.scenes
            now = time.monotonic()
            progress.seconds = ranks.agree(progress.seconds + now - clock)
            clock = now
            count += 1
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
            text = f"{plan.setting} {wanted.width}x{wanted.height} step {progress.step}"
            bar.update(
                task,
                completed=int(1000 * done(plan, progress)),
                description=f"{text} loss {loss:.3f}",
            )
            due = progress.step % plan.save_every == 0 or done(plan, progress) >= 1.0
            if due and ranks.first:
                run.save({name: value / count for name, value in sums.items()}, validation)
                sums, count = {}, 0
