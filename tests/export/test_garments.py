"""MakeHuman's garments: the file's sections, and how they follow the body."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.figures.body import Body, Posed
from export.figures.garments import read_garment
from export.figures.poses import rotation
from export.figures.wardrobe import read_wardrobe

_TEXT = """# a comment
basemesh hm08
name cape
obj_file cape.obj
x_scale 0 1 2.0
z_scale 0 2 4.0
y_scale 0 3 5.0
verts 0
material cape.mhmat
0 1 2 0.5 0.25 0.25 1.0 2.0 3.0
0 1 3 1.0 0.0 0.0 0.0 0.0 0.0
3
delete_verts
4 - 6 9
12 - 13
"""
_OBJ = "v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1/1 2/2 3/3\n"
# The first four vertices of a body 0.2 m wide, 0.4 m deep and 1 m high.
_REST = np.array([[0, 0, 0], [0.2, 0, 0], [0, -0.4, 0], [0, 0, 1.0]])


def _written(folder: Path, text: str = _TEXT, obj: str = _OBJ) -> Path:
    (folder / "cape.mhclo").write_text(text)
    (folder / "cape.obj").write_text(obj)
    return folder / "cape.mhclo"


def test_a_garment_is_read_and_fitted(tmp_path: Path) -> None:
    cape = read_garment(_written(tmp_path))
    assert cape.name == "cape"
    assert cape.faces.tolist() == [[0, 1, 2]]
    assert cape.hides.tolist() == [4, 5, 6, 9, 12, 13]
    # Decimetres by metres: 0.1 across and deep, 0.2 up; the file's z is forwards, the model's -y.
    carried = 0.5 * _REST[0] + 0.25 * _REST[1] + 0.25 * _REST[2]
    first = carried + np.array([1.0 * 0.1, -3.0 * 0.1, 2.0 * 0.2])
    np.testing.assert_allclose(cape.fitted(_REST), [first, _REST[0], _REST[3]])
    # A body half as wide carries its offsets half as far across.
    narrow = cape.fitted(_REST * (0.5, 1, 1))
    np.testing.assert_allclose(narrow[0], first * (0.5, 1, 1))


def test_it_moves_as_the_bones_below_it_do(tmp_path: Path) -> None:
    cape = read_garment(_written(tmp_path))
    body = Body.__new__(Body)
    body.bones = ["still", "moved"]
    body.bone_indices = np.array([[0, 1]] * 4)
    body.bone_weights = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = rotation(2, 90), (0.0, 0.0, 5.0)
    posed = Posed(_REST, _REST, {}, {"still": np.eye(4), "moved": move})
    points = cape.fitted(_REST) + np.array([1.0, 0, 0])
    found = cape.posed(body, posed, points)
    np.testing.assert_allclose(found[:2], points[:2])
    np.testing.assert_allclose(found[2], rotation(2, 90) @ points[2] + (0, 0, 5))


@pytest.mark.parametrize(
    ("text", "obj", "said"),
    [
        (_TEXT.replace("hm08", "other"), _OBJ, "expected hm08"),
        (_TEXT, _OBJ.replace("3/3", "4/4"), "3 vertices placed.*vertex 4"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, text: str, obj: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_garment(_written(tmp_path, text, obj))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cape\.mhclo"):
        read_garment(tmp_path / "cape.mhclo")
    (tmp_path / "cape.mhclo").write_text(_TEXT)
    with pytest.raises(FileNotFoundError, match=r"cape\.obj"):
        read_garment(tmp_path / "cape.mhclo")
    with pytest.raises(FileNotFoundError, match="clothes"):
        read_wardrobe(tmp_path)


def test_the_shared_wardrobe_surrounds_annys_bodies(shared: Path) -> None:
    wardrobe = read_wardrobe(shared / "media" / "makehuman")
    for group in (wardrobe.women, wardrobe.men, wardrobe.shoes, wardrobe.hats, wardrobe.hair):
        assert group
    pytest.importorskip("anny", reason="Anny is not installed (make export-setup)")
    body = Body()
    tall = body.posed({"height": 0.9, "gender": 0.9}, {"upperarm01.L": rotation(1, -60)})
    head = tall.joints["head"]
    for garment in (*wardrobe.hair, *wardrobe.hats):
        fitted = garment.fitted(tall.rest)
        assert np.linalg.norm(fitted.mean(axis=0) - head) < 0.35
    for garment in (*wardrobe.women, *wardrobe.men):
        rest = garment.fitted(tall.rest)
        assert np.ptp(rest[:, 2]) > 0.25 * np.ptp(tall.rest[:, 2])
        # Where it lies on the skin it goes with the skin.
        moved = garment.posed(body, tall, rest) - rest
        skin = np.einsum(
            "nk,nkc->nc", garment.weights, (tall.vertices - tall.rest)[garment.anchors]
        )
        assert np.quantile(np.linalg.norm(moved - skin, axis=1), 0.9) < 0.03
