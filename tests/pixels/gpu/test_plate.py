"""The empty room, emulated, against ``cpu``."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import F32, Format, Frame, Rect
from appliance.pixels import cpu, gpu
from appliance.pixels.cpu.plate import KNOWN
from appliance.pixels.cpu.plate_light import RoomLight, settle
from appliance.stages.plate.cpu import _taken
from tests.kernels.memory import Memory
from tests.pixels.frames import noise
from tests.pixels.gpu.test_layer import device_layer
from tests.scenes import FULL

SIZES = [(64, 36), (70, 122)]
GRID = (18, 32)


@pytest.fixture(autouse=True)
def larger_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The taller picture has cells as those of 1080p, cut short at its borders."""
    for module in (cpu.plate, gpu.plate):
        monkeypatch.setattr(module, "cell_of", lambda width, height: 4 if height > 99 else 2)


def scratch_of(memory: Memory) -> gpu.Scratch:
    ones = np.ones(3, np.float32)
    return gpu.Scratch(memory.context, *GRID, colour=FULL, mean=ones, scale=ones)


def light_of(seed: int, strength: float = 6.0) -> RoomLight:
    rng = np.random.default_rng(seed)
    light = RoomLight(rng.uniform(-1, 1, (3, 9, 16)).astype(np.float32) * strength, 1.1)
    # Smooth, as light is: the twin takes straight lines between every eighth cell.
    for plane in light.offset:
        plane[:] = np.linspace(plane[0, 0], plane[-1, -1], 16)[None] + plane[:, :1] * 0
    return light


def on_device(memory: Memory, light: RoomLight, *, used: bool = True, start: int = 0) -> int:
    there = gpu.DeviceLight(memory.context)
    there.put(light, used=used, start=start)
    memory._kept.append(there)
    return int(there.address)


def rooms(width: int, height: int, count: int) -> list[Frame]:
    """One room with noise, and a part that changes for good."""
    rng, still = np.random.default_rng(3), noise(width, height, 1)
    made = []
    for k in range(count):
        y = still.y * 0.6 + 40 + rng.normal(0, 2, still.y.shape)
        if k > 11:
            y[: height // 3] += 60
        uv = still.uv * 0.5 + 64 + rng.normal(0, 1, still.uv.shape)
        made.append(Frame(y.clip(0, 255).astype(np.uint8), uv.astype(np.uint8), FULL))
    return made


def both(memory: Memory, frames: list[Frame], light: RoomLight) -> tuple[cpu.Plate, gpu.Plate]:
    """The same learnt on both sides, some cells not free; counts must agree."""
    width, height = frames[0].width, frames[0].height
    want = cpu.empty_plate(width, height, FULL)
    got = gpu.empty_plate(memory.context, Format(width, height, (30, 1), FULL))
    address, rng = on_device(memory, light), np.random.default_rng(8)
    counts = memory.buffer(np.zeros(3, np.int32))
    for frame in frames:
        free = (rng.uniform(size=want.times.shape) < 0.9).astype(np.uint8)
        free[-1] = 0
        memory.context.driver.memcpy_htod(got.free.address, free)
        for turn in range(2):
            seen = cpu.learn(want, frame, free, light.offset, light.gain, turn, 2, 5)
            memory.context.driver.memcpy_htod(counts.address, np.zeros(3, np.int32))
            surface = memory.picture(frame, 5, 3).surface
            gpu.learn(got, surface, address, turn, 2, counts.address, patience=5)
            known = np.count_nonzero(want.times[turn::2] >= KNOWN)
            assert np.abs(memory.read_as(counts, (3,), np.int32) - (*seen, known)).max() <= 2
    return want, got


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("lit", [False, True])
def test_learn(memory: Memory, width: int, height: int, lit: bool) -> None:
    want, got = both(memory, rooms(width, height, 20), light_of(1) if lit else RoomLight())
    times = memory.read_as(got.times, want.times.shape, np.uint8)
    assert (times != want.times).mean() < 0.01
    assert (times >= KNOWN).mean() > 0.5
    mean = memory.read_as(got.mean_y, want.mean_y.shape, np.uint16).astype(int)
    mean_c = memory.read_as(got.mean_uv, want.mean_uv.shape, np.uint16).astype(int)
    # In 1/256: the light is taken from the map itself, not from straight lines.
    limit = 128 if lit else 2
    assert (np.abs(mean - want.mean_y) > limit).mean() < 0.01
    assert (np.abs(mean_c - want.mean_uv) > limit).mean() < 0.01
    pitch = got.picture.pitch
    whole = memory.read_as(
        gpu.Buffer(got.picture.address, pitch * height), (height, pitch), np.uint8
    )
    assert (np.abs(whole[:, :width] - mean / 256) > 0.51).mean() < 0.001 + (want.times == 0).mean()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("half", [False, True])
def test_taken_and_free(memory: Memory, width: int, height: int, half: bool) -> None:
    rng = np.random.default_rng(2)
    raw, alpha = (np.where(rng.uniform(size=GRID) < 0.05, 0.9, 0.01) for _ in range(2))
    raw, alpha = raw.astype(np.float32), alpha.astype(np.float32)
    rect = Rect(8, 4, width - 20, height - 10)
    plate = gpu.empty_plate(memory.context, Format(width, height, (30, 1), FULL))
    along, out = (memory.buffer(np.full(GRID, 77, np.uint8)) for _ in range(2))
    verdict = np.zeros(1, gpu.VERDICT)
    for margin, seen, refused in (
        (1, (), 0),
        (3, ((0, 2, 14, 16), (20, 0, 32, 18)), 0),
        (1, (), 1),
    ):
        verdict["refused"] = refused
        gpu.taken_cells(
            scratch_of(memory), memory.raw(raw, pad=3, half=half), memory.plane(alpha), margin,
            along.address, out.address, seen=seen,
            verdict=memory.buffer(verdict.view(np.uint8)).address,
        )  # fmt: skip
        taken = memory.read_as(out, GRID, np.uint8)
        want = _taken(np.maximum(raw, alpha), margin, rect)
        looked = np.zeros(GRID, bool)
        for left, top, right, bottom in seen:
            looked[top:bottom, left:right] = True
        want[(~looked if seen else np.zeros(GRID, bool)) | bool(refused)] = 1
        assert np.array_equal(taken & 1, want)
        assert np.array_equal(taken >> 1, raw > 0.8)
        if refused:
            continue
        cells = np.zeros(plate.cells, np.uint8)
        cpu.free_cells(want, rect, plate.cell, cells, 1, 2)
        gpu.free_cells(plate, out.address, GRID, rect, 1, 2)
        got = memory.read_as(plate.free, plate.cells, np.uint8)
        assert np.array_equal(got[1::2], cells[1::2])
        assert cells.mean() < 1
        assert margin > 1 or cells.mean() > 0
    with pytest.raises(ValueError, match="4 parts"):
        gpu.taken_cells(
            scratch_of(memory), memory.raw(raw), None, 1, along.address, out.address,
            seen=[(0, 0, 1, 1)] * 4,
        )  # fmt: skip


def on_the_grid(
    memory: Memory, frames: list[Frame], light: RoomLight, rect: Rect
) -> tuple[F32, F32, gpu.Plane, gpu.Plane]:
    """Expected planes and noise on both sides, of a plate learnt on both."""
    want, got = both(memory, frames, RoomLight())
    whole = want.picture.rect
    expected, spread = np.empty((3, *GRID), np.float32), np.empty(GRID, np.float32)
    cpu.crop_planes(want.picture, rect, expected)
    cpu.plate_noise(want, rect, spread, 0, GRID[0])
    cpu.expected_planes(expected.copy(), spread, light, rect, whole, expected)
    there, noise_there = memory.empty(3, *GRID), memory.empty(1, *GRID)
    address = on_device(memory, light)
    gpu.expected_planes(scratch_of(memory), got, address, rect, there, noise_there)
    return expected, spread, there, noise_there


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_expected(memory: Memory, width: int, height: int) -> None:
    rect = Rect(4, 2, width - 8, height - 2)
    want, spread, got, noise_got = on_the_grid(memory, rooms(width, height, 10), light_of(4), rect)
    known = spread >= 0
    assert 0.5 < known.mean() < 1
    made = memory.read(noise_got)[0]
    assert ((made >= 0) != known).mean() < 0.01
    assert np.abs(made - spread)[known & (made >= 0)].max() < 0.1
    off = np.abs(memory.read(got, 3) - want)[:, known]
    assert off.max() < 1.5
    assert off.mean() < 0.1


def scene(seed: int) -> tuple[F32, F32, F32, F32]:
    """Picture, alpha, plate and its noise on the grid: somebody, a post, a shadow."""
    rng = np.random.default_rng(seed)
    expected = rng.uniform(60, 180, (3, *GRID)).astype(np.float32)
    expected[1:] = 100 + expected[1:] / 4
    alpha = np.zeros(GRID, np.float32)
    alpha[5:, 8:18] = 1
    alpha[4:, 18:26] = rng.uniform(0, 1, (14, 8))
    live = expected + rng.normal(0, 1, expected.shape).astype(np.float32)
    person = np.array((220, 80, 180), np.float32)[:, None, None]
    live = live + np.where(alpha > 0.6, alpha, 0) * (person - live)
    live[0, 4:, 22:26] *= 0.8
    spread = rng.uniform(0, 3, GRID).astype(np.float32)
    spread[10:12, 10:28] = -1
    return live.astype(np.float32), alpha, expected, spread


def test_evidence(memory: Memory) -> None:
    live, alpha, expected, spread = scene(1)
    person = cpu.person_colours(live, alpha, expected, spread, 4)
    want = cpu.weigh_in(alpha, live, expected, spread, person)
    planes = [memory.plane(one) for one in (live, alpha, expected, spread)]
    for used in (True, False):
        light = on_device(memory, RoomLight(), used=used)
        weighed, colours, out = (memory.empty(count, *GRID) for count in (6, 5, 1))
        scratch = scratch_of(memory)
        gpu.person_colours(scratch, *planes, 4, light, weighed, colours)
        gpu.weigh_in(scratch, planes[1], planes[0], planes[2], planes[3], colours, light, out)
        got = memory.read(out)[0]
        if not used:
            assert np.array_equal(got, alpha)
            continue
        assert (np.abs(got - want) > 1e-3).mean() < 0.005
        assert np.abs(want - alpha).max() > 0.3
        counts = (person[3] >= 0) & (alpha > 0.04)
        assert np.isfinite(memory.read(colours, 5)).all()
        close = np.abs(memory.read(colours, 5)[:3, counts] - person[:3, counts])
        assert close.max() < 0.05


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("rect", [Rect(0, 0, 320, 180), Rect(36, 20, 200, 112)])
def test_compare(memory: Memory, start: int, rect: Rect) -> None:
    live, alpha, expected, spread = scene(2)
    live[0] += 3
    live[0] = (live[0] - 128) * 1.05 + 128
    whole = Rect(0, 0, 320, 180)
    taken = (alpha > 0.03).astype(np.uint8)
    sure = (alpha > 0.8).astype(np.uint8)
    light = light_of(3)
    other = RoomLight(light.offset.copy(), light.gain)
    want = cpu.fit_light(light, live, expected, spread, taken, rect, whole, start)
    out = memory.buffer(np.full(gpu.COMPARED, np.nan, np.float32))
    gpu.compare(
        memory.context, *(memory.plane(one) for one in (live, expected, spread)),
        memory.buffer(taken | sure << 1).address, rect, whole,
        on_device(memory, other, start=start), out.address,
    )  # fmt: skip
    *sums, share = gpu.sums_of(memory.read_as(out, gpu.COMPARED, np.float32))
    got = settle(other, *sums)
    assert want.cells > 100
    assert (got.cells, got.edges) == (want.cells, want.edges)
    assert got.changed == pytest.approx(want.changed, abs=1e-6)
    assert got.shift == pytest.approx(want.shift, abs=1e-3)
    assert got.light == pytest.approx(want.light, abs=1e-3)
    assert np.abs(other.offset - light.offset).max() < 1e-3
    assert other.gain == pytest.approx(light.gain, abs=1e-5)
    assert share == pytest.approx(sure[1 + start : -1 : 2, 1:-1].mean(), abs=1e-6)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_true_colour(memory: Memory, width: int, height: int) -> None:
    want, got = both(memory, rooms(width, height, 10), RoomLight())
    frame, light = noise(width, height, 7), light_of(5)
    layer = cpu.empty_layer(width, height, FULL)
    layer.front.y[:], layer.front.uv[:] = noise(width, height, 8).y, noise(width, height, 8).uv
    rng = np.random.default_rng(1)
    layer.alpha[:] = rng.choice(np.array([0, 0, 255, 255, 90, 200], np.uint8), (height, width))
    layer.rect = Rect(2, 2, width - 4, height - 4)
    within = Rect(0, 0, width - 10, height)
    before = layer.front.y.copy()
    device, (front, _) = device_layer(memory, layer, 6, 3)
    surface = memory.picture(frame, 5, 1).surface
    gpu.true_colour(
        memory.context, device, surface, got, on_device(memory, light, used=False), within, KNOWN
    )
    assert np.array_equal(front.read().y, before)
    cpu.true_colour(layer, frame, want, light, within, KNOWN)
    gpu.true_colour(memory.context, device, surface, got, on_device(memory, light), within, KNOWN)
    made = front.read()
    assert (np.abs(made.y.astype(int) - layer.front.y) > 1).mean() < 0.01
    assert (np.abs(made.uv.astype(int) - layer.front.uv) > 1).mean() < 0.01
    assert (layer.front.y != before).mean() > 0.2
    other = memory.picture(noise(66, 36, 1)).surface
    with pytest.raises(ValueError, match="66x36"):
        gpu.true_colour(memory.context, device, other, got, 0, within, KNOWN)


def test_sizes_and_forgetting(memory: Memory) -> None:
    plate = gpu.empty_plate(memory.context, Format(64, 36, (30, 1), FULL))
    counts = memory.buffer(np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="66x36"):
        gpu.learn(plate, memory.picture(noise(66, 36, 1)).surface, 0, 0, 1, counts.address)
    light, surface = on_device(memory, RoomLight()), memory.picture(noise(64, 36, 1)).surface
    for _ in range(KNOWN):
        gpu.learn(plate, surface, light, 0, 1, counts.address, everywhere=True)
    assert (memory.read_as(plate.times, plate.cells, np.uint8) == KNOWN).all()
    plate.forget()
    assert not memory.read_as(plate.times, plate.cells, np.uint8).any()
