"""The dressed body as one mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.figures.body import Body, Floats, Posed
from export.figures.layers import Layer, Outfit
from export.figures.raster import vertex_normals


@dataclass(frozen=True)
class Clad:
    """The body and all pieces as one mesh."""

    rest: Floats
    points: Floats
    faces: NDArray[np.int64]
    layers: list[Layer]  # of all vertices


def clad(body: Body, posed: Posed, outfit: Outfit) -> Clad:
    """All of a dressed body, one after the other."""
    rest, points = [posed.rest], [_worn(body, posed, outfit)]
    faces = [body.faces[outfit.shown]]
    count = len(posed.rest)
    total = count + sum(len(piece.rest) for piece in outfit.pieces)
    layers = []
    for layer in outfit.layers:
        level = np.full(total, -1.0)
        level[:count] = layer.level
        layers.append(Layer(level, layer.paint, layer.surface))
    for piece in outfit.pieces:
        level = np.full(total, -1.0)
        level[count : count + len(piece.rest)] = 1.0
        layers.append(Layer(level, piece.paint, piece.surface))
        rest.append(piece.rest)
        points.append(piece.points)
        faces.append(piece.faces + count)
        count += len(piece.rest)
    return Clad(np.concatenate(rest), np.concatenate(points), np.concatenate(faces), layers)


def _worn(body: Body, posed: Posed, outfit: Outfit) -> Floats:
    """The vertices (n, 3), moved off the skin by what is worn there."""
    is_body = body.group == "body"
    normals = vertex_normals(posed.vertices, body.faces[is_body])
    for group in ("helper-hair", "helper-skirt"):
        own = body.faces[body.group == group]
        used = np.unique(own)
        normals[used] = vertex_normals(posed.vertices, own)[used]
    return np.asarray(posed.vertices + normals * outfit.offset[:, None])
