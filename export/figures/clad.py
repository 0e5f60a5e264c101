"""The dressed body as one mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Body, Floats, Posed
from export.figures.layers import Layer, Outfit
from export.figures.pieces import FigurePiece
from export.figures.raster import vertex_normals


@dataclass(frozen=True)
class Clad:
    """Everything that is painted together, as one mesh."""

    rest: Floats
    points: Floats
    faces: NDArray[np.int64]
    layers: list[Layer]  # of all vertices


def clad(body: Body, posed: Posed, outfit: Outfit) -> Clad:
    """All of a dressed body, one after the other."""
    skin = Clad(
        posed.rest, _worn(body, posed, outfit), body.faces[outfit.shown], list(outfit.layers)
    )
    return with_pieces(skin, outfit.pieces)


def with_pieces(mesh: Clad, pieces: list[FigurePiece]) -> Clad:
    """The mesh and all pieces, each a layer of its own."""
    rest, points, faces = [mesh.rest], [mesh.points], [mesh.faces]
    count = len(mesh.rest)
    total = count + sum(len(piece.rest) for piece in pieces)
    layers = []
    for layer in mesh.layers:
        level = np.full(total, -1.0)
        level[:count] = layer.level
        layers.append(Layer(level, layer.paint, layer.surface))
    for piece in pieces:
        level = np.full(total, -1.0)
        level[count : count + len(piece.rest)] = 1.0
        layers.append(Layer(level, piece.paint, piece.surface))
        rest.append(piece.rest)
        points.append(piece.points)
        faces.append(piece.faces + count)
        count += len(piece.rest)
    return Clad(np.concatenate(rest), np.concatenate(points), np.concatenate(faces), layers)


def of_pieces(pieces: list[FigurePiece]) -> Clad:
    """Pieces without a body."""
    nothing = np.zeros((0, 3))
    return with_pieces(Clad(nothing, nothing, np.zeros((0, 3), np.int64), []), pieces)


def _worn(body: Body, posed: Posed, outfit: Outfit) -> Floats:
    """The vertices (n, 3), moved off the skin by what is worn there."""
    is_body = body.group == "body"
    normals = vertex_normals(posed.vertices, body.faces[is_body])
    for group in ("helper-hair", "helper-skirt"):
        own = body.faces[body.group == group]
        used = np.unique(own)
        normals[used] = vertex_normals(posed.vertices, own)[used]
    return np.asarray(posed.vertices + normals * outfit.offset[:, None])
