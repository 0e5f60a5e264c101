"""Plots of the training curves, drawn from the metrics file with OpenCV alone."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

NAMES = ("bce", "alpha", "laplacian", "gradient", "temporal", "iou", "mad", "rate")
_WIDTH, _HEIGHT, _MARGIN = 360, 200, 28


def draw_curves(metrics: Path, picture: Path) -> None:
    """A small plot per quantity over steps, each scaled to its own range, which is printed."""
    lines = [json.loads(line) for line in metrics.read_text().splitlines() if line]
    plots = []
    for name in NAMES:
        points = [(line["step"], line[name]) for line in lines if name in line]
        plots.append(_plot(name, points))
    rows = [np.hstack(plots[i : i + 4]) for i in range(0, len(plots), 4)]
    cv2.imwrite(str(picture), np.vstack(rows))


def _plot(name: str, points: list[tuple[int, float]]) -> np.ndarray:
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    corner = (_MARGIN, _MARGIN), (_WIDTH - _MARGIN, _HEIGHT - _MARGIN)
    cv2.rectangle(canvas, corner[0], corner[1], (200, 200, 200), 1)
    if points:
        steps = np.array([point[0] for point in points], float)
        values = np.array([point[1] for point in points], float)
        low, high = float(values.min()), float(values.max())
        x = _MARGIN + steps / steps.max() * (_WIDTH - 2 * _MARGIN)
        y = _HEIGHT - _MARGIN - (values - low) / max(high - low, 1e-9) * (_HEIGHT - 2 * _MARGIN)
        line = np.round(np.stack([x, y], axis=1)).astype(np.int32)
        cv2.polylines(canvas, [line], False, (180, 80, 20), 1, cv2.LINE_AA)
        name = f"{name}  {values[-1]:.4g}  [{low:.4g}, {high:.4g}]  step {int(steps[-1])}"
    cv2.putText(canvas, name, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
