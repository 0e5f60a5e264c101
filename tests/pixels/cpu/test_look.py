"""Looks: the identity to the byte, any other within one code of float64, and as ffmpeg has it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.media.frame import Colour, Frame, Matrix, Range, Rect, blank
from appliance.media.rgb import matrix_of
from appliance.pixels import cpu
from appliance.pixels.cpu.look import THRESHOLDS
from appliance.stages.looks.cube import read_cube
from tests.pixels.cpu.test_composite import SIZES, rects
from tests.pixels.frames import noise

COLOURS = [Colour(matrix, range_) for matrix in Matrix for range_ in Range]


def grid(size: int) -> np.ndarray:
    axis = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack((red, green, blue), axis=-1)


def wild(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 1.3, (size, size, size, 3)).astype(np.float32)


def tetrahedral(cube: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Float64, by sorting the three ways: from corner to corner, the furthest way first."""
    nodes = len(cube)
    at = np.clip(rgb, 0, 1) * (nodes - 1)
    first = np.minimum(at.astype(int), nodes - 2)
    part = at - first
    order = np.argsort(-part, axis=-1)
    ways = np.take_along_axis(part, order, axis=-1)
    weights = np.concatenate((1 - ways[..., :1], ways[..., :-1] - ways[..., 1:], ways[..., 2:]), -1)
    corner, out = first.copy(), 0
    for step in range(4):
        value = cube[corner[..., 2], corner[..., 1], corner[..., 0]].astype(np.float64)
        out = out + weights[..., step, None] * value
        if step < 3:
            np.put_along_axis(
                corner, order[..., step, None],
                np.take_along_axis(corner, order[..., step, None], -1) + 1, -1,
            )  # fmt: skip
    return np.asarray(out)


def definition(
    frame: Frame, look: cpu.ColourCube, strength: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Luma of each sample and chroma at the mean of its four, unrounded, in float64."""
    matrix, offset = (part.astype(np.float64) for part in matrix_of(frame.colour))
    back = np.linalg.inv(matrix)
    chroma = frame.uv.astype(np.float64)
    wide = chroma.repeat(2, 0).repeat(2, 1)
    whole = frame.y.astype(int).reshape(frame.height // 2, 2, frame.width // 2, 2)
    mean = ((whole.sum(axis=(1, 3)) + 2) >> 2).astype(np.float64)

    def graded(yuv: np.ndarray) -> np.ndarray:
        rgb = (yuv - offset) @ back.T / 255
        new = np.clip(rgb, 0, 1)
        if look.curves is not None:
            axis = [
                np.linspace(low, high, len(look.curves))
                for low, high in zip(look.curves_from, look.curves_to, strict=True)
            ]
            new = np.stack(
                [np.interp(new[..., c], axis[c], look.curves[:, c]) for c in range(3)], axis=-1
            )
        if look.cube is not None:
            new = tetrahedral(look.cube, (new - look.cube_from) / (look.cube_to - look.cube_from))
        new = rgb + strength * (np.clip(new, 0, 1) - rgb)
        return np.clip(255 * new @ matrix.T + offset, 0, 255)

    luma = graded(np.concatenate((frame.y[..., None].astype(np.float64), wide), -1))[..., 0]
    return luma, graded(np.concatenate((mean[..., None], chroma), -1))[..., 1:]


def shown(frame: Frame) -> Frame:
    """Every colour of the frame brought to one that R'G'B' has, its luma all alike in a block."""
    rng = np.random.default_rng(5)
    matrix, offset = matrix_of(frame.colour)
    rgb = rng.uniform(0, 255, (frame.height // 2, frame.width // 2, 3))
    rgb = rgb * 0.98 + 2.5  # a code away from the ends, as codes are rounded
    yuv = np.rint(rgb @ matrix.T + offset).astype(np.uint8)
    return replace(frame, y=yuv[..., 0].repeat(2, 0).repeat(2, 1), uv=yuv[..., 1:].copy())


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_the_identity_changes_no_byte(colour: Colour) -> None:
    frame = shown(noise(640, 360, 1, colour=colour))
    for size in (2, 17, 33):
        # As a file has it, with six decimals.
        table = cpu.bake_look(
            cpu.ColourCube(cube=np.round(grid(size), 6).astype(np.float32)), colour
        )
        assert not table.changes
        out = blank(640, 360, colour)
        cpu.apply_look(frame, table, out)
        assert (out.y == frame.y).all()
        assert (out.uv == frame.uv).all()


def near(out: Frame, luma: np.ndarray, chroma: np.ndarray) -> None:
    off = out.y - luma
    assert np.abs(off).max() < 1, "luma"
    # Dither: neither brighter nor darker on the whole.
    assert abs(off.mean()) < 0.05
    assert np.abs(out.uv - chroma).max() < 1, "chroma"
    assert np.abs((out.uv - chroma).mean(axis=(0, 1))).max() < 0.05


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_any_look_is_within_one_code_of_float64(colour: Colour) -> None:
    look = cpu.ColourCube(cube=wild(9))
    frame, out = noise(322, 182, 2, 3, colour), noise(322, 182, 3, 5, colour)
    cpu.apply_look(frame, cpu.bake_look(look, colour), out)
    near(out, *definition(frame, look))


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_curves_before_a_cube_and_strength(strength: float) -> None:
    rng = np.random.default_rng(4)
    look = cpu.ColourCube(
        curves=rng.uniform(-0.2, 1.4, (7, 3)), curves_from=np.array([-0.1, 0, 0.2]),
        curves_to=np.array([0.9, 1, 1.5]), cube=wild(4), cube_from=np.array([0, -0.2, 0.1]),
        cube_to=np.array([1, 1.1, 0.7]),
    )  # fmt: skip
    frame, out = noise(322, 182, 2), noise(322, 182, 3)
    cpu.apply_look(frame, cpu.bake_look(look, frame.colour, strength), out)
    near(out, *definition(frame, look, strength))
    if strength == 0:
        assert (out.y == frame.y).all()


def test_a_part_in_place_and_nothing_beside_it() -> None:
    table = cpu.bake_look(cpu.ColourCube(cube=wild(5)), Colour())
    for width, height in SIZES:
        for rect in rects(width, height):
            frame, whole = noise(width, height, 2, 3), noise(width, height, 3)
            cpu.apply_look(frame, table, whole)
            want = noise(width, height, 2, 3)
            part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
            half = np.s_[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
            want.y[part], want.uv[half] = whole.y[part], whole.uv[half]
            cpu.apply_look(frame, table, frame, rect)
            assert (frame.y == want.y).all()
            assert (frame.uv == want.uv).all()


def test_a_slope_flatter_than_a_step_shows_no_bands() -> None:
    """Half the contrast: each code of the ramp comes out between two, mixed evenly."""
    table = cpu.bake_look(cpu.ColourCube(cube=(0.25 + 0.5 * grid(2)).astype(np.float32)), Colour())
    frame, out = blank(256, 64), blank(256, 64)
    frame.y[:] = np.arange(256).clip(16, 235)
    cpu.apply_look(frame, table, out)
    level = out.y.reshape(8, 8, 32, 8).mean(axis=(0, 1, 3))
    assert np.abs(np.diff(level[3:28]) - 4).max() < 0.1
    assert np.unique(THRESHOLDS).tolist() == list(range(2, 256, 4))
    again = blank(256, 64)
    cpu.apply_look(frame, table, again)
    assert (again.y == out.y).all(), "it flickers"


def test_an_affine_look() -> None:
    rng = np.random.default_rng(6)
    matrix, offset = np.eye(3) + rng.normal(0, 0.2, (3, 3)), rng.normal(0, 9, 3)
    for colour in (Colour(), Colour(range=Range.FULL)):
        frame, out = noise(322, 182, 2, colour=colour), noise(322, 182, 3, colour=colour)
        cpu.apply_look(frame, cpu.bake_affine(matrix, offset, colour), out)
        y = np.dstack((frame.y, frame.uv.repeat(2, 0).repeat(2, 1))).astype(np.float64)
        least, most = (16, 235) if colour.range is Range.LIMITED else (0, 255)
        assert np.abs(out.y - np.clip(y @ matrix[0] + offset[0], least, most)).max() < 1
        mean = (frame.y.astype(int).reshape(91, 2, 161, 2).sum(axis=(1, 3)) + 2) >> 2
        yuv = np.dstack((mean, frame.uv)).astype(np.float64)
        want = np.clip(yuv @ matrix[1:].T + offset[1:], least, 240 if least else 255)
        assert np.abs(out.uv - want).max() < 1


def test_sizes_must_agree() -> None:
    table = cpu.bake_affine(np.eye(3), np.zeros(3), Colour())
    frame = noise(64, 36, 1)
    for out, rect in (
        (noise(66, 36, 1), None),
        (frame, Rect(1, 0, 2, 2)),
        (frame, Rect(60, 0, 8, 2)),
    ):
        with pytest.raises(ValueError, match="64x36"):
            cpu.apply_look(frame, table, out, rect)


@pytest.mark.parametrize("size", [5, 17])
def test_as_ffmpeg_has_it(tmp_path: Path, size: int) -> None:
    """The filter lut3d, tetrahedral, on R'G'B' of 8 bits, whose fractions it cuts off."""
    cube = np.clip(wild(size, 9), 0, 1)
    rows = "".join("{:.6f} {:.6f} {:.6f}\n".format(*row) for row in cube.reshape(-1, 3))
    (tmp_path / "look.cube").write_text(f"LUT_3D_SIZE {size}\n{rows}")
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (64, 64, 3), np.uint8)
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x64",
        "-i", "-", "-vf", "lut3d=look.cube:interp=tetrahedral", "-f", "rawvideo", "-",
    ]  # fmt: skip
    done = subprocess.run(
        command, input=rgb.tobytes(), capture_output=True, check=True, timeout=60, cwd=tmp_path
    )
    theirs = np.frombuffer(done.stdout, np.uint8).reshape(64, 64, 3)
    read = read_cube(tmp_path / "look.cube").cube
    assert read is not None
    ours = tetrahedral(read, rgb / 255) * 255
    assert (ours - theirs).min() > -0.001
    assert (ours - theirs).max() < 1.001
