"""``.cube`` files: what the specification allows is read, all else is refused with its line."""

from __future__ import annotations

import locale
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InputError
from appliance.stages.looks import cube as cube_module
from appliance.stages.looks.cube import read_cube
from appliance.stages.looks.make import SHIPPED

ROWS = [f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
IDENTITY = "\n".join(["LUT_3D_SIZE 2", *ROWS, ""])


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str | bytes) -> Path:
        path = tmp_path / "look.cube"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_red_changes_fastest(write) -> None:
    look = read_cube(write(IDENTITY))
    assert look.curves is None
    assert look.cube is not None
    assert look.cube.shape == (2, 2, 2, 3)
    assert look.cube[0, 0, 1].tolist() == [1, 0, 0]
    assert look.cube[1, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "text",
    [
        IDENTITY,
        IDENTITY.replace("\n", "\r\n"),
        "\ufeff" + IDENTITY,
        IDENTITY.rstrip("\n"),
        '# a remark\n\nTITLE "of a \u2013 film"\n' + IDENTITY,
        "\n# between\n\n".join(IDENTITY.splitlines()),
        IDENTITY.replace(" ", "\t "),
        IDENTITY.replace("1", "1.0e0").replace(
            "LUT_3D", "DOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\nLUT_3D"
        ),
        IDENTITY.replace("\n", " \n"),
    ],
)
def test_the_same_look_written_otherwise(write, text: str) -> None:
    look = read_cube(write(text))
    assert look.cube is not None
    assert look.cube.reshape(-1, 3).tolist() == [[float(v) for v in row.split()] for row in ROWS]


def test_curves_before_a_cube_as_resolve_writes_them(write) -> None:
    head = "LUT_1D_SIZE 3\nLUT_1D_INPUT_RANGE -0.5 1.5\nLUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0 2\n"
    look = read_cube(write(head + "0 0 0\n.5 .5 .5\n1 1 1\n" + "\n".join(ROWS)))
    assert look.curves is not None
    assert look.cube is not None
    assert look.curves[1].tolist() == [0.5] * 3
    assert (look.curves_from[0], look.curves_to[0], look.cube_to[2]) == (-0.5, 1.5, 2)


def test_a_domain_for_each_channel(write) -> None:
    look = read_cube(write("DOMAIN_MIN 0 -1 0\nDOMAIN_MAX 1 2 3\n" + IDENTITY))
    assert look.cube_from.tolist() == [0, -1, 0]
    assert look.cube_to.tolist() == [1, 2, 3]


@pytest.mark.parametrize("size", [2, 3, 17, 33, 65])
def test_every_size(write, size: int) -> None:
    values = np.random.default_rng(size).random((size**3, 3)).astype(np.float32)
    rows = "".join("{:.9g} {:.9g} {:.9g}\n".format(*row) for row in values)
    look = read_cube(write(f"LUT_3D_SIZE {size}\n{rows}"))
    assert look.cube is not None
    assert (look.cube.reshape(-1, 3) == values).all()


def cut(text: str, at: int, line: str) -> str:
    lines = text.splitlines()
    lines[at] = line
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no LUT_3D_SIZE"),
        ("# nothing\n", "no LUT_3D_SIZE"),
        ("\n".join(ROWS), "line 1: there is no LUT_3D_SIZE"),
        (IDENTITY.replace("SIZE 2", "SIZE 1"), "line 1: LUT_3D_SIZE: found '1', expected a whole"),
        (IDENTITY.replace("SIZE 2", "SIZE 257"), "from 2 to 256"),
        (IDENTITY.replace("SIZE 2", "SIZE 2.0"), "found '2.0'"),
        (IDENTITY.replace("SIZE 2", "SIZE"), "found nothing"),
        (IDENTITY.replace("SIZE 2", "SIZE \u0662"), "whole number"),
        (IDENTITY.replace("SIZE 2", "SIZE 99999999999999999999"), "from 2 to 256"),
        ("LUT_1D_SIZE 65537\n", "from 2 to 65536"),
        ("LUT_3D_SIZE 2\n" + IDENTITY, "line 2: LUT_3D_SIZE stands in line 1 already"),
        (IDENTITY + "0 0 0\n", "line 10: a row too many: LUT_3D_SIZE 2 make 8"),
        ("\n".join(IDENTITY.splitlines()[:-1]), "line 8: the file ends after 7 of 8 rows"),
        ("LUT_3D_SIZE 2\n", "after 0 of 8 rows"),
        (
            cut(IDENTITY, 3, "0,5 0,5 0,5"),
            "line 4: found '0,5 0,5 0,5'; expected three numbers with",
        ),
        (cut(IDENTITY, 3, "nan 0 0"), "line 4: found 'nan 0 0'; expected three finite"),
        (cut(IDENTITY, 1, "nan 0 0"), "line 2: found nan; expected three finite"),
        (cut(IDENTITY, 3, "0 inf 0"), "line 4"),
        (cut(IDENTITY, 3, "0 0 -Infinity"), "line 4"),
        (cut(IDENTITY, 3, "1e300 0 0"), "line 4: found '1e300'; colours are about 0 to 1"),
        (cut(IDENTITY, 1, "0 1e300 0"), "line 2: found '1e300'"),
        (cut(IDENTITY, 3, "1e99999 0 0"), "line 4"),
        (cut(IDENTITY, 3, "0 0"), "line 4: found '0 0'"),
        (cut(IDENTITY, 3, "0 0 0 0"), "line 4: found '0 0 0 0'"),
        (cut(IDENTITY, 3, "0 0 1_0"), "line 4: found '0 0 1_0'"),
        (cut(IDENTITY, 3, "0 0 \u0661"), "line 4"),
        (cut(IDENTITY, 3, "0x1 0 0"), "line 4"),
        (cut(IDENTITY, 3, 'TITLE "late"'), "line 4: found 'TITLE \"late\"' among the values"),
        ("LUT_SIZE 2\n" + IDENTITY, "line 1: found 'LUT_SIZE'; expected one of TITLE"),
        ("LUT_IN_VIDEO_RANGE\n" + IDENTITY, "line 1: LUT_IN_VIDEO_RANGE: tables for video"),
        ("DOMAIN_MIN 1 1 1\n" + IDENTITY, "line 1: the input ends at"),
        ("DOMAIN_MAX 0 1 1\n" + IDENTITY, "line 1: the input ends at"),
        ("DOMAIN_MIN 0 0\n" + IDENTITY, "line 1: DOMAIN_MIN: found '0 0', expected 3"),
        ("DOMAIN_MAX 1 1 nan\n" + IDENTITY, "expected 3 finite numbers"),
        ("DOMAIN_MAX 1 1 1e300\n" + IDENTITY, "found '1e300'"),
        ("LUT_3D_INPUT_RANGE 0 0\n" + IDENTITY, "line 1: the input ends at"),
        ("LUT_1D_INPUT_RANGE 0 1\n" + IDENTITY, "line 1: LUT_1D_INPUT_RANGE without LUT_1D_SIZE"),
        ("DOMAIN_MIN 0 0 0\nLUT_3D_INPUT_RANGE 0 1\n" + IDENTITY, "line 2: LUT_3D_INPUT_RANGE and"),
        ("DOMAIN_MAX 1 1 1\nLUT_1D_SIZE 2\n" + IDENTITY, "line 1: DOMAIN_MAX beside curves"),
        (IDENTITY.encode("utf-16"), "line 1: the file is UTF-16"),
        (IDENTITY.replace("\n", "\r"), "line 1: lines end with CR alone"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "line 1: found '\ufffdPNG'"),
        (b"GIF89a\0\0\n", "line 1: the file is not text"),
        ("LUT_3D_SIZE 2\n" + "9" * 100_000, "line 2: is longer than 4096 bytes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, text: str | bytes, says: str) -> None:
    path = write(text)
    with pytest.raises(InputError) as error:
        read_cube(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert len(str(error.value)) < 600
    assert str(error.value).isprintable()


def test_every_line_cut_off_or_spoilt_is_refused(write) -> None:
    """Whatever is broken in one place, no file is read as if it were whole."""
    lines = IDENTITY.splitlines()
    for at in range(len(lines)):
        for spoilt in ("x", lines[at] + " 1", lines[at][:-1], "0 0 --1"):
            with pytest.raises(InputError):
                read_cube(write("\n".join([*lines[:at], spoilt, *lines[at + 1 :]])))


def test_a_huge_file_is_refused_by_its_size_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.cube"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="1,099,512 MB, of at most 537; export the look"):
        read_cube(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cube")
    for path, says in (
        (tmp_path, "Is a directory|not a plain file"),
        (tmp_path / "pipe.cube", "not a plain file"),
        (tmp_path / "none.cube", "No such file"),
        (Path("a\0b"), "null byte"),
    ):
        with pytest.raises(InputError, match=says):
            read_cube(path)


def test_numbers_have_a_point_whatever_the_locale(write) -> None:
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "de_DE"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        break
    else:
        pytest.skip("no locale with a decimal comma is installed")
    try:
        look = read_cube(write(IDENTITY.replace("1 0 0", "0.25 0 0")))
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    assert look.cube is not None
    assert look.cube[0, 0, 1, 0] == 0.25


def test_long_files_are_read_in_blocks(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cube_module, "_BLOCK", 3)
    values = np.random.default_rng(1).random((125, 3)).astype(np.float32)
    lines = ["{:.9g} {:.9g} {:.9g}".format(*row) for row in values]
    lines.insert(50, "# between")
    look = read_cube(write("\n".join(["LUT_3D_SIZE 5", *lines])))
    assert look.cube is not None
    assert (look.cube.reshape(-1, 3) == values).all()
    lines[100] = "0 0 2e5"
    with pytest.raises(InputError, match="line 102: found '2e5'"):
        read_cube(write("\n".join(["LUT_3D_SIZE 5", *lines])))


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.cube")), ids=lambda path: path.stem)
def test_the_shipped_ones_are_read(path: Path) -> None:
    look = read_cube(path)
    assert look.cube is not None
    assert 0 <= look.cube.min() < look.cube.max() <= 1


PIECES = [
    "LUT_3D_SIZE", "LUT_1D_SIZE", "DOMAIN_MIN", "LUT_1D_INPUT_RANGE", "TITLE", "#", "2", "0 0 0",
    "1 0.5 .25", "1e9", "-", "nan", "\n", "\n", "\r\n", "\r", " ", "\t", "\0", "\ufeff", ",",
    "\u0661",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40), st.binary(max_size=9))
def test_whatever_a_file_holds_it_is_a_look_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], raw: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.cube"
    path.write_bytes(" ".join(parts).encode("utf-8", "surrogatepass") + raw)
    try:
        look = read_cube(path)
    except InputError:
        return
    assert look.curves is not None or look.cube is not None
