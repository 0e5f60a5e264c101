"""Labelling and cleaning, emulated, against ``cpu.keep_components`` and ``cpu.clean``: exact except
for the fade, which is float32 (1e-6)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32, Colour, Rect
from appliance.pixels import cpu
from appliance.pixels.cpu.cover import measure_cover
from appliance.pixels.cpu.taking_part import MOST, Known, reach_of
from appliance.pixels.gpu import Scratch, clean, keep_components
from appliance.pixels.gpu.scratch import disc_widths
from appliance.pixels.gpu.taking_part import KnownPeople
from appliance.stages.matte.checks import refusal
from tests.kernels import driver
from tests.kernels.memory import Memory
from tests.kernels.shapes import pictures, spiral
from tests.stages.matte.test_checks import SHOWS_THE_ROOM

# Below, at and just above the 32x32 tile size; single rows and columns; odd sides.
SIZES = [(1, 1), (1, 70), (70, 1), (2, 2), (3, 5), (31, 33), (32, 32), (33, 65), (72, 128)]
ONE = np.ones(3, np.float32)


def scratch_for(memory: Memory, rows: int, columns: int, grow: int = 4) -> Scratch:
    return Scratch(memory.context, rows, columns, colour=Colour(), mean=ONE, scale=ONE, grow=grow)


def compare(
    memory: Memory, scratch: Scratch, alpha: F32, keep: str, min_area: float, *, pad: int = 0,
    half: bool = False, name: str = "", known: Sequence[Known] = (),
    sides: tuple[bool, bool] = (True, True),
) -> None:  # fmt: skip
    """One call against the oracle."""
    if half:
        alpha = alpha.astype(np.float16).astype(np.float32)
    kept = cpu.keep_components(alpha, 0.3, keep, min_area, known, sides)
    verdict, people = memory.verdict(), KnownPeople(memory.context)
    people.put(known)
    out = memory.empty(1, *alpha.shape)
    raw = memory.raw(alpha, pad=pad, half=half)
    keep_components(
        scratch, raw, 0.3, keep, min_area, 0.97, verdict.address, out, people.address, sides
    )
    got = memory.read_verdict(verdict)
    where = (name, keep, min_area, alpha.shape)
    assert got["count"] == kept.count, where
    box = kept.box or Rect(0, 0, 0, 0)
    assert (got["left"], got["top"]) == (box.x, box.y), where
    assert (got["right"], got["bottom"]) == (box.right, box.bottom), where
    mask = memory.read_as(scratch.mask, alpha.shape, np.uint8)
    assert np.array_equal(mask, kept.mask), where
    assert np.array_equal(memory.read(out)[0], np.clip(alpha, 0, 1)), where
    cover = measure_cover(alpha)
    assert (got["shows"], got["undecided"]) == (
        round(cover.shows * alpha.size), round(cover.undecided * alpha.size)
    ), where  # fmt: skip
    outline = float(got["outline"]) / np.sqrt(alpha.size)
    assert outline == pytest.approx(cover.outline, rel=1e-4, abs=1e-4), where
    assert bool(got["refused"]) == (refusal(cover, 0.97) is not None), where
    assert got["peak"] == 0
    assert got["listed"] == len(kept.found), where
    for one, place in zip(kept.found, got["found"], strict=False):
        box = one.box
        want = (box.x, box.y, box.right, box.bottom, one.area, one.touching)
        assert place.item() == want, where


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_hard_pictures(memory: Memory, rows: int, columns: int) -> None:
    """One Scratch for all: nothing may carry over from one frame to the next."""
    scratch = scratch_for(memory, rows, columns)
    for k, (name, bits) in enumerate(pictures(rows, columns)):
        for keep, min_area in (("all", 0.0), ("all", 0.5), ("largest", 0.0), ("taking-part", 0.0)):
            alpha = np.where(bits, 0.9, 0.1).astype(np.float32)
            compare(memory, scratch, alpha, keep, min_area, pad=k % 4, half=k % 2 == 1, name=name)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_of_threads(memory: Memory, seed: int) -> None:
    """Blocks and threads in random order, yielding at every atomic."""
    driver.log.seed = seed
    scratch = scratch_for(memory, 66, 70)
    for name, bits in pictures(66, 70):
        for keep in ("all", "taking-part"):
            compare(memory, scratch, bits.astype(np.float32), keep, 0.02, name=name)


def test_equal_areas_are_decided_as_the_oracle_does(memory: Memory) -> None:
    rng = np.random.default_rng(0)
    scratch = scratch_for(memory, 72, 128)
    for _ in range(20):
        alpha = np.zeros((72, 128), np.float32)
        for _ in range(6):
            y, x = rng.integers(0, 66), rng.integers(0, 122)
            if not alpha[max(0, y - 1) : y + 7, max(0, x - 1) : x + 7].any():
                alpha[y : y + 5, x : x + 5] = 1
        compare(memory, scratch, alpha, "largest", 0.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_who_takes_part_is_decided_as_the_oracle_does(memory: Memory, seed: int) -> None:
    """Crowds of rectangles, some at the borders; known boxes on and beside them, or nobody."""
    rng = np.random.default_rng(seed)
    scratch = scratch_for(memory, 72, 127)
    kept = set()
    for _ in range(60):
        alpha = np.zeros((72, 127), np.float32)
        boxes = []
        for _ in range(int(rng.integers(1, 24))):
            x, y = int(rng.integers(0, 120)), int(rng.integers(0, 66))
            w, h = (int(n) for n in rng.integers(3, 40, 2))
            box = Rect(x, y, w, h).intersect(Rect(0, 0, 127, 72))
            around = alpha[max(0, y - 1) : box.bottom + 1, max(0, x - 1) : box.right + 1]
            if not around.any():
                alpha[y : box.bottom, x : box.right] = 1
                boxes.append(box)
        known = []
        for box in boxes[: int(rng.integers(0, MOST + 1))]:
            dx, dy = (int(n) for n in rng.integers(-12, 13, 2))
            moved = Rect(box.x + dx, box.y + dy, box.width, box.height)
            there = moved.intersect(Rect(0, 0, 127, 72))
            if there.area:
                known.append(Known(there, reach_of(there), bool(rng.integers(0, 2))))
        compare(memory, scratch, alpha, "taking-part", 0.05, known=known)
        kept.add(cpu.keep_components(alpha, 0.3, "taking-part", 0.05, known).count)
    assert len(kept) > 3, "not always the same"


def test_specks_are_never_a_person(memory: Memory) -> None:
    """Below 1/4000 of the grid: 9 pixels of 256x144."""
    scratch = scratch_for(memory, 144, 256)
    for side, count in ((3, 0), (4, 1)):
        alpha = np.zeros((144, 256), np.float32)
        alpha[70 : 70 + side, 31 : 31 + 3] = 1
        compare(memory, scratch, alpha, "all", 0.0)
        assert cpu.keep_components(alpha, 0.3, "all", 0.0).count == count


def test_alpha_beyond_its_range_is_clipped(memory: Memory) -> None:
    alpha = np.random.default_rng(0).uniform(-1, 2, (20, 30)).astype(np.float32)
    compare(memory, scratch_for(memory, 20, 30), alpha, "all", 0.0)


@pytest.mark.parametrize("sides", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("columns", [64, 63])
def test_only_the_frames_own_borders_cut(
    memory: Memory, columns: int, sides: tuple[bool, bool]
) -> None:
    alpha = np.zeros((40, columns), np.float32)
    alpha[5:30, :9] = alpha[10:36, -7:] = 1
    compare(memory, scratch_for(memory, 40, columns), alpha, "taking-part", 0.0, sides=sides)
    found = cpu.keep_components(alpha, 0.3, "taking-part", 0.0, (), sides).found
    cut = {one.box.x == 0: one.cut for one in found}
    assert (cut[True], cut[False]) == sides


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused(memory: Memory, value: float) -> None:
    alpha = np.zeros((40, 50), np.float32)
    alpha[33, 49] = value
    scratch, verdict = scratch_for(memory, 40, 50), memory.verdict()
    keep_components(scratch, memory.raw(alpha), 0.3, "all", 0.0, 0.97, verdict.address)
    said = memory.read_verdict(verdict)
    assert (said["refused"], said["not_finite"]) == (1, 1)
    keep_components(scratch, memory.raw(0 * np.ones_like(alpha)), 0.3, "all", 0, 1, verdict.address)
    assert memory.read_verdict(verdict)["refused"] == 0, "the next frame starts afresh"


@pytest.mark.parametrize("name", SHOWS_THE_ROOM)
def test_what_shows_the_room_is_refused(memory: Memory, name: str) -> None:
    alpha = SHOWS_THE_ROOM[name]
    scratch, verdict = scratch_for(memory, *alpha.shape), memory.verdict()
    keep_components(scratch, memory.raw(alpha), 0.3, "all", 0.0, 0.97, verdict.address)
    assert memory.read_verdict(verdict)["refused"] == 1


@pytest.mark.parametrize("grow", [0, 1, 2, 4, 9, 32])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 40), (40, 1), (9, 41), (48, 80)])
def test_clean(memory: Memory, rows: int, columns: int, grow: int) -> None:
    rng = np.random.default_rng(grow)
    scratch, verdict = scratch_for(memory, rows, columns, grow), memory.verdict()
    for density in (0.0, 0.01, 0.2):
        bits = (rng.random((rows, columns)) < density).astype(np.uint8)
        bits = cv2.dilate(bits, np.ones((3, 3), np.uint8))
        alpha = np.where(bits, 0.8, 0.2 * rng.random((rows, columns))).astype(np.float32)
        kept = cpu.keep_components(alpha, 0.3, "all", 0.02)
        plane = memory.empty(1, rows, columns)
        keep_components(scratch, memory.raw(alpha), 0.3, "all", 0.02, 1, verdict.address, plane)
        clean(scratch, plane)
        cpu.clean(alpha, kept, grow)
        assert np.abs(memory.read(plane)[0] - alpha).max() < 1e-6


@pytest.mark.parametrize("grow", range(33))
def test_discs_are_opencvs(grow: int) -> None:
    """The kernels are given half widths: every row of the disc must be centred and contiguous."""
    size = 2 * grow + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    x = np.abs(np.arange(size) - grow)
    assert np.array_equal(disc, (x[None] <= disc_widths(grow)[:, None]).astype(np.uint8))


def test_the_spiral_is_one_component() -> None:
    assert cv2.connectedComponents(spiral(65, 63), connectivity=8)[0] == 2
