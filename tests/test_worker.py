"""The worker's own rules; the rest of it is seen in the daemon's tests."""

from __future__ import annotations

import pytest

from appliance.worker import Decimator

SECOND = 10**9


@pytest.mark.parametrize(
    ("source", "canvas", "want"),
    [(60, 30, 30), (60, 24, 24), (50, 25, 25), (30, 30, 30), (25, 30, 25), (29.97, 30, 29.97)],
)
def test_a_slower_canvas_takes_every_so_many_frames(
    source: float, canvas: float, want: float
) -> None:
    decimator = Decimator(int(SECOND / canvas))
    taken = sum(decimator.takes(int(i * SECOND / source)) for i in range(int(source * 20)))
    assert taken / 20 == pytest.approx(want, rel=0.02)


def test_jitter_costs_no_frame() -> None:
    decimator = Decimator(SECOND // 30)
    times = [i * SECOND // 30 + (5_000_000 if i % 2 else -5_000_000) for i in range(300)]
    assert sum(map(decimator.takes, times)) == 300


def test_times_that_jump_do_not_stop_the_frames() -> None:
    decimator = Decimator(SECOND // 30)
    times = [0, SECOND, 2 * SECOND, 0, SECOND // 30, 900 * SECOND, 5]
    assert all(map(decimator.takes, times))
