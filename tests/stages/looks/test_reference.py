"""The look of a picture: a known map is found again, and nothing explodes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from appliance.media.frame import Colour, Frame, blank
from appliance.pixels import cpu
from appliance.stages.looks.reference import Moments, moments, transfer


def blobs(seed: int, spread: tuple[float, float, float] = (40, 12, 9)) -> Frame:
    """Soft noise about the middle of all three."""
    rng = np.random.default_rng(seed)
    planes = [cv2.GaussianBlur(rng.normal(0, 1, (180, 320)), (0, 0), 9) for _ in range(3)]
    y, cb, cr = (
        np.clip(128 + by * plane / plane.std(), 20, 230)
        for by, plane in zip(spread, planes, strict=True)
    )
    uv = np.dstack((cb, cr)).reshape(90, 2, 160, 2, 2).mean(axis=(1, 3))
    return Frame(np.rint(y).astype(np.uint8), np.rint(uv).astype(np.uint8), Colour())


def measured(frame: Frame) -> Moments:
    found = moments(frame)
    assert found is not None
    return found


def test_a_known_map_is_found_again() -> None:
    """Between Gaussians the optimal map is symmetric and positive: such a one comes back."""
    rng = np.random.default_rng(2)
    for _ in range(5):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        matrix = turn @ np.diag(rng.uniform(0.6, 1.8, 3)) @ turn.T
        offset = rng.normal(0, 10, 3)
        a = rng.normal(size=(3, 3)) * 20
        source = Moments(rng.normal(128, 9, 3), a @ a.T + 200 * np.eye(3), 1)
        target = Moments(matrix @ source.mean + offset, matrix @ source.covariance @ matrix.T, 1)
        found, added = transfer(source, target)
        assert np.abs(found - matrix).max() < 0.02
        assert np.abs(found @ source.mean + added - target.mean).max() < 1e-6


def test_the_picture_gets_the_references_mean_and_contrast() -> None:
    source, reference = blobs(1), blobs(2, (25, 6, 14))
    reference.y[:] = np.clip(reference.y.astype(int) - 40, 16, 235)
    matrix, offset = transfer(measured(source), measured(reference))
    out = blank(320, 180)
    cpu.apply_look(source, cpu.bake_affine(matrix, offset, Colour()), out)
    got, want = measured(out), measured(reference)
    assert np.abs(got.mean - want.mean).max() < 1
    assert np.abs(np.sqrt(got.covariance.diagonal() / want.covariance.diagonal()) - 1).max() < 0.06


def one_colour(y: int, cb: int, cr: int) -> Frame:
    frame = blank(320, 180)
    frame.y[:], frame.uv[:] = y, (cb, cr)
    return frame


@pytest.mark.parametrize("source", [blobs(1), one_colour(90, 120, 140)])
@pytest.mark.parametrize(
    "reference", [blobs(3), one_colour(180, 90, 160), one_colour(16, 128, 128)]
)
def test_one_colour_does_not_explode(source: Frame, reference: Frame) -> None:
    matrix, offset = transfer(measured(source), measured(reference))
    gains = np.linalg.eigvalsh(matrix)
    assert gains.min() >= 0.5 - 1e-9
    assert gains.max() <= 2 + 1e-9
    out = blank(320, 180)
    cpu.apply_look(source, cpu.bake_affine(matrix, offset, Colour()), out)
    spread = float(source.y.std())
    assert 0.3 * spread <= out.y.std() <= 2.1 * spread + 0.5


def test_only_what_is_the_person_counts() -> None:
    frame, alpha = blobs(1), np.zeros((180, 320), np.uint8)
    assert moments(frame, alpha) is None
    alpha[40:140, 100:220] = 255
    other = replace(frame, y=frame.y.copy(), uv=frame.uv.copy())
    other.y[:30], other.uv[:15], other.y[:, 240:] = 16, 240, 235
    one, same = moments(frame, alpha), moments(other, alpha)
    assert one is not None
    assert same is not None
    assert (one.mean == same.mean).all()
    assert (one.covariance == same.covariance).all()


def test_two_together_are_as_one() -> None:
    one, other = measured(blobs(1)), measured(blobs(2, (10, 4, 4)))
    wide = blank(640, 180)
    wide.y[:] = np.hstack((blobs(1).y, blobs(2, (10, 4, 4)).y))
    wide.uv[:] = np.hstack((blobs(1).uv, blobs(2, (10, 4, 4)).uv))
    both = one.plus(other)
    assert np.abs(both.mean - measured(wide).mean).max() < 0.5
    assert np.abs(both.covariance - measured(wide).covariance).max() < 12
    assert both.weight == one.weight + other.weight


def test_people_are_tinted_not_painted_over() -> None:
    source, reference = measured(blobs(1)), measured(one_colour(20, 220, 60))
    far, near = transfer(source, reference), transfer(source, reference, faces=True)
    assert np.abs(far[0] @ source.mean + far[1] - reference.mean).max() < 1e-6
    moved = near[0] @ source.mean + near[1] - source.mean
    assert moved[0] == pytest.approx(-24)
    assert np.hypot(*moved[1:]) == pytest.approx(10)
    # In the direction of the reference.
    assert moved[1] * (220 - source.mean[1]) > 0
    assert moved[2] * (60 - source.mean[2]) > 0
    like = Moments(source.mean + np.array([3, 4, -5]), source.covariance, 1)
    found = transfer(source, like, faces=True)
    assert np.abs(found[0] @ source.mean + found[1] - like.mean).max() < 1e-6
