"""One rendered person: a cutout with true alpha and clean colours at its edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from export.figures.body import SHAPE, Body, Floats, Posed
from export.figures.clad import Clad, clad, of_pieces
from export.figures.layers import Fringe
from export.figures.outfit import dress
from export.figures.pieces import CLOTH, HAIR, SMOOTH
from export.figures.poses import random_pose
from export.figures.raster import View, barycentric, paint, vertex_normals
from export.figures.reaches import build_of
from export.figures.seats import SEATS, seat
from export.figures.wardrobe import Wardrobe
from export.images import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng

ROWS = 360
_UP = 2  # supersampling per axis
_FRAMINGS = ("whole", "knees", "hips")
_CUT = {"whole": None, "knees": "lowerleg01.L", "hips": "upperleg01.L"}


@dataclass(frozen=True)
class Figure:
    """A cutout: BGR uint8 (h, w, 3), alpha uint8 (h, w)."""

    foreground: UInt8Image
    alpha: UInt8Image
    whole: bool  # the feet are in view
    behind: UInt8Image | None = None  # BGRA uint8 (h, w, 4): what is sat on, under the person


def _shape(rng: Rng) -> dict[str, float]:
    """From small children to the old, mostly adults; mostly average builds."""
    shape = {name: float(np.clip(rng.normal(0.5, 0.22), 0.02, 0.98)) for name in SHAPE}
    shape["gender"] = float(rng.choice((0.05, 0.95))) + float(rng.normal(0, 0.03))
    shape["gender"] = min(1.0, max(0.0, shape["gender"]))
    shape["age"] = float(rng.uniform(0.27, 0.6) if rng.random() < 0.2 else rng.uniform(0.6, 1))
    return shape


def _view(rng: Rng, points: Floats, whole: bool) -> View:
    """From in front, from a side, from behind or from anywhere; also from above and below."""
    side = rng.random()
    if side < 0.42:
        yaw = rng.normal(0, 25)
    elif side < 0.62:
        yaw = rng.choice((-90, 90)) + rng.normal(0, 12)
    elif side < 0.78:
        yaw = 180 + rng.normal(0, 20)
    else:
        yaw = rng.uniform(-180, 180)
    height = rng.random()
    if height < (0.3 if whole else 0.12):
        pitch = rng.uniform(8, 50 if whole else 32)
    elif height < (0.4 if whole else 0.24):
        pitch = -rng.uniform(5, 32)
    else:
        pitch = rng.normal(4, 7)
    target = (points.min(axis=0) + points.max(axis=0)) / 2
    distance = float(np.exp(rng.uniform(np.log(1.8), np.log(7))))
    return View(float(yaw), float(pitch), distance, target)


def _light(rng: Rng, normals: Floats, surface: NDArray[np.int64]) -> Floats:
    """Shading per pixel (p, 3): hemisphere light and a lamp, with wrapped diffuse."""
    lamp = np.array([rng.normal(0, 0.8), -rng.uniform(-0.15, 1.0), -rng.uniform(0.05, 1.0)])
    lamp /= np.linalg.norm(lamp)
    wrap = np.array((0.35, 0.15, 0.3))[surface]
    lit = np.clip((normals @ lamp + wrap) / (1 + wrap), 0, None)
    sky, floor = rng.uniform(0.35, 0.7), rng.uniform(0.15, 0.45)
    ambient = floor + (sky - floor) * 0.5 * (1 - normals[:, 1])
    warm = np.exp(rng.normal(0, 0.07, 3))
    light = ambient[:, None] + rng.uniform(0.2, 0.85) * lit[:, None] * warm
    half = lamp + np.array([0, 0, -1.0])
    half /= np.linalg.norm(half)
    gleam = np.clip(normals @ half, 0, 1) ** 18 * np.array((0.12, 0.02, 0.10))[surface]
    return np.asarray(light + gleam[:, None])


def _hollows(depth: FloatImage, inside: FloatImage, size: float) -> FloatImage:
    """Ambient occlusion, 0.5..1: darkens what lies behind its neighbours."""
    near = cv2.GaussianBlur(depth * inside, (0, 0), size)
    share = cv2.GaussianBlur(inside, (0, 0), size)
    ahead = depth - near / np.maximum(share, 1e-3)
    return np.clip(1 - 6.0 * np.maximum(0, ahead), 0.5, 1).astype(np.float32)


def _strands(
    rng: Rng, canvas: np.ndarray, mask: np.ndarray, hair: np.ndarray, fringe: Fringe
) -> None:
    """Single hairs across the hair's outline, half a pixel wide at the final size."""
    edge = hair & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    ys, xs = np.nonzero(edge)
    if len(ys) < 8:
        return
    centre = np.array([xs.mean(), ys.mean()])
    length = fringe.length * float(rng.uniform(0.2, 1.0)) * _UP * ROWS * 0.015
    for i in rng.integers(len(ys), size=int(fringe.count * rng.uniform(0.3, 2))):
        start = np.array([xs[i], ys[i]], float)
        way = start - centre
        way = way / max(1.0, float(np.linalg.norm(way))) + rng.normal(0, 0.5, 2) + (0, 0.35)
        bend = rng.normal(0, fringe.curl, 2)
        t = np.linspace(-0.5, 1, 7)[:, None]
        line = start + length * rng.uniform(0.3, 1) * (t * way + t * t * bend)
        tint = tuple(float(v) for v in canvas[ys[i], xs[i]])
        points = [np.round(line * 16).astype(np.int32)]
        cv2.polylines(canvas, points, False, tint, 1, cv2.LINE_8, 4)
        cv2.polylines(mask, points, False, 1.0, 1, cv2.LINE_8, 4)


def _spread(colour: FloatImage, alpha: FloatImage) -> FloatImage:
    """Extend colours beyond the edge, so that soft pixels hold the person's own."""
    filled, weight = colour * alpha[..., None], alpha.copy()
    for size in (2.0, 6.0, 24.0, 96.0):
        wide = cv2.GaussianBlur(colour * alpha[..., None], (0, 0), size)
        share = cv2.GaussianBlur(alpha, (0, 0), size)
        rest = np.clip(1 - weight, 0, 1) * np.clip(share * 50, 0, 1)
        filled += rest[..., None] * wide / np.maximum(share, 1e-4)[..., None]
        weight += rest
    return np.asarray(filled / np.maximum(weight, 1e-4)[..., None], np.float32)


def _fitted(
    posed: Posed, seen: Floats, used: NDArray[np.int64], framing: str
) -> tuple[Floats, int]:
    """Corners in pixels (n, 2), scaled so that the framing fills the rows, and the column count."""
    flat = seen[:, :2] / np.maximum(seen[:, 2:], 0.1)
    low, high = flat[used].min(axis=0), flat[used].max(axis=0)
    bone = _CUT[framing]
    if bone is not None:
        ring = np.linalg.norm(posed.rest - posed.joints[bone], axis=1) < 0.1
        cut = float(np.median(flat[: len(ring)][ring, 1]))
        high[1] = max(cut, low[1] + 0.3 * (high[1] - low[1]))
    margin = 6
    factor = (ROWS - (margin if bone is not None else 2 * margin)) * _UP / (high[1] - low[1])
    columns = int(np.ceil((high[0] - low[0]) * factor / _UP)) + 2 * margin
    return (flat - low) * factor + margin * _UP, min(columns, 2 * ROWS) * _UP


def _downsampled(rng: Rng, of: _Painted, fringe: Fringe) -> tuple[UInt8Image, UInt8Image]:
    """Darken hollows, add cloth grain, draw hairs; then BGR and alpha at the final size."""
    canvas, mask, kinds = of.canvas, of.mask, of.kinds
    rows, columns = mask.shape
    small = (columns // _UP, ROWS)
    near = np.asarray(cv2.resize(of.depth, small, interpolation=cv2.INTER_NEAREST), np.float32)
    inside = (near > 0).astype(np.float32)
    hollow = _hollows(near, inside, 0.02 * ROWS) * _hollows(near, inside, 0.008 * ROWS)
    canvas *= cv2.resize(hollow, (columns, rows))[..., None]
    spread = rng.uniform(0.01, 0.08)
    grain = rng.normal(1, spread, (ROWS, small[0])).astype(np.float32)
    cloth = (kinds == CLOTH)[..., None]
    canvas = np.where(cloth, canvas * cv2.resize(grain, (columns, rows))[..., None], canvas)
    _strands(rng, canvas, mask, kinds == HAIR, fringe)
    alpha = np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), np.float32)
    thick = cv2.resize(canvas * mask[..., None], small, interpolation=cv2.INTER_AREA)
    clean = np.asarray(thick / np.maximum(alpha, 1e-4)[..., None], np.float32)
    colour = np.clip(_spread(clean, alpha), 0, 255).astype(np.uint8)
    return colour, np.round(alpha * 255).astype(np.uint8)


@dataclass(frozen=True)
class _Painted:
    """Twice the final size: colours (h, w, 3), and by pixel cover, depth and kind of surface."""

    canvas: FloatImage
    mask: FloatImage  # 0 or 1
    depth: FloatImage  # metres, 0 where nothing is
    kinds: NDArray[np.int64]


def _painted(rng: Rng, mesh: Clad, view: View, pixels: Floats, columns: int) -> _Painted:
    """Paint and light a mesh whose corners lie at `pixels` (n, 2)."""
    points, faces = mesh.points, mesh.faces
    depth = view(points)[:, 2]
    rows = ROWS * _UP
    ids = paint(pixels, depth, faces, columns, rows)
    ys, xs = np.nonzero(ids)
    corners = faces[ids[ys, xs] - 1]  # (p, 3)
    weights = barycentric(pixels[corners], np.stack([xs + 0.5, ys + 0.5], axis=1))

    def at(values: Floats) -> Floats:
        """Vertex values interpolated to the pixels."""
        return np.einsum("pc,pc...->p...", weights, values[corners])

    turned = at(vertex_normals(points, faces) @ view.axes)
    turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)
    turned[turned[:, 2] > 0] *= -1  # the inside of a skirt or of hair
    rest = at(mesh.rest)
    outermost = np.zeros(len(ys), np.int64)
    for number, layer in enumerate(mesh.layers):
        outermost[at(layer.level) > 0] = number
    colour = np.zeros((len(ys), 3))
    for number, layer in enumerate(mesh.layers):
        on = outermost == number
        colour[on] = layer.paint(rest[on])
    surface = np.array([layer.surface for layer in mesh.layers])[outermost]
    canvas = np.zeros((rows, columns, 3), np.float32)
    canvas[ys, xs] = colour * _light(rng, turned, surface)
    kinds = np.full((rows, columns), SMOOTH)
    kinds[ys, xs] = surface
    depths = np.zeros((rows, columns), np.float32)
    depths[ys, xs] = at(depth)
    return _Painted(canvas, (ids > 0).astype(np.float32), depths, kinds)


def render_figure(rng: Rng, body: Body, wardrobe: Wardrobe) -> Figure:
    """Draw a person: shape, pose, clothes, light and view, all from `rng`."""
    framing = str(rng.choice(_FRAMINGS, p=(0.4, 0.2, 0.4)))
    shape = _shape(rng)
    pose = random_pose(rng, build_of(body.posed(shape, {})))
    posed = body.posed(shape, pose.turns)
    outfit = dress(rng, body, posed, wardrobe, pose.held, shape["gender"] < 0.5)
    mesh = clad(body, posed, outfit)
    used = np.unique(mesh.faces)
    view = _view(rng, mesh.points[used], framing == "whole")
    seen = view(mesh.points)
    furniture = rng.spawn(1)[0]
    if not pose.seated or furniture.random() < 0.15:
        pixels, columns = _fitted(posed, seen, used, framing)
        person = _painted(rng, mesh, view, pixels, columns)
        return Figure(*_downsampled(rng, person, outfit.fringe), framing == "whole")
    chair = of_pieces(seat(furniture, body, posed, str(furniture.choice(SEATS))))
    both = np.concatenate([seen, view(chair.points)])
    used = np.concatenate([used, np.arange(len(seen), len(both))])
    pixels, columns = _fitted(posed, both, used, framing)
    person = _painted(rng, mesh, view, pixels[: len(seen)], columns)
    seat_painted = _painted(furniture, chair, view, pixels[len(seen) :], columns)
    before = (seat_painted.mask > 0) & (seat_painted.depth < person.depth)
    person.mask[before] = 0
    foreground, alpha = _downsampled(rng, person, outfit.fringe)
    colour, cover = _downsampled(furniture, seat_painted, Fringe(count=0))
    behind = np.asarray(np.dstack([colour, cover]), np.uint8)
    return Figure(foreground, alpha, framing == "whole", behind)
