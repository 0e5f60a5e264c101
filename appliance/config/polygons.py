"""Polygons drawn by hand: how they are written, and what is wrong with one.

Points as in SVG, ``x,y x,y x,y``, each a fraction of the picture's width and height; a semicolon
between two polygons.
"""

from __future__ import annotations

import re

Point = tuple[float, float]
Polygon = tuple[Point, ...]

MOST_POLYGONS = 16
MOST_POINTS = 64
MOST_CHARACTERS = 20_000
NONE = "none"

_NUMBER = r"[-+]?(?:\d{1,6}(?:\.\d{0,17})?|\.\d{1,17})(?:[eE][-+]?\d{1,3})?"
_POINT = re.compile(rf"({_NUMBER}),({_NUMBER})")
_EXAMPLE = "for example 0.1,0.2 0.5,0.2 0.4,0.6"
_NEAR = 1e-9


def parse_polygons(text: str) -> tuple[Polygon, ...]:
    """The polygons in ``text``; "none" or nothing: none.

    Raises:
        ValueError: one of them is no polygon, or there are too many; which one, and why.
    """
    if text.strip().lower() in ("", NONE):
        return ()
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"{len(text)} characters; expected at most {MOST_CHARACTERS}")
    parts = [part for part in text.split(";") if part.strip()]
    if not parts:
        raise ValueError(f"expected points between the semicolons, {_EXAMPLE}")
    if len(parts) > MOST_POLYGONS:
        raise ValueError(f"{len(parts)} polygons; expected at most {MOST_POLYGONS}")
    return tuple(_polygon(part, f"polygon {at}") for at, part in enumerate(parts, 1))


def written(polygons: tuple[Polygon, ...]) -> str:
    """The polygons as ``parse_polygons`` reads them, to a ten-thousandth of the picture."""
    each = (" ".join(f"{round(x, 4):g},{round(y, 4):g}" for x, y in one) for one in polygons)
    return "; ".join(each) or NONE


def _polygon(text: str, name: str) -> Polygon:
    words = re.sub(r"\s*,\s*", ",", text).split()
    if len(words) > MOST_POINTS:
        raise ValueError(f"{name} has {len(words)} points; expected at most {MOST_POINTS}")
    points = [_point(word, f"{name}, point {at}") for at, word in enumerate(words, 1)]
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()  # closed by hand
    if len(points) < 3:
        raise ValueError(f"{name} has {len(points)} points; expected at least 3, {_EXAMPLE}")
    for at, point in enumerate(points):
        if point in points[:at]:
            first = points.index(point) + 1
            raise ValueError(f"{name}: points {first} and {at + 1} are the same; leave one out")
    crossing = _crossing(points)
    if crossing is not None:
        one, other = crossing
        raise ValueError(
            f"{name} crosses itself: the sides from point {one + 1} and from point {other + 1} "
            "meet; draw it as two polygons, or put its points in order"
        )
    if abs(_area(points)) < _NEAR:
        raise ValueError(f"{name} has no area: its points lie on one line")
    return tuple(points)


def _point(word: str, name: str) -> Point:
    match = _POINT.fullmatch(word)
    if match is None:
        raise ValueError(f"{name} is {word[:24]!r}; expected x,y as two numbers, {_EXAMPLE}")
    x, y = float(match[1]), float(match[2])
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(
            f"{name} is {word[:24]!r}, outside the picture; expected fractions of its width and "
            "height, from 0 to 1"
        )
    return x, y


def _area(points: list[Point]) -> float:
    around = zip(points, points[1:] + points[:1], strict=True)
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in around) / 2


def _crossing(points: list[Point]) -> tuple[int, int] | None:
    """The first two sides, not neighbours, that have a point in common."""
    sides = list(zip(points, points[1:] + points[:1], strict=True))
    for i, one in enumerate(sides):
        for j in range(i + 2, len(sides)):
            if (i == 0 and j == len(sides) - 1) or not _meet(*one, *sides[j]):
                continue
            return i, j
    return None


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments a-b and c-d have a point in common."""
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(t == 0 and _between(*end) for t, end in zip(turns, ends, strict=True))


def _turn(a: Point, b: Point, c: Point) -> float:
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0.0 if abs(turn) < 1e-12 else turn


def _between(a: Point, b: Point, c: Point) -> bool:
    """Whether c, on the line through a and b, lies between the two."""
    return all(min(p, q) - _NEAR <= r <= max(p, q) + _NEAR for p, q, r in zip(a, b, c, strict=True))
