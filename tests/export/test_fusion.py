"""Fusion by agreement: what most teachers say is believed, what splits them is not."""

from __future__ import annotations

import numpy as np

from export.labels.fusion import doubtful, fuse, overlap


def disc(x: int, radius: int = 30) -> np.ndarray:
    """Alpha of a disc in 120x160, soft by a pixel."""
    rows, columns = np.mgrid[0:120, 0:160]
    away = np.hypot(columns - x, rows - 60)
    return np.clip(radius - away + 0.5, 0, 1).astype(np.float32)


def test_agreement_is_believed() -> None:
    one = disc(80)
    alpha, weight = fuse({"selfie": one, "u2net": one, "deeplab": one, "pose": one})
    assert alpha[60, 80] == 1
    assert weight[60, 80] == 1
    assert alpha[5, 5] == 0
    assert weight[5, 5] == 1
    assert doubtful(alpha, weight) == 0
    # The outline is soft by small grids: half at most.
    assert weight[60, 110] <= 0.5


def test_a_majority_wins_and_an_even_split_is_ignored() -> None:
    body, arm = disc(70), np.zeros((120, 160), np.float32)
    arm[55:65, 96:125] = 1
    more = np.maximum(body, arm)
    alpha, weight = fuse({"selfie": more, "u2net": more, "pose": more, "deeplab": body})
    assert alpha[60, 110] == 1
    assert weight[60, 110] > 0.5
    alpha, weight = fuse({"selfie": more, "u2net": body, "pose": body, "deeplab": body})
    assert weight[60, 110] < 0.1
    assert doubtful(alpha, weight) > 0


def test_who_looks_elsewhere_has_no_vote() -> None:
    alpha, weight = fuse({"selfie": disc(50), "u2net": disc(130, 20)})
    assert overlap(disc(50), disc(130, 20)) == 0
    assert alpha[60, 130] == 0
    assert 0 < weight[60, 50] <= 0.5  # one voice only


def test_where_nobody_looked_others_decide() -> None:
    half = disc(80)
    half[:, 80:] = np.nan
    alpha, weight = fuse({"selfie": disc(80), "u2net": disc(80), "pose": half})
    assert alpha[60, 95] == 1
    assert weight[60, 95] == 1
