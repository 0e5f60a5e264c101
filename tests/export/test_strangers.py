"""The set of strangers: judged where labels are sure, as a whole and by slice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from export.evaluation.judge_strangers import by_slice, judge_strangers, judged, strangers_table
from export.evaluation.metrics import Alpha
from export.evaluation.strangers import Stranger, load_strangers


def stranger(name: str, slices: str) -> Stranger:
    """Half of the picture is a person; nothing is known of the last quarter."""
    alpha = np.zeros((40, 80), np.uint8)
    alpha[:, :40] = 255
    weight = np.full_like(alpha, 255)
    weight[:, 60:] = 0
    image = np.repeat(alpha[..., None], 3, axis=2)
    return Stranger(name, image, alpha, weight, frozenset(slices.split()))


class Everything:
    """Sees people everywhere."""

    name = "everything"

    def start(self, width: int, height: int) -> None:
        """Nothing is carried."""

    def alpha(self, frame: np.ndarray) -> Alpha:
        """One everywhere."""
        return np.ones(frame.shape[:2], np.float32)

    def milliseconds(self) -> float:
        """No time at all."""
        return 0.0


def test_judged_only_where_the_label_is_sure() -> None:
    one = stranger("a", "")
    truth = (one.alpha / 255).astype(np.float32)
    truth[:, 60:] = 1
    assert judged(truth, one) == (1.0, 0.0)
    iou, mad = judged(np.ones((40, 80), np.float32), one)
    assert iou == pytest.approx(2 / 3)
    assert mad == pytest.approx(1000 / 3)


def test_by_slice() -> None:
    people = [stranger("a", "profile"), stranger("b", "profile small"), stranger("c", "")]
    figures = by_slice(judge_strangers(people, [Everything()]))
    assert list(figures) == ["all", "profile", "small"]
    assert [rows["everything"]["pictures"] for rows in figures.values()] == [3, 2, 1]
    assert figures["all"]["everything"]["lost"] == 1
    assert strangers_table(figures).row_count == 3


def test_round_trip(tmp_path: Path) -> None:
    one = stranger("a", "back seated")
    folder = tmp_path
    for part, image, end in (
        ("images", one.image, "jpg"), ("alphas", one.alpha, "png"), ("weights", one.weight, "png"),
    ):  # fmt: skip
        (folder / part).mkdir()
        cv2.imwrite(str(folder / part / f"a.{end}"), image)
    with pytest.raises(FileNotFoundError, match="python -m export label"):
        list(load_strangers(folder))
    (folder / "slices.csv").write_text("name,slices\na,back seated\n")
    (found,) = load_strangers(folder)
    assert found.slices == {"back", "seated"}
    np.testing.assert_array_equal(found.weight, one.weight)
