"""The person's alpha and the things', as one."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.pixels import cpu


@pytest.mark.parametrize(
    ("alpha", "raw", "things", "person", "want"),
    [
        (0.0, 0.0, 1.0, True, 1.0),
        (1.0, 1.0, 0.0, True, 1.0),
        (0.7, 0.7, 0.9, True, 0.97),
        # Somebody whom clean has removed.
        (0.0, 0.8, 1.0, True, 0.0),
        (0.0, 0.25, 1.0, True, 0.5),
        # Nobody is to be shown.
        (1.0, 1.0, 1.0, False, 0.0),
        (1.0, 1.0, 0.0, False, 0.0),
        (0.0, 0.0, 0.6, False, 0.6),
        # A network may overshoot.
        (1.0, 1.3, 0.5, True, 1.0),
        (0.0, -0.4, 0.5, True, 0.5),
    ],
)
def test_each_case(alpha: float, raw: float, things: float, person: bool, want: float) -> None:
    planes = [np.full((3, 4), value, np.float32) for value in (alpha, raw, things)]
    cpu.join_things(*planes, person=person)
    assert np.allclose(planes[0], want, atol=1e-6)


def test_without_things() -> None:
    alpha, raw = np.full((3, 4), 0.5, np.float32), np.full((3, 4), 0.5, np.float32)
    cpu.join_things(alpha, raw, None, person=True)
    assert (alpha == 0.5).all()
    cpu.join_things(alpha, raw, None, person=False)
    assert (alpha == 0).all()
