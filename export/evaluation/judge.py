"""Every contender over every clip: metrics, milliseconds, and a few frames for the sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from export.evaluation.limit import PerfectAt
from export.evaluation.metrics import NAMES, Alpha, clip_metrics
from export.evaluation.models import Contender
from export.evaluation.sets import EvaluationClip, load_clip
from export.images import UInt8Image


@dataclass
class Sample:
    """One frame for the sheet of pictures, with each contender's alpha by name."""

    clip: str
    frame: UInt8Image
    true: Alpha
    alphas: dict[str, Alpha] = field(default_factory=dict)


@dataclass
class Result:
    """One contender's figures on one clip; `mean_alpha` is in percent."""

    set_name: str
    clip: str
    contender: str
    frames: int
    metrics: dict[str, float]
    mean_alpha: float
    milliseconds: float


def eight_bit(alpha: Alpha) -> Alpha:
    """Rounded to 8 bits, as RobustVideoMatting's evaluation reads it from PNG."""
    result: Alpha = (np.round(alpha * 255) / 255).astype(np.float32)
    return result


def judge(
    folders: Sequence[Path],
    contenders: Sequence[Contender | PerfectAt],
    samples: int = 1,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[list[Result], list[Sample]]:
    """Run all; contenders take turns frame by frame, so that slow spells hit them all alike."""
    results: list[Result] = []
    pictures: list[Sample] = []
    for folder in folders:
        clip = load_clip(folder)
        told(f"{clip.set_name}/{clip.name}")
        found, shown = _run_clip(clip, contenders, samples)
        results += found
        pictures += shown
    return results, pictures


def _run_clip(
    clip: EvaluationClip, contenders: Sequence[Contender | PerfectAt], samples: int
) -> tuple[list[Result], list[Sample]]:
    height, width = clip.frames[0].shape[:2]
    for one in contenders:
        one.start(width, height)
    picked = {len(clip.frames) * (2 * i + 1) // (2 * samples) for i in range(samples)}
    alphas: dict[str, list[Alpha]] = {one.name: [] for one in contenders}
    shown: list[Sample] = []
    for number, frame in enumerate(clip.frames):
        for one in contenders:
            if isinstance(one, PerfectAt):
                alpha = one.alpha(clip.alphas[number])
            else:
                alpha = one.alpha(frame)
            alphas[one.name].append(eight_bit(alpha))
        if number in picked:
            now = {name: series[-1] for name, series in alphas.items()}
            label = f"{clip.set_name}/{clip.name} {number}"
            shown.append(Sample(label, frame, clip.alphas[number], now))
    results = [
        Result(
            clip.set_name,
            clip.name,
            one.name,
            len(clip.frames),
            clip_metrics(alphas[one.name], clip.alphas),
            float(np.mean([a.mean() for a in alphas[one.name]]) * 100),
            one.milliseconds(),
        )
        for one in contenders
    ]
    return results, shown


def summary(results: Sequence[Result]) -> dict[str, dict[str, dict[str, float]]]:
    """Set -> contender -> figure, clips weighted equally; 'all' weights sets equally."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    sets = list(dict.fromkeys(result.set_name for result in results))
    names = list(dict.fromkeys(result.contender for result in results))
    for set_name in sets:
        table[set_name] = {}
        for name in names:
            ours = [r for r in results if r.set_name == set_name and r.contender == name]
            figures = {key: float(np.mean([r.metrics[key] for r in ours])) for key in NAMES}
            figures["mean_alpha"] = float(np.mean([r.mean_alpha for r in ours]))
            figures["ms"] = ours[-1].milliseconds
            table[set_name][name] = figures
    with_people = [s for s in sets if not s.startswith("empty")]
    if len(with_people) > 1:
        keys = (*NAMES, "mean_alpha", "ms")
        table["all"] = {
            name: {k: float(np.mean([table[s][name][k] for s in with_people])) for k in keys}
            for name in names
        }
    return table
