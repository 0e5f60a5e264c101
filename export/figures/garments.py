"""Clothes and hair made for MakeHuman's base mesh, fitted to any shape and pose of the body.

The format (.mhclo, MakeHuman Community): for each vertex of the .obj three vertices of the base
mesh, their weights and an offset in decimetres, which three pairs of vertices scale by axis.
Its axes are x to the person's left, y up, z forwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Body, Floats, Ints, Posed

_AXES = {"x_scale": 0, "y_scale": 2, "z_scale": 1}  # the model's axis of each of the file's


@dataclass(frozen=True)
class Garment:
    """One mesh, by the vertices of the base mesh that carry it."""

    name: str
    faces: Ints  # (f, 3)
    anchors: Ints  # (n, 3), vertices of the base mesh
    weights: Floats  # (n, 3), sum 1
    offsets: Floats  # (n, 3), model axes, decimetres at the scale of `spans`
    spans: tuple[tuple[int, int, float], ...]  # by axis: two vertices, and decimetres between them
    hides: NDArray[np.int64]  # vertices of the body that are under it

    def fitted(self, rest: Floats) -> Floats:
        """Its vertices (n, 3) on a resting body (m, 3), metres."""
        scale = [
            abs(rest[a, axis] - rest[b, axis]) / length
            for axis, (a, b, length) in enumerate(self.spans)
        ]
        carried = np.einsum("nk,nkc->nc", self.weights, rest[self.anchors])
        return np.asarray(carried + self.offsets * scale)

    def posed(self, body: Body, posed: Posed, points: Floats) -> Floats:
        """`points` (n, 3), fitted to the resting body, moved as the skin below them is."""
        if not posed.moves:
            return points
        moves = np.stack([posed.moves[bone] for bone in body.bones])
        used, where = np.unique(self.anchors, return_inverse=True)
        blended = np.einsum("uk,ukij->uij", body.bone_weights[used], moves[body.bone_indices[used]])
        own = np.einsum("nk,nkij->nij", self.weights, blended[where.reshape(self.anchors.shape)])
        return np.asarray(np.einsum("nij,nj->ni", own[:, :3, :3], points) + own[:, :3, 3])


def read_garment(mhclo: Path) -> Garment:
    """Read a .mhclo file and the .obj file beside it of which it speaks.

    Raises FileNotFoundError when either is absent, ValueError when they do not fit together or are
    not for the base mesh hm08.
    """
    if not mhclo.is_file():
        raise FileNotFoundError(f"{mhclo}: no such file; expected a garment (.mhclo) of MakeHuman")
    lines = mhclo.read_text(encoding="utf-8").splitlines()
    head = {words[0]: words[1:] for line in lines if (words := line.split())}
    if head.get("basemesh") != ["hm08"]:
        raise ValueError(f"{mhclo}: base mesh {head.get('basemesh')}, expected hm08")
    spans: list[tuple[int, int, float]] = [(0, 0, 1.0)] * 3
    for word, axis in _AXES.items():
        a, b, length = head[word]
        spans[axis] = (int(a), int(b), float(length))
    anchors, weights, offsets = _anchored(lines)
    faces = _triangles(mhclo.with_name(head["obj_file"][0]))
    if faces.max() >= len(anchors):
        raise ValueError(
            f"{mhclo}: {len(anchors)} vertices placed, but {head['obj_file'][0]} uses vertex "
            f"{faces.max() + 1}; both must be of the same garment"
        )
    hides = _hidden(lines)
    name = head["name"][0]
    return Garment(name, faces, anchors, weights, offsets, tuple(spans), hides)


def _anchored(lines: list[str]) -> tuple[Ints, Floats, Floats]:
    """The section `verts`: three vertices, weights, offsets; or one vertex that is followed."""
    anchors, weights, offsets = [], [], []
    start = next(i for i, line in enumerate(lines) if line.startswith("verts"))
    for line in lines[start + 1 :]:
        words = line.split()
        if words[:1] == ["delete_verts"]:
            break
        if not words or not words[0].isdigit():
            continue  # some files give settings after the heading
        if len(words) == 1:
            anchors.append([int(words[0])] * 3)
            weights.append([1.0, 0.0, 0.0])
            offsets.append([0.0, 0.0, 0.0])
        else:
            x, y, z = (float(word) for word in words[6:9])
            anchors.append([int(word) for word in words[:3]])
            weights.append([float(word) for word in words[3:6]])
            offsets.append([x, -z, y])
    return np.array(anchors, np.int64), np.array(weights), np.array(offsets)


def _hidden(lines: list[str]) -> NDArray[np.int64]:
    """The section `delete_verts`: numbers, and ranges such as `5 - 9`."""
    found: list[int] = []
    inside = through = False
    for word in (word for line in lines for word in line.split()):
        if word == "delete_verts":
            inside = True
        elif inside and word == "-":
            through = True
        elif inside and word.isdigit():
            found += range(found[-1] + 1, int(word) + 1) if through else [int(word)]
            through = False
        elif inside:
            break
    return np.array(found, np.int64)


def _triangles(obj: Path) -> Ints:
    """All faces (f, 3) of a Wavefront file, zero-based, cut into triangles."""
    if not obj.is_file():
        raise FileNotFoundError(f"{obj}: no such file; the .mhclo beside it names it")
    faces: list[tuple[int, int, int]] = []
    with obj.open(encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["f"]:
                corners = [int(word.split("/")[0]) - 1 for word in words[1:]]
                faces += [
                    (corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)
                ]
    return np.array(faces, np.int64).reshape(-1, 3)
