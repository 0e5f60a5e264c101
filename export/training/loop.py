"""The training loop: seeded, resumable, by steps or by minutes, on CPU or GPU."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from export.network.matting_network import SETTINGS, MattingNetwork
from export.training import checkpoint
from export.training.curves import draw_curves
from export.training.losses import matting_loss
from export.training.memory import keep_freed_memory
from export.training.stream import batches
from export.training.validate import Validation


@dataclass(frozen=True)
class Plan:
    """What to train and for how long. `minutes` wins over `steps` when it is above zero.

    `size` (width, height) trains on smaller scenes than the setting's: more of them in the same
    time, to begin with. `moments` 1 takes single frames, which double the scenes a minute;
    2 takes pairs, which teach alpha to hold still.
    """

    setting: str
    pack: Path
    validation: Path
    work: Path
    steps: int = 20_000
    minutes: float = 0.0
    pairs: int = 12
    rate: float = 2e-3
    seed: int = 7
    workers: int = 1
    threads: int = 1
    device: str = "auto"
    average: float = 0.998
    save_every: int = 250
    start: Path | None = None
    size: tuple[int, int] | None = None
    moments: int = 2


def _done(plan: Plan, progress: checkpoint.Progress) -> float:
    """Share of the run that is done, 0..1."""
    if plan.minutes > 0:
        return min(1.0, progress.seconds / (60 * plan.minutes))
    return min(1.0, progress.step / plan.steps)


def _rate(plan: Plan, progress: checkpoint.Progress) -> float:
    """Learning rate: 200 steps of warm-up, then half a cosine down to a fiftieth."""
    cosine = 0.5 * (1 + math.cos(math.pi * _done(plan, progress)))
    return plan.rate * min(1.0, (progress.step + 1) / 200) * (0.02 + 0.98 * cosine)


def train(plan: Plan) -> Path:
    """Train or resume; returns the checkpoint. Writes metrics.jsonl and curves.png beside it."""
    setting = SETTINGS[plan.setting]
    torch.manual_seed(plan.seed)
    keep_freed_memory()
    torch.set_num_threads(plan.threads)
    cv2.setNumThreads(plan.threads)
    device = torch.device(
        ("cuda" if torch.cuda.is_available() else "cpu") if plan.device == "auto" else plan.device
    )
    plan.work.mkdir(parents=True, exist_ok=True)
    path = plan.work / f"{plan.setting}.pt"
    metrics = plan.work / f"{plan.setting}.metrics.jsonl"
    network = MattingNetwork(setting).to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=1e-3)
    average = checkpoint.MovingAverage(network, plan.average)
    progress = checkpoint.Progress()
    if path.is_file():
        state = checkpoint.load(path, plan.setting)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        average.state = {key: value.to(device) for key, value in state["average"].items()}
        progress = checkpoint.Progress(**state["progress"])
    elif plan.start is not None:
        first = checkpoint.load(plan.start, plan.setting)["average"]
        network.load_state_dict(first)
        average.state = {key: value.to(device) for key, value in first.items()}
    width, height = plan.size or (setting.width, setting.height)
    validation = Validation(plan.validation, setting.width, setting.height)
    judge = MattingNetwork(setting).to(device).eval()
    stream = batches(
        plan.pack, width, height, plan.pairs, plan.seed, progress.scenes, plan.workers, plan.moments
    )  # fmt: skip
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns) as bar:
        task = bar.add_task(plan.setting, total=1.0, completed=_done(plan, progress))
        network.train()
        sums: dict[str, float] = {}
        clock = time.monotonic()
        while _done(plan, progress) < 1.0:
            images, alphas = next(stream)
            for group in optimiser.param_groups:
                group["lr"] = _rate(plan, progress)
            logits = network.forward_logits(images.to(device)).reshape(alphas.shape)
            loss, parts = matting_loss(logits, alphas.to(device))
            if not math.isfinite(float(loss.detach())):
                raise FloatingPointError(
                    f"loss is {float(loss.detach())} at step {progress.step}; "
                    f"lower --rate (now {plan.rate}) and resume from {path}"
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            average.update(network, progress.step)
            progress.step += 1
            progress.scenes += plan.pairs
            now = time.monotonic()
            progress.seconds += now - clock
            clock = now
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
            bar.update(
                task,
                completed=_done(plan, progress),
                description=f"{plan.setting} step {progress.step} loss {float(loss.detach()):.3f}",
            )
            if progress.step % plan.save_every == 0 or _done(plan, progress) >= 1.0:
                count = (progress.step - 1) % plan.save_every + 1
                judge.load_state_dict(average.state)
                line = {name: value / count for name, value in sums.items()} | {
                    "step": progress.step,
                    "scenes": progress.scenes,
                    "seconds": round(progress.seconds, 1),
                    "rate": _rate(plan, progress),
                    **validation(judge),
                }
                with metrics.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                checkpoint.save(path, plan.setting, network, average, optimiser, progress)
                draw_curves(metrics, metrics.with_suffix(".png"))
                sums = {}
    return path
