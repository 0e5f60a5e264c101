"""Polygons drawn by hand: what is read, and what is said of one that cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.config.load import InvalidConfig, load
from appliance.config.polygons import parse_polygons, written

SQUARE = "0.1,0.1 0.4,0.1 0.4,0.4 0.1,0.4"


@pytest.mark.parametrize("text", ["", "  ", "none", "None"])
def test_nothing_is_none(text: str) -> None:
    assert parse_polygons(text) == ()


def test_points_as_in_svg() -> None:
    want = (((0.1, 0.1), (0.4, 0.1), (0.4, 0.4), (0.1, 0.4)),)
    assert parse_polygons(SQUARE) == want
    assert parse_polygons(f" {SQUARE.replace(' ', '  ').replace(',', ' , ')} ; ") == want
    assert parse_polygons(f"{SQUARE} 0.1,0.1") == want, "closed by hand"
    assert parse_polygons(SQUARE.replace(" ", "\n")) == want
    assert parse_polygons("0,0 1,0 .5,1;" + SQUARE) == (((0, 0), (1, 0), (0.5, 1)), *want)


def test_written_and_read_again() -> None:
    polygons = parse_polygons(f"{SQUARE}; 0,0 1e-1,0 0.33333,1")
    assert written(polygons) == f"{SQUARE}; 0,0 0.1,0 0.3333,1"
    assert parse_polygons(written(polygons))[0] == polygons[0]
    assert written(()) == "none"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.1,0.2 0.3,0.4", "polygon 1 has 2 points; expected at least 3"),
        (f"{SQUARE}; 0,0 1,1 0,0", "polygon 2 has 2 points"),
        ("0,0 1,0 0.5,1.2", "polygon 1, point 3 is '0.5,1.2', outside the picture"),
        ("0,0 1,0 -0.1,1", "point 3 is '-0.1,1', outside the picture"),
        ("0,0 nan,0 0.5,1", "point 2 is 'nan,0'; expected x,y as two numbers"),
        ("0,0 1,0 0.5", "point 3 is '0.5'; expected x,y"),
        ("all of it", "point 1 is 'all'; expected x,y"),
        ("0,0 1,1 1,0 0,1", "polygon 1 crosses itself: the sides from point 1 and from point 3"),
        ("0,0 1,0 1,1 0.5,0 0,1", "crosses itself"),
        ("0,0 0.5,0.5 1,1", "polygon 1 has no area"),
        ("0,0 1,0 0.2,0.3 1,0 0,1", "points 2 and 4 are the same"),
        (";;", "expected points between the semicolons"),
        (";".join([SQUARE] * 17), "17 polygons; expected at most 16"),
        (" ".join(f"{i / 70:.4f},{i % 2}" for i in range(70)), "70 points; expected at most 64"),
        ("0,0 " * 9000, "36000 characters; expected at most 20000"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_polygons(text)


def test_a_mistake_in_the_file_has_line_and_key(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "stages:\n  mattes:\n    enabled: true\n    room: 0,0 1,0\n    keep: 0,0 1,1 1,0 0,1\n"
    )
    with pytest.raises(InvalidConfig) as caught:
        load(file)
    first, second = str(caught.value).splitlines()
    assert ":4:11: stages.mattes.room: found 0,0 1,0; polygon 1 has 2 points" in first
    assert ":5:11: stages.mattes.keep: found 0,0 1,1 1,0 0,1; polygon 1 crosses itself" in second
