"""Rendered people: the rasteriser, the poses, and whole figures from a body made of boxes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export.figures import render
from export.figures.body import PARTS, Body, Floats, Posed, read_groups
from export.figures.outfit import dress
from export.figures.poses import FAMILIES, Stance, random_pose, rotation
from export.figures.raster import View, barycentric, paint, vertex_normals
from export.figures.reaches import build_of
from export.figures.regions import regions
from export.figures.render import ROWS, Figure, render_figure
from export.figures.seats import SEATS, seat
from export.figures.surfaces import SKINS, waves
from export.figures.wardrobe import Wardrobe

# Part, centre and half extents in metres of a person facing -y; limbs are mirrored to +x and -x.
_BOXES = {
    "torso": ((0, 0, 0.25), (0.18, 0.1, 0.28)),
    "neck": ((0, 0, 0.56), (0.05, 0.05, 0.05)),
    "head": ((0, 0, 0.72), (0.08, 0.1, 0.12)),
    "eye": ((0.03, -0.1, 0.72), (0.012, 0.012, 0.012)),
    "upper arm": ((0.24, 0, 0.36), (0.05, 0.05, 0.14)),
    "forearm": ((0.24, 0, 0.1), (0.04, 0.04, 0.12)),
    "hand": ((0.24, 0, -0.1), (0.04, 0.02, 0.08)),
    "thigh": ((0.09, 0, -0.22), (0.08, 0.08, 0.22)),
    "shin": ((0.09, 0, -0.64), (0.06, 0.06, 0.2)),
    "foot": ((0.09, -0.05, -0.88), (0.05, 0.12, 0.05)),
}
_JOINTS = {
    "upperarm01": (0.24, 0, 0.5), "lowerarm01": (0.24, 0, 0.22), "wrist": (0.24, 0, -0.02),
    "upperleg01": (0.09, 0, 0), "lowerleg01": (0.09, 0, -0.44), "foot": (0.09, 0, -0.84),
    "eye": (0.03, -0.1, 0.72), "finger2-1": (0.24, -0.02, -0.1),
    "finger3-1": (0.24, 0, -0.1), "finger5-1": (0.24, 0.02, -0.1),
}  # fmt: skip


def _box(middle: Floats, half: Floats, cells: int = 6) -> tuple[Floats, NDArray[np.int64]]:
    """Six grids of `cells` squares a side, corners counterclockwise seen from outside."""
    points: list[Floats] = []
    faces: list[tuple[int, int, int]] = []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = np.eye(3)[(axis + 1) % 3], sign * np.eye(3)[(axis + 2) % 3]
            start = len(points)
            for i in range(cells + 1):
                for j in range(cells + 1):
                    at = sign * np.eye(3)[axis] + (2 * i / cells - 1) * u + (2 * j / cells - 1) * v
                    points.append(middle + half * at)
            for i in range(cells):
                for j in range(cells):
                    a = start + i * (cells + 1) + j
                    b, c, d = a + cells + 1, a + cells + 2, a + 1
                    faces += [(a, b, c), (a, c, d)]
    return np.array(points), np.array(faces)


class BoxBody(Body):
    """A static body of boxes: `Body`'s interface, without Anny."""

    def __init__(self) -> None:
        points, faces, parts = [], [], []
        for part, (middle, half) in _BOXES.items():
            for side in (1, -1) if middle[0] else (1,):
                box, own = _box(np.array(middle) * (side, 1, 1), np.array(half))
                faces.append(own + sum(len(p) for p in points))
                points.append(box)
                parts.append(np.full(len(box), PARTS.index(part)))
        hair = _box(np.array([0, 0.05, 0.6]), np.array([0.1, 0.09, 0.25]))
        skirt = _box(np.array([0, 0, -0.4]), np.array([0.2, 0.15, 0.4]))
        groups = [np.full(sum(len(f) for f in faces), "body")]
        for name, (box, own) in (("helper-hair", hair), ("helper-skirt", skirt)):
            faces.append(own + sum(len(p) for p in points))
            points.append(box)
            parts.append(np.full(len(box), PARTS.index("torso")))
            groups.append(np.full(len(own), name))
        self.points, self.faces = np.concatenate(points), np.concatenate(faces)
        self.part, self.group = np.concatenate(parts), np.concatenate(groups)
        self.bones = []

    def posed(self, shape: Mapping[str, float], turns: Mapping[str, Floats]) -> Posed:
        joints = {
            f"{bone}.{side}": np.array(at) * (sign, 1, 1)
            for bone, at in _JOINTS.items()
            for side, sign in (("L", 1), ("R", -1))
        }
        joints |= {"spine01": np.array([0, 0, 0.35]), "neck01": np.array([0, 0, 0.52]),
                   "head": np.array([0, 0, 0.6])}  # fmt: skip
        return Posed(self.points, self.points.copy(), joints)


@pytest.fixture(scope="module")
def body() -> Body:
    return BoxBody()


def test_the_nearer_face_covers_the_farther() -> None:
    square = np.array([[2, 2], [12, 2], [12, 12], [2, 12]], float)
    pixels = np.concatenate([square, square + 5])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    near, far = np.full(4, 1.0), np.full(4, 2.0)
    first = paint(pixels, np.concatenate([near, far]), faces, 20, 20)
    second = paint(pixels, np.concatenate([far, near]), faces, 20, 20)
    assert set(np.unique(first[8:12, 8:12])) <= {1, 2}
    assert set(np.unique(second[8:12, 8:12])) <= {3, 4}
    assert first[0, 0] == second[0, 0] == 0
    assert first[15, 15] in (3, 4)


def test_what_lies_outside_or_behind_the_camera_is_left_out() -> None:
    corners = np.array([[100, 100], [110, 100], [100, 110], [2, 2], [9, 2], [2, 9]], float)
    depth = np.array([1, 1, 1, -1, -1, -1], float)
    assert not paint(corners, depth, np.array([[0, 1, 2], [3, 4, 5]]), 20, 20).any()


def test_weights_carry_what_is_linear() -> None:
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 100, (50, 3, 2))
    true = rng.dirichlet((1, 1, 1), 50)
    points = np.einsum("pc,pcd->pd", true, corners)
    np.testing.assert_allclose(barycentric(corners, points), true, atol=1e-6)
    outside = barycentric(corners, points + 500)
    assert outside.min() >= 0
    np.testing.assert_allclose(outside.sum(axis=1), 1)


def test_the_view_is_from_where_it_says() -> None:
    before = View(0, 0, 3.0, np.zeros(3))
    # The person's left is the picture's right; up is up; the nose is nearer.
    np.testing.assert_allclose(before(np.array([[1.0, 0, 0]])), [[1, 0, 3]], atol=1e-12)
    np.testing.assert_allclose(before(np.array([[0.0, 0, 1]])), [[0, -1, 3]], atol=1e-12)
    np.testing.assert_allclose(before(np.array([[0.0, -1, 0]])), [[0, 0, 2]], atol=1e-12)
    above = View(0, 30, 3.0, np.zeros(3))
    assert above(np.array([[0.0, 0, 1]]))[0, 2] < 3 < above(np.array([[0.0, 0, -1]]))[0, 2]
    behind = View(180, 0, 3.0, np.zeros(3))
    np.testing.assert_allclose(behind(np.array([[1.0, 0, 0]])), [[-1, 0, 3]], atol=1e-12)


def test_normals_point_outwards() -> None:
    points, faces = _box(np.zeros(3), np.ones(3))
    normals = vertex_normals(points, faces)
    assert (np.einsum("nd,nd->n", normals, points) > 0.5).all()


def test_rotations_turn_by_the_right_hand() -> None:
    for axis in range(3):
        turn = rotation(axis, 90)
        before, after = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
        np.testing.assert_allclose(turn @ before, after, atol=1e-12)
        np.testing.assert_allclose(rotation(axis, 33) @ rotation(axis, 57), turn, atol=1e-12)


def test_what_cuts_another_is_seen_where_it_is_nearer() -> None:
    # Two squares through each other: the depth changes sign in the middle.
    square = np.array([[0, 0], [20, 0], [20, 20], [0, 20]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    depth = np.array([1, 3, 3, 1, 2, 2, 2, 2], float)
    ids = paint(np.concatenate([square, square]), depth, faces, 20, 20)
    assert set(np.unique(ids[:, :9])) <= {1, 2}
    assert set(np.unique(ids[:, 11:])) <= {3, 4}


def test_size_does_not_decide_what_is_seen() -> None:
    large = np.array([[0, 0], [40, 0], [0, 40]], float)
    small = np.array([[4, 4], [7, 4], [4, 7]], float)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    pixels = np.concatenate([large, small])
    assert paint(pixels, np.repeat([2.0, 1.0], 3), faces, 40, 40)[5, 4] == 2
    assert paint(pixels, np.repeat([1.0, 2.0], 3), faces, 40, 40)[5, 4] == 1


def test_a_face_covers_the_pixels_whose_centre_is_in_it() -> None:
    corners = np.array([[2.6, 2.6], [7.4, 2.6], [7.4, 7.4], [2.6, 7.4]])
    ids = paint(corners, np.ones(4), np.array([[0, 1, 2], [0, 2, 3]]), 10, 10)
    assert (ids > 0).sum() == 16
    assert (ids[3:7, 3:7] > 0).all()


def test_poses_are_rotations_and_of_every_family(body: Body) -> None:
    build = build_of(body.posed({}, {}))
    families, gripping = set(), set()
    for seed in range(300):
        pose = random_pose(np.random.default_rng(seed), build)
        families.add(pose.family)
        gripping |= set(pose.held)
        for turn in pose.turns.values():
            np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
            assert np.linalg.det(turn) > 0
    assert families == set(FAMILIES)
    assert gripping == {"L", "R"}
    first, second = (random_pose(np.random.default_rng(9), build).turns for _ in range(2))
    assert all((first[bone] == second[bone]).all() for bone in first)


def test_noise_is_smooth_and_of_unit_spread() -> None:
    line = np.zeros((20_000, 3))
    line[:, 0] = np.linspace(0, 500, len(line))
    noise = waves(np.random.default_rng(5), line, 1.0, 64)
    assert 0.8 < noise.std() < 1.2
    near = waves(np.random.default_rng(5), line[:2] * (0.01, 1, 1), 1.0, 64)
    assert abs(near[1] - near[0]) < 0.01


def test_groups_of_a_wavefront_file(tmp_path: Path) -> None:
    path = tmp_path / "base.obj"
    path.write_text("v 0 0 0\ng body\nf 1/1 2/2 3/3\ng cloak\nf 1/1 2/2 3/3 4/4\ng hat\nf 7 8 9\n")
    groups = read_groups(path, ("cloak", "hat", "absent"))
    assert groups["cloak"].tolist() == [[0, 1, 2], [0, 2, 3]]
    assert groups["hat"].tolist() == [[6, 7, 8]]
    assert groups["absent"].shape == (0, 3)


def test_without_anny_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(ModuleNotFoundError, match="make export-setup"):
        Body()


def test_regions_are_where_they_belong(body: Body) -> None:
    posed = body.posed({}, {})
    where = regions(body, posed)
    high = posed.rest[:, 2]
    hand, foot = where.part["hand"], where.part["foot"]
    assert (where.arm[hand] > 2).all()
    assert (where.leg[foot] > 2).all()
    assert (where.arm[~hand & ~where.part["upper arm"] & ~where.part["forearm"]] == -1).all()
    upper = where.arm[where.part["upper arm"]]
    assert 0 <= upper.min() < 0.1 < 0.9 < upper.max() <= 1
    assert high[where.scalp > 0].max() > high[where.face].max()
    helpers = np.unique(body.faces[body.group != "body"])
    assert not any(part[helpers].any() for part in where.part.values())


def test_everything_of_the_skin_is_covered_by_a_layer(body: Body) -> None:
    posed = body.posed({}, {})
    worn = set()
    for seed in range(30):
        outfit = dress(np.random.default_rng(seed), body, posed, Wardrobe())
        assert (outfit.layers[0].level > 0).all()
        assert outfit.shown[body.group == "body"].all()
        assert outfit.offset.min() >= 0
        assert outfit.offset.max() < 0.16
        worn |= set(body.group[outfit.shown])
        for layer in outfit.layers:
            colours = layer.paint(posed.rest[:50])
            assert colours.shape == (50, 3)
    assert worn == {"body", "helper-hair", "helper-skirt"}


def _figures(body: Body, count: int) -> list[Figure]:
    return [render_figure(np.random.default_rng((4, k)), body, Wardrobe()) for k in range(count)]


def test_a_figure_is_a_cutout_with_a_soft_edge_and_its_own_colours_there(body: Body) -> None:
    figures = _figures(body, 5)
    assert {figure.whole for figure in figures} == {True, False}
    for figure in figures:
        alpha = figure.alpha
        assert alpha.shape[0] == ROWS
        assert figure.foreground.shape == (*alpha.shape, 3)
        assert alpha.max() == 255
        soft = (alpha > 20) & (alpha < 235)
        assert 0.001 < soft.mean() < 0.2
        assert (alpha[0] > 127).mean() < 0.02  # a hair may touch it
        # Whole bodies end above the last row, the others are cut off by it.
        assert bool(alpha[-1].any()) != figure.whole
        # None of the black canvas has bled into the edge.
        inside = figure.foreground[alpha == 255].mean()
        edge = figure.foreground[soft].mean()
        assert edge > 0.4 * inside


def test_a_figure_is_a_function_of_its_seed(body: Body) -> None:
    first, second = _figures(body, 2), _figures(body, 2)
    for one, other in zip(first, second, strict=True):
        assert (one.foreground == other.foreground).all()
        assert (one.alpha == other.alpha).all()
    assert first[0].alpha.shape != first[1].alpha.shape or (first[0].alpha != first[1].alpha).any()


@pytest.mark.parametrize("kind", SEATS)
def test_seats_stand_on_the_floor_below_the_hips(body: Body, kind: str) -> None:
    posed = body.posed({}, {})
    skin = np.unique(body.faces[body.group == "body"])
    points = posed.vertices[skin]
    for seed in range(5):
        pieces = seat(np.random.default_rng(seed), body, posed, kind)
        all_of_it = np.concatenate([piece.points for piece in pieces])
        assert np.isfinite(all_of_it).all()
        assert abs(all_of_it[:, 2].min() - points[:, 2].min()) < 0.03
        torso = points[body.part[skin] == PARTS.index("torso")]
        cushion = pieces[0].points
        assert cushion[:, 2].min() < np.quantile(torso[:, 2], 0.2) < cushion[:, 2].max()
        for piece in pieces:
            assert piece.faces.max() < len(piece.points)


def test_a_seat_is_beside_the_matte_and_covers_what_is_behind_it(
    body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "random_pose", lambda rng, build: Stance("sits", {}, "", True))
    found = [render_figure(np.random.default_rng((5, k)), body, Wardrobe()) for k in range(4)]
    monkeypatch.setattr(render, "random_pose", lambda rng, build: Stance("sits", {}, "", False))
    alone = [render_figure(np.random.default_rng((5, k)), body, Wardrobe()) for k in range(4)]
    seated = [figure for figure in found if figure.behind is not None]
    assert len(seated) >= 2
    assert all(figure.behind is None for figure in alone)
    hidden = 0
    for figure in seated:
        behind = figure.behind
        assert behind is not None
        assert behind.shape == (*figure.alpha.shape, 4)
        beside = (behind[..., 3] > 200) & (figure.alpha < 50)
        assert beside.mean() > 0.003
        hidden += int((behind[..., 3] > 200).sum() > beside.sum())
    assert hidden  # some of a seat lies under the person


def test_skins_go_from_pale_to_dark() -> None:
    light = [sum(tone) for tone in SKINS]
    assert len(light) == 10
    assert light[0] > 2 * light[6] > 3 * light[-1]


def test_annys_bodies() -> None:
    pytest.importorskip("anny", reason="Anny is not installed (make export-setup)")
    body = Body()
    posed = body.posed(dict.fromkeys(("gender", "age", "height"), 0.5), {})
    tall = float(np.ptp(posed.vertices[np.unique(body.faces[body.group == "body"]), 2]))
    assert 1.2 < tall < 2.1
    raised = body.posed({}, {"upperarm01.L": rotation(1, -60)})
    hand = (body.part == PARTS.index("hand")) & (posed.rest[:, 0] > 0)
    assert raised.vertices[hand, 2].mean() > posed.vertices[hand, 2].mean() + 0.2
    figure = render_figure(np.random.default_rng(1), body, Wardrobe())
    assert 0.05 < (figure.alpha > 127).mean() < 0.9
