"""A matte's edge against the image edge."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from export.evaluation.edge_offset import edge_offset, label_offsets
from export.evaluation.sets import save_clip


def disc(radius: float) -> np.ndarray:
    """A disc's coverage, float32 (160, 200)."""
    big = np.zeros((160 * 8, 200 * 8), np.uint8)
    cv2.circle(big, (800, 640), round(8 * radius), 255, -1)
    return cv2.resize(big, (200, 160), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def picture(alpha: np.ndarray, person: int = 60) -> np.ndarray:
    grey = person * alpha + 170 * (1 - alpha)
    grain = np.random.default_rng(3).normal(0, 2, alpha.shape)
    frame = np.repeat((grey + grain)[..., None], 3, axis=2)
    return np.clip(frame, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("wide", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("person", [60, 250])
def test_it_says_by_how_much_a_matte_is_too_wide(wide: int, person: int) -> None:
    found = edge_offset(picture(disc(40), person), disc(40 + wide))
    assert found is not None
    assert found == pytest.approx(wide, abs=0.2)


def test_displaced_chroma_does_not_matter() -> None:
    frame = picture(disc(40))
    ycc = cv2.cvtColor(frame, cv2.COLOR_BGR2YCrCb)
    ycc[..., 1] = 128 + 60 * disc(44)
    found = edge_offset(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR), disc(40))
    assert found is not None
    assert found == pytest.approx(0, abs=0.25)


def test_nothing_to_see_is_no_offset() -> None:
    assert edge_offset(picture(disc(40), person=168), disc(40)) is None
    assert edge_offset(picture(disc(40)), np.zeros((160, 200), np.float32)) is None


def test_sets_are_summed_up_by_their_median(tmp_path: Path) -> None:
    frames = [picture(disc(40)) for _ in range(3)]
    labels = [np.round(disc(radius) * 255).astype(np.uint8) for radius in (40, 41, 45)]
    save_clip(tmp_path / "wide" / "a", frames, labels)
    save_clip(tmp_path / "nobody" / "a", frames, None)
    found = label_offsets(tmp_path, every=1)
    assert list(found) == ["wide"]
    assert found["wide"] == pytest.approx(1, abs=0.2)
