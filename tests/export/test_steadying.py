"""What steadying is said to keep and to lose, on mattes made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.evaluation import steadying
from export.evaluation.metrics import Alpha


def plane(*patches: tuple[slice, float], base: float = 0.0) -> Alpha:
    """20 rows of 50: the patches' rows have their alpha."""
    alpha = np.full((20, 50), base, np.float32)
    for rows, value in patches:
        alpha[rows] = value
    return alpha


def test_ghosts_and_losses() -> None:
    """Rows 0 to 9 are the person: 2 of them lost by steadying, 1 kept by it, 4 others a ghost."""
    true = plane((slice(0, 10), 1.0))
    off = plane((slice(0, 9), 1.0))
    on = plane((slice(2, 10), 1.0), (slice(12, 16), 0.5))
    found = steadying.figures_of([on, off], [off, off], [true, true])
    assert (found.ghost, found.lost, found.right) == pytest.approx((10, 5, 2.5))
    assert (found.ghosts, found.losses) == (50, 50)
    assert found.mad_off == pytest.approx(50)
    assert (found.dtssd > 0, found.dtssd_off) == (True, 0)


def test_what_differs_little_is_not_counted() -> None:
    true = plane((slice(0, 10), 1.0))
    found = steadying.figures_of([true + 0.2], [true], [true])
    assert (found.ghost, found.lost, found.right) == (0, 0, 0)


def test_a_mean_weighs_clips_alike() -> None:
    one, two = (steadying.Figures(*[value] * 9) for value in (1.0, 2.0))
    assert steadying.mean([one, two]) == steadying.Figures(*[1.5] * 9)


def test_sets_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        steadying.main([str(tmp_path)])
