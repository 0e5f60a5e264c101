"""Every contender on photographs of people kept back, as a whole and by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from export.evaluation.limit import PerfectAt
from export.evaluation.metrics import Alpha
from export.evaluation.models import Contender, WholeAppliance
from export.evaluation.strangers import Stranger, known

ALL = "all"
UNITS = {
    "iou": "mean intersection over union at alpha 0.5",
    "mad": "mean absolute difference x1e3",
    "lost": "share of pictures with an IoU under 0.8",
}
_LOST = 0.8
# The appliance closes in on people from look to look: a still is shown to it this often.
_STILL = 10


@dataclass(frozen=True)
class PhotographScore:
    """One contender on one photograph, judged only where the label is sure."""

    contender: str
    name: str
    slices: frozenset[str]
    iou: float
    mad: float


def judged(alpha: Alpha, stranger: Stranger) -> tuple[float, float]:
    """IoU and MAD x1e3 of an alpha float32 (h, w) on one photograph."""
    sure = known(stranger.weight)
    true = stranger.alpha[sure] / 255
    ours = alpha[sure]
    union = int(((ours > 0.5) | (true > 0.5)).sum())
    both = int(((ours > 0.5) & (true > 0.5)).sum())
    mad = float(np.abs(ours - true).mean() * 1e3) if ours.size else 0.0
    return both / union if union else 1.0, mad


def alpha_of(one: Contender | PerfectAt, stranger: Stranger) -> Alpha:
    """What a contender makes of a photograph: float32 (h, w) in [0, 1]."""
    height, width = stranger.alpha.shape
    if isinstance(one, PerfectAt):
        return one.alpha((stranger.alpha / 255).astype(np.float32))
    if not isinstance(one, WholeAppliance):
        one.start(width, height)
        return one.alpha(stranger.image)
    even = np.ascontiguousarray(stranger.image[: height // 2 * 2, : width // 2 * 2])
    one.start(even.shape[1], even.shape[0])
    for _ in range(_STILL):
        alpha = one.alpha(even)
    return np.pad(alpha, ((0, height % 2), (0, width % 2)), mode="edge")


def judge_strangers(
    strangers: Iterable[Stranger],
    contenders: Sequence[Contender | PerfectAt],
    told: Callable[[str], None] = lambda _: None,
) -> list[PhotographScore]:
    """All contenders on all photographs."""
    found = []
    for number, stranger in enumerate(strangers):
        if number % 20 == 0:
            told(f"strangers from {stranger.name}")
        for one in contenders:
            iou, mad = judged(alpha_of(one, stranger), stranger)
            found.append(PhotographScore(one.name, stranger.name, stranger.slices, iou, mad))
    return found


def by_slice(verdicts: Sequence[PhotographScore]) -> dict[str, dict[str, dict[str, float]]]:
    """Slice -> contender -> figure; the slice `all` first, the others by name."""
    slices = [ALL, *sorted({name for verdict in verdicts for name in verdict.slices})]
    names = list(dict.fromkeys(verdict.contender for verdict in verdicts))
    table: dict[str, dict[str, dict[str, float]]] = {}
    for part in slices:
        table[part] = {}
        for name in names:
            ours = [
                verdict
                for verdict in verdicts
                if verdict.contender == name and (part == ALL or part in verdict.slices)
            ]
            table[part][name] = {
                "iou": float(np.mean([verdict.iou for verdict in ours])),
                "mad": float(np.mean([verdict.mad for verdict in ours])),
                "lost": float(np.mean([verdict.iou < _LOST for verdict in ours])),
                "pictures": float(len(ours)),
            }
    return table


def strangers_table(figures: dict[str, dict[str, dict[str, float]]]) -> Table:
    """A row a slice and contender."""
    units = "; ".join(f"{name} {unit}" for name, unit in UNITS.items())
    table = Table(title=f"Strangers, where their labels are sure: {units}")
    for column in ("slice", "pictures", "model", *UNITS):
        table.add_column(column)
    for part, rows in figures.items():
        for name, row in rows.items():
            table.add_row(
                part, f"{row['pictures']:.0f}", name, f"{row['iou']:.4f}", f"{row['mad']:.1f}",
                f"{row['lost']:.3f}",
            )  # fmt: skip
        table.add_section()
    return table
