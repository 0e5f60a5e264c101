"""What the judge says: a table, JSON, and a sheet of pictures to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from rich.table import Table

from export.evaluation.judge import Result, Sample
from export.evaluation.limit import perfect
from export.evaluation.metrics import HIGHER_IS_BETTER, NAMES

Summary = dict[str, dict[str, dict[str, float]]]

UNITS = {
    "mad": "mean absolute difference x1e3",
    "mse": "mean squared error x1e3",
    "grad": "gradient error, sum / 1e3",
    "conn": "connectivity error, sum / 1e3",
    "dtssd": "RMS of the change's error x1e2",
    "iou": "intersection over union at alpha 0.5",
    "lost": "strangers: share of pictures with an IoU under 0.8",
    "mean_alpha": "mean alpha, percent",
    "ms": "median milliseconds a frame",
}


def table_of(summary: Summary) -> Table:
    """A table: a row a set and contender; the best figure of each set's networks is bold."""
    table = Table(
        title="RobustVideoMatting definitions: "
        + "; ".join(f"{name} {unit}" for name, unit in UNITS.items())
    )
    table.add_column("set")
    table.add_column("model")
    for name in (*NAMES, "mean_alpha", "ms"):
        table.add_column(name, justify="right")
    for set_name, rows in summary.items():
        real = [figures for name, figures in rows.items() if perfect(name) is None] or [
            *rows.values()
        ]
        for contender, figures in rows.items():
            cells = []
            for name in (*NAMES, "mean_alpha", "ms"):
                text = f"{figures[name]:.4f}" if name == "iou" else f"{figures[name]:.2f}"
                best = max if name in HIGHER_IS_BETTER else min
                if name in NAMES and figures[name] == best(r[name] for r in real):
                    text = f"[bold]{text}[/bold]"
                cells.append(text)
            table.add_row(set_name, contender, *cells)
        table.add_section()
    return table


def write_json(path: Path, results: Sequence[Result], summary: Summary, strangers: Summary) -> None:
    """Units, strangers by slice, the summary by set, and every clip's figures."""
    content: dict[str, Any] = {
        "units": UNITS,
        "strangers": strangers,
        "summary": summary,
        "clips": [asdict(result) for result in results],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def record_figures(manifest: Path, summary: Summary, strangers: Summary) -> None:
    """Write both summaries into a manifest's `figures`, rounded; the rest of it stays."""
    content = yaml.safe_load(manifest.read_text())
    parts = {f"strangers-{name}": rows for name, rows in strangers.items()}
    content["figures"] = {
        "units": UNITS,
        **{
            set_name: {
                contender: {name: round(value, 4) for name, value in figures.items()}
                for contender, figures in rows.items()
            }
            for set_name, rows in (parts | summary).items()
        },
    }
    manifest.write_text(
        yaml.safe_dump(content, sort_keys=False, width=200, default_flow_style=None)
    )


def sheet(samples: Sequence[Sample], width: int = 320) -> np.ndarray:
    """A row a sample: input, true alpha, then matte and composite on green of each contender."""
    rows = []
    for sample in samples:
        height = round(sample.frame.shape[0] * width / sample.frame.shape[1])
        cells = [_titled(sample.frame, sample.clip, width, height)]
        cells.append(_titled(_grey(sample.true), "true", width, height))
        for name, alpha in sample.alphas.items():
            cells.append(_titled(_grey(alpha), name, width, height))
            weight = alpha[..., None]
            green = np.array([70, 190, 70], np.float32)
            composite = (sample.frame * weight + green * (1 - weight)).astype(np.uint8)
            cells.append(_titled(composite, "", width, height))
        rows.append(np.hstack(cells))
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))) for row in rows]
    return np.vstack(padded)


def _grey(alpha: np.ndarray) -> np.ndarray:
    return np.repeat(np.round(alpha * 255).astype(np.uint8)[..., None], 3, axis=2)


def _titled(image: np.ndarray, title: str, width: int, height: int) -> np.ndarray:
    small = np.ascontiguousarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            small, title, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, thickness, cv2.LINE_AA
        )
    return small
