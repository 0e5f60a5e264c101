"""Hats, glasses, headphones and held things: closed-in meshes that go with their bone."""

from __future__ import annotations

import numpy as np
import pytest

from export.figures.body import Posed
from export.figures.headgear import HATS, Skull, bun, glasses, hat, headphones, headset_arm
from export.figures.held import THINGS, thing
from export.figures.pieces import FigurePiece
from export.figures.poses import rotation
from export.figures.raster import vertex_normals
from export.figures.solids import ball, box, joined, tube, turned
from export.figures.surfaces import plain

_JOINTS = {
    "eye.L": np.array([0.03, -0.12, 0.7]),
    "wrist.L": np.array([0.45, -0.18, 0.16]), "finger2-1.L": np.array([0.47, -0.27, 0.13]),
    "finger3-1.L": np.array([0.49, -0.26, 0.11]), "finger5-1.L": np.array([0.5, -0.22, 0.1]),
}  # fmt: skip
_SKULL = Skull(np.array([0, -0.04, 0.7]), 0.075, 0.095, 0.12, np.array([0, -0.12, 0.7]))


def _posed(bone: str = "head") -> Posed:
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = rotation(1, 40), (1.0, 2.0, 3.0)
    nobody = np.zeros((0, 3))
    return Posed(nobody, nobody, _JOINTS, {bone: move})


def _sound(piece: FigurePiece) -> None:
    assert piece.faces.min() == 0
    assert piece.faces.max() == len(piece.rest) - 1
    assert np.isfinite(piece.points).all()
    assert piece.paint(piece.rest).shape == piece.rest.shape
    # Stiff: lengths stay.
    a, b = piece.faces[:, 0], piece.faces[:, 1]
    before, after = (np.linalg.norm(p[a] - p[b], axis=1) for p in (piece.rest, piece.points))
    np.testing.assert_allclose(before, after, atol=1e-9)
    assert np.linalg.norm(piece.points - piece.rest, axis=1).min() > 0.5


def test_solids_face_outwards() -> None:
    for points, faces in (box(1, 2, 3), ball(1, 1, 1)):
        normals = vertex_normals(points, faces)
        away = np.einsum("nd,nd->n", normals, points)
        assert abs((away > 0).mean() - 0.5) > 0.45  # all one way
    points, faces = turned([(1, 1), (1, -1)], wide=2.0)
    np.testing.assert_allclose((points[:, 0] / 2) ** 2 + points[:, 1] ** 2, 1)
    line = np.linspace((0, 0, 0), (0, 0, 4), 5)
    np.testing.assert_allclose(np.linalg.norm(tube(line, 0.5)[0][:, :2], axis=1), 0.5)
    both, own = joined(box(1, 1, 1), (points, faces))
    assert own.max() == len(both) - 1


@pytest.mark.parametrize("kind", HATS)
def test_hats_cover_the_top_and_leave_the_eyes(kind: str) -> None:
    for seed in range(20):
        (piece,) = hat(np.random.default_rng(seed), _posed(), _SKULL, kind)
        _sound(piece)
        high = piece.rest[:, 2]
        assert high.max() > _SKULL.middle[2] + 0.9 * _SKULL.top
        front = piece.rest[:, 1] < _SKULL.eyes[1]
        assert high[front].min() > _SKULL.eyes[2] - 0.05
        assert np.abs(piece.rest[:, 0]).max() < 2.5 * _SKULL.wide


def test_glasses_headphones_and_buns() -> None:
    seen = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for piece in (
            *glasses(rng, _posed(), _SKULL), *headphones(rng, _posed(), _SKULL),
            *bun(rng, _posed(), _SKULL, plain((1, 2, 3))), *headset_arm(_posed(), _SKULL),
        ):  # fmt: skip
            _sound(piece)
            assert np.linalg.norm(piece.rest - _SKULL.middle, axis=1).max() < 0.25
        seen.add(len(glasses(rng, _posed(), _SKULL)))
    assert seen == {1, 2}  # some are dark


@pytest.mark.parametrize("kind", THINGS)
def test_things_are_in_the_hand(kind: str) -> None:
    (piece,) = thing(np.random.default_rng(1), _posed("wrist.L"), "L", kind)
    _sound(piece)
    assert np.linalg.norm(piece.rest - _JOINTS["finger3-1.L"], axis=1).min() < 0.06
