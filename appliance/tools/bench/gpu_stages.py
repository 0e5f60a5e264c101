"""The kernels of the optional stages, at the sizes at which the appliance runs them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import F32, Colour, Format, Rect
from appliance.media.surface import Surface
from appliance.pixels import gpu
from appliance.pixels.cpu.affine import Viewport
from appliance.pixels.cpu.look import LookTable
from appliance.pixels.cpu.overlay import Overlay
from appliance.pixels.cpu.plate import turns_of
from appliance.pixels.cpu.plate_light import RoomLight
from appliance.pixels.gpu import Matte, PersonLayer, Plane, Raw, Scratch
from appliance.tools.bench.gpu_timer import Timer


class MeasuredSizes(Protocol):
    """What is needed of ``gpu_kernels.Sizes``."""

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of a frame."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Columns and rows of the network's input."""
        ...

    @property
    def sets(self) -> int:
        """How many pictures are used in rotation."""
        ...


class Measures(Protocol):
    """What is needed of ``gpu_kernels.KernelBench``."""

    timer: Timer
    context: Context

    @property
    def sizes(self) -> MeasuredSizes:
        """What to measure at."""
        ...

    def surfaces(self, size: tuple[int, int], count: int, kind: str = "nv12") -> list[Surface]:
        """Pictures of noise."""
        ...

    def plane(self, array: F32) -> Plane:
        """An array in device memory."""
        ...


class KernelBenchOfStages:
    """Measures into the rows of the bench that it belongs to."""

    def __init__(self, bench: Measures) -> None:
        self._bench = bench

    def run(self) -> None:
        """Measure all of them. Raises GpuError."""
        self.layer()
        self.light()
        self.between()
        self.moved()
        self.looks()
        self.drawn()
        self.on_the_grid()
        self.room()
        self.captions()

    def captions(self) -> None:
        """A caption of two long lines over a picture."""
        bench, (width, height) = self._bench, self._bench.sizes.picture
        sets, columns, rows = bench.sizes.sets, width // 2 // 2 * 2, height // 6 // 2 * 2
        pictures, there = (
            bench.surfaces((width, height), sets),
            gpu.DeviceCaption(bench.context, width, height),
        )
        half = np.full((rows, columns), 128, np.uint8)
        there.put(Overlay(0, 0, half, half[::2].reshape(rows // 2, columns // 2, 2), half))

        def launches(i: int) -> None:
            gpu.blend_overlay(bench.context, pictures[i % sets], there)

        bench.timer.measure(
            f"caption {columns}x{rows} of {width}x{height}", round(5.5 * columns * rows), launches
        )

    def moved(self) -> None:
        """The person moved and enlarged on the canvas."""
        bench, size = self._bench, self._bench.sizes.picture
        (width, height), sets = size, bench.sizes.sets
        whole = Rect(0, 0, width, height)
        layers = [
            PersonLayer(front, bench.timer.alloc(width * height).address, width, whole)
            for front in bench.surfaces(size, 2 * sets)
        ]
        view = gpu.DeviceViewport(bench.context)
        view.put(Viewport(width / 8 + 0.3, height / 8 + 0.7, 1.25), whole, whole)

        def launches(i: int) -> None:
            j = 2 * (i % sets)
            gpu.warp_layer(bench.context, layers[j], view, layers[j + 1])

        bench.timer.measure(f"layer moved {width}x{height}", 5 * width * height, launches)

    def looks(self) -> None:
        """A look, by tables that leave each colour as it is: the same work as any other."""
        bench, size = self._bench, self._bench.sizes.picture
        (width, height), sets = size, bench.sizes.sets
        cb, cr, y = (256 * np.arange(256, dtype=np.uint16).reshape(shape)
                     for shape in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)))  # fmt: skip
        cube = (256, 256, 256)
        luma = np.ascontiguousarray(np.broadcast_to(y, cube))
        both = (np.broadcast_to(one, cube) for one in (cb, cr))
        chroma = np.ascontiguousarray(np.stack(tuple(both), axis=-1))
        table = gpu.upload_look(bench.context, LookTable(luma, chroma, True))
        frames, outs = bench.surfaces(size, sets), bench.surfaces(size, sets)

        def launches(i: int) -> None:
            gpu.apply_look(bench.context, frames[i % sets], table, outs[i % sets])

        bench.timer.measure(f"look {width}x{height}, noise", 3 * width * height, launches)

    def drawn(self) -> None:
        """Mattes drawn by hand, over all of the picture."""
        bench, size = self._bench, self._bench.sizes.picture
        (width, height), sets = size, bench.sizes.sets
        pixels, whole = width * height, Rect(0, 0, width, height)
        room, keep = (bench.timer.alloc(pixels).address for _ in range(2))
        mattes = gpu.HandMattes(room, keep, width, height, whole, whole)
        live, fronts = bench.surfaces(size, sets), bench.surfaces(size, sets)
        layers = [PersonLayer(f, bench.timer.alloc(pixels).address, width, whole) for f in fronts]

        def launches(i: int) -> None:
            gpu.apply_mattes(bench.context, mattes, live[i % sets], layers[i % sets])

        bench.timer.measure(f"drawn mattes {width}x{height}", 7 * pixels, launches)

    def on_the_grid(self) -> None:
        """Things joined to the person, and how much of the person stands in each column."""
        bench, (columns, rows) = self._bench, self._bench.sizes.grid
        half = np.full((rows, columns), 0.5, np.float32)
        alpha, things = bench.plane(half), bench.plane(half)
        scratch = Scratch(
            bench.context, rows, columns, colour=Colour(), mean=np.ones(3, np.float32),
            scale=np.ones(3, np.float32),
        )  # fmt: skip
        raw = Raw(alpha.address, columns, rows, columns)
        sums = bench.timer.alloc(4 * columns).address

        def launches(i: int) -> None:
            gpu.join_things(scratch, alpha, raw, things, person=True)
            gpu.column_sums(bench.context, alpha, sums)

        bench.timer.measure(f"things and columns {columns}x{rows}", 20 * rows * columns, launches)

    def room(self) -> None:
        """The empty room learnt and weighed in, nobody being there; and all of an edge soft."""
        bench, (columns, rows) = self._bench, self._bench.sizes.grid
        (width, height), sets = bench.sizes.picture, bench.sizes.sets
        context, whole, pixels = bench.context, Rect(0, 0, width, height), rows * columns
        plate = gpu.empty_plate(context, Format(width, height, (30, 1), Colour()))
        there = gpu.DeviceLight(context)
        there.put(RoomLight())
        light, turns = there.address, turns_of(height)
        scratch = Scratch(
            context, rows, columns, colour=Colour(), mean=np.ones(3, np.float32),
            scale=np.ones(3, np.float32),
        )  # fmt: skip
        half = bench.plane(np.full((rows, columns), 0.5, np.float32))
        nobody = bench.plane(np.zeros((rows, columns), np.float32))
        three, six = (np.full((count, rows, columns), 90, np.float32) for count in (3, 6))
        live, expected, weighed, person = (bench.plane(one) for one in (three, three, six, six))
        noise, out = bench.plane(three[0]), bench.plane(three[0])
        along, taken = (bench.timer.alloc(pixels).address for _ in range(2))
        seen, sums = bench.timer.alloc(12).address, bench.timer.alloc(4 * 144 * 17).address
        raw = Raw(nobody.address, columns, rows, columns)
        frames, fronts = (
            bench.surfaces((width, height), sets),
            bench.surfaces((width, height), sets),
        )
        alpha = bench.plane(np.full((height, -(-width // 4)), 0.5, np.float32)).address
        layers = [PersonLayer(front, alpha, width, whole) for front in fronts]

        def learn(i: int) -> None:
            gpu.free_cells(plate, taken, (rows, columns), whole, i % turns, turns)
            gpu.learn(plate, frames[i % sets], light, i % turns, turns, seen)

        def weigh(i: int) -> None:
            gpu.taken_cells(scratch, raw, nobody, 1, along, taken)
            gpu.expected_planes(scratch, plate, light, whole, expected, noise)
            gpu.compare(context, live, expected, noise, taken, whole, whole, light, sums)
            gpu.person_colours(scratch, live, half, expected, noise, 11, light, weighed, person)
            gpu.weigh_in(scratch, half, live, expected, noise, person, light, out)

        def colour(i: int) -> None:
            j = i % sets
            gpu.true_colour(context, layers[j], frames[j], plate, light, whole, 0)

        weigh(0)
        timer, size = bench.timer, f"{width}x{height}"
        timer.measure(f"room learnt {size}", 9 * width * height // turns, learn)
        timer.measure(f"room weighed in {columns}x{rows}", 270 * pixels, weigh)
        timer.measure(f"room's colour out {size}, soft everywhere", 7 * width * height, colour)

    def between(self) -> None:
        """The person between two frames, over the background of that time."""
        bench = self._bench
        (width, height), sets = bench.sizes.picture, bench.sizes.sets
        one, two, back, out = (bench.surfaces((width, height), sets) for _ in range(4))
        alpha = bench.plane(np.ones((height, width), np.float32)).address
        flow = gpu.DeviceFlow(bench.context, 270, 480)
        flow.put(np.full((270, 480, 2), 1.3, np.float32))
        whole = Rect(0, 0, width, height)

        def launches(i: int) -> None:
            j = i % sets
            first, second = (PersonLayer(front[j], alpha, width, whole) for front in (one, two))
            what = gpu.Between(first, second, flow, 0.5)
            gpu.blend_between(bench.context, what, back[j], out[j])

        bench.timer.measure(
            f"between {width}x{height}, the person everywhere", round(8 * width * height), launches
        )

    def layer(self) -> None:
        """The person apart from what is behind, and laid over it."""
        bench, (columns, rows) = self._bench, self._bench.sizes.grid
        (width, height), sets = bench.sizes.picture, bench.sizes.sets
        zero = bench.plane(np.zeros((rows, columns), np.float32))
        half = bench.plane(np.full((rows, columns), 0.5, np.float32))
        shift = bench.plane(np.full((3, rows, columns), 5.0, np.float32))
        rect = Rect(0, 0, width, height)
        matte = Matte(rect, zero, half, shift, 0.05)
        live, back, fronts, out = (bench.surfaces((width, height), sets) for _ in range(4))
        layers = [
            PersonLayer(front, bench.timer.alloc(width * height).address, width, rect)
            for front in fronts
        ]

        def launches(i: int) -> None:
            j = i % sets
            gpu.separate(bench.context, live[j], matte, layers[j])
            gpu.blend_layer(bench.context, layers[j], back[j], out[j])

        def beside(i: int) -> None:
            j = i % sets
            gpu.draw_key(bench.context, layers[j], back[j])
            gpu.draw_fill(bench.context, layers[j], out[j])

        bench.timer.measure(
            f"layer {width}x{height}, half everywhere", round(9.5 * width * height), launches
        )
        # Read: alpha, twice, and the person; written: two pictures.
        bench.timer.measure(f"key and fill {width}x{height}", round(6.5 * width * height), beside)

    def light(self) -> None:
        """The person in the light of what is behind, and a shadow on it."""
        bench, size, sets = self._bench, self._bench.sizes.picture, self._bench.sizes.sets
        context, timer, (width, height) = bench.context, bench.timer, size
        grid = gpu.light_grid(width, height)
        cells, pixels = grid[0] * grid[1], width * height
        back, fronts, out = (bench.surfaces(size, sets) for _ in range(3))
        rect = Rect(0, 0, width, height)
        layers = [PersonLayer(f, timer.alloc(pixels).address, width, rect) for f in fronts]
        matrix = context.upload(np.eye(3, 4, dtype=np.float32))
        luma, luma_soft, alpha, alpha_soft, shade = (timer.alloc(cells).address for _ in range(5))
        chroma, chroma_soft = (timer.alloc(2 * cells).address for _ in range(2))
        whole = timer.alloc(pixels).address
        behind, edge = gpu.Soft(context, grid, 8.4), gpu.Soft(context, grid, 2.9)
        shadow = gpu.ContactShadow(context, grid)
        wrap = gpu.Wrap(alpha_soft, 0.2, luma_soft, chroma_soft)

        def light(i: int) -> None:
            j = i % sets
            layer = layers[j]
            gpu.small_picture(context, back[j], luma, chroma)
            gpu.shrink(context, layer.alpha, layer.pitch, size, 1, alpha, grid)
            edge(alpha, 1, alpha_soft)
            behind(luma, 1, luma_soft)
            behind(chroma, 2, chroma_soft)
            gpu.relight(context, layer, matrix.address, wrap)

        def dark(i: int) -> None:
            j = i % sets
            shadow(alpha, 0.5, shade)
            gpu.enlarge(context, shade, grid, 1, whole, size)
            gpu.darken(context, back[j], whole, width, out[j])

        timer.measure(f"light {width}x{height}", round(6.5 * pixels + 30 * cells), light)
        timer.measure(f"shadow {width}x{height}", round(5 * pixels + 18 * cells), dark)
