"""Each kernel of the frame path by itself, at the sizes at which the appliance runs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import F32, Colour, Format, Rect
from appliance.pixels import gpu
from appliance.pixels.gpu import (
    VERDICT,
    Blur,
    Matrices,
    Matte,
    Plane,
    Raw,
    Scratch,
    Surface,
    Tensor,
)
from appliance.tools.bench.device_path import FramePath
from appliance.tools.bench.gpu_stages import KernelBenchOfStages
from appliance.tools.bench.gpu_timer import Timer

_ONE = np.ones(3, np.float32)
_PITCH = {"nv12": 1, "yuyv": 2, "bgrx": 4}
_LAYERS = {"nv12": 1.5, "yuyv": 2.0, "bgrx": 4.0}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes to measure at, (width, height); the targets refer to the defaults.

    Attributes:
        picture, large: frames. grid: the network's input.
        labels: pictures for the connected components, each with its target.
        patch: what is pasted.
        sets: how many pictures of each kind are used in rotation.
    """

    picture: tuple[int, int] = (1920, 1080)
    large: tuple[int, int] = (3840, 2160)
    grid: tuple[int, int] = (288, 160)
    labels: tuple[tuple[tuple[int, int], float], ...] = (((512, 512), 50.0), ((2880, 2160), 360.0))
    patch: tuple[int, int] = (698, 667)
    sets: int = 8


def disc(rows: int, columns: int) -> F32:
    """A soft person: a disc of alpha over a third of the picture, with some blobs around."""
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    away = np.hypot(x - columns / 2, (y - rows / 2) * columns / rows / 1.5)
    alpha = np.clip((columns / 3.2 - away) / 4, 0, 1)
    blobs = np.random.default_rng(0).random((rows // 8 + 1, columns // 8 + 1)) > 0.97
    spots = 0.8 * blobs.repeat(8, 0).repeat(8, 1)[:rows, :columns]
    return np.asarray(np.maximum(alpha, spots), np.float32)


class KernelBench:
    """Measures into a timer's rows."""

    def __init__(self, timer: Timer, sizes: Sizes | None = None) -> None:
        self.timer, self.sizes = timer, sizes or Sizes()
        self.context = timer.context

    def run(self) -> None:
        """Measure all of them. Raises GpuError."""
        self.path()
        self.composites()
        KernelBenchOfStages(self).run()
        self.pictures()
        self.labels()
        self.grid()

    def surfaces(self, size: tuple[int, int], count: int, kind: str = "nv12") -> list[Surface]:
        """Pictures of noise."""
        width, height = size
        pitch = -(-_PITCH[kind] * width // 256) * 256
        rows = height * 3 // 2 if kind == "nv12" else height
        data = np.random.default_rng(0).integers(0, 256, rows * pitch, np.uint8)
        found = []
        for _ in range(count):
            buffer = self.timer.upload(data)
            uv = buffer.at(height * pitch) if kind == "nv12" else 0
            found.append(
                Surface(kind, width, height, buffer.address, pitch, uv, pitch)  # type: ignore[arg-type]
            )
        return found

    def plane(self, array: F32) -> Plane:
        """An array in device memory."""
        buffer = self.timer.upload(array.astype(np.float32))
        return Plane(buffer.address, array.shape[-2], array.shape[-1])

    def _tensor(self) -> Tensor:
        columns, rows = self.sizes.grid
        return Tensor(self.timer.alloc(12 * rows * columns).address, rows, columns)

    def path(self) -> None:
        """Crop to composite: all of a frame except the network."""
        sizes, (columns, rows), sets = self.sizes, self.sizes.grid, self.sizes.sets
        whole = FramePath(self.context, Settings(), self._tensor(), Colour(), mean=_ONE, scale=_ONE)
        raw = Raw(self.plane(disc(rows, columns)).address, columns, rows, columns)
        rect, inner = Rect(0, 0, *sizes.picture), Rect(0, 0, columns, rows)
        live, back, out = (self.surfaces(sizes.picture, sets) for _ in range(3))

        def launches(i: int) -> None:
            whole.aim(rect, inner)
            whole.crop(live[i % sets])
            whole.finish(raw, live[i % sets], back[i % sets], out[i % sets])
            # The host's bookkeeping, without the mark, which must not be recorded.
            whole.end(marked=False)

        # Frame read twice, background once, composite written; the person covers a third.
        pixels = sizes.picture[0] * sizes.picture[1]
        self.timer.measure(
            f"crop to composite, {_name(sizes.picture)}", round((1.5 + 3.6) * pixels), launches,
            count=2 * sets, target_us=60.0,
        )  # fmt: skip

    def composites(self) -> None:
        """The composite, with alpha everywhere and with a person."""
        sizes, (columns, rows), sets = self.sizes, self.sizes.grid, self.sizes.sets
        shift = self.plane(np.full((3, rows, columns), 5.0, np.float32))
        slope = self.plane(np.zeros((rows, columns), np.float32))
        half = self.plane(np.full((rows, columns), 0.5, np.float32))
        person = self.plane(disc(rows, columns))
        for size in (sizes.picture, sizes.large):
            live, back, out = (self.surfaces(size, sets) for _ in range(3))
            for what, offset, each in (
                ("half everywhere", half, 4.5),
                ("a person", person, 3.6),
            ):
                matte = Matte(Rect(0, 0, *size), slope, offset, shift, 0.05)

                def launches(i: int, m: Matte = matte) -> None:
                    j = i % sets
                    gpu.composite(self.context, live[j], back[j], m, out[j])  # noqa: B023

                target = 0.8 if (size, what) == (sizes.large, "half everywhere") else None
                self.timer.measure(
                    f"composite {_name(size)}, {what}", round(each * size[0] * size[1]), launches,
                    target_share=target,
                )  # fmt: skip

        self._close_up()

    def _close_up(self) -> None:
        """The composite where the grid is nearly as fine as the picture: a small ROI."""
        sizes, sets = self.sizes, self.sizes.sets
        rows, columns = sizes.grid[1], max(sizes.grid[0], 192)
        rect = Rect(0, 0, sizes.picture[0] // 8 * 2, sizes.picture[1] // 8 * 2)
        half = self.plane(np.full((rows, columns), 0.5, np.float32))
        slope = self.plane(np.zeros((rows, columns), np.float32))
        live, back, out = (self.surfaces(sizes.picture, sets) for _ in range(3))

        def launches(i: int) -> None:
            j = i % sets
            matte = Matte(rect, slope, half, None, 0.05)
            gpu.composite(self.context, live[j], back[j], matte, out[j])

        pixels = sizes.picture[0] * sizes.picture[1]
        moved = round(3 * pixels + 1.5 * rect.width * rect.height)
        self.timer.measure(f"composite {_name(sizes.picture)}, a close-up", moved, launches)

    def pictures(self) -> None:
        """The other operations on whole pictures."""
        sizes, context, sets = self.sizes, self.context, self.sizes.sets
        size, pixels, name = (
            sizes.picture,
            sizes.picture[0] * sizes.picture[1],
            _name(sizes.picture),
        )
        frames, outs = self.surfaces(size, 2 * sets), self.surfaces(size, 2 * sets)
        blur = Blur(context, Format(*size), 0.03)
        measure = self.timer.measure
        measure(f"blur {name}", 3 * pixels, lambda i: blur(frames[i], outs[i]), count=2 * sets)
        matrices = Matrices(context, Colour())
        bgrx, yuyv = (self.surfaces(size, 2 * sets, kind) for kind in ("bgrx", "yuyv"))
        for what, each, convert in (
            ("NV12 to BGRx", 5.5, lambda i: gpu.nv12_to_bgrx(matrices, frames[i], bgrx[i])),
            ("YUYV to NV12", 3.5, lambda i: gpu.yuyv_to_nv12(context, yuyv[i], outs[i])),
            ("BGRx to NV12", 5.5, lambda i: gpu.bgrx_to_nv12(matrices, bgrx[i], outs[i])),
        ):
            measure(f"{what} {name}", round(each * pixels), convert, count=2 * sets)
        width, height = sizes.patch
        # Odd, so that no address is aligned.
        left, top = (size[0] - width) // 4 * 2 + 1, (size[1] - height) // 4 * 2 + 1
        patches = [self.timer.alloc(width * height * 3) for _ in range(2 * sets)]
        canvases = [self.timer.alloc(pixels * 3) for _ in range(2 * sets)]
        measure(
            f"paste {_name(sizes.patch)}, 3 channels", 3 * width * height * 3,
            lambda i: gpu.paste(
                context, canvases[i].address, size[0] * 3, size, patches[i].address, width * 3,
                sizes.patch, 3, left, top,
            ),
            count=2 * sets, target_us=10.0,
        )  # fmt: skip
        small = self.surfaces((width // 2 * 2, height // 2 * 2), 2 * sets)
        measure(
            f"paste {_name((width // 2 * 2, height // 2 * 2))}, NV12",
            round(4.5 * small[0].width * small[0].height),
            lambda i: gpu.paste_nv12(context, frames[i], small[i], left, top), count=2 * sets,
        )  # fmt: skip

    def labels(self) -> None:
        """Connected components with area and box of each."""
        columns, rows = self.sizes.grid
        for (width, height), target in (((columns, rows), None), *self.sizes.labels):
            scratch = Scratch(self.context, height, width, colour=Colour(), mean=_ONE, scale=_ONE)
            verdict = self.timer.alloc(VERDICT.itemsize).address
            noise = np.random.default_rng(1).random((height, width)).astype(np.float32)
            for what, picture in (("person", disc(height, width)), ("noise", noise)):
                raw = Raw(self.plane(picture).address, width, height, width)

                def launches(i: int, r: Raw = raw, s: Scratch = scratch, v: int = verdict) -> None:
                    gpu.keep_components(s, r, 0.5, "all", 0.02, 1.0, v)

                self.timer.measure(
                    f"components {_name((width, height))}, {what}", 5 * height * width, launches,
                    target_us=target if what == "person" else None,
                )  # fmt: skip

    def grid(self) -> None:
        """The operations on the network's grid."""
        sizes, context, timer = self.sizes, self.context, self.timer
        (columns, rows), sets = sizes.grid, 3 * sizes.sets
        n, at = rows * columns, _name(sizes.grid)
        scratch = Scratch(context, rows, columns, colour=Colour(), mean=_ONE, scale=_ONE)
        alpha, other = self.plane(disc(rows, columns)), self.plane(disc(rows, columns))
        three, out = (self.plane(np.zeros((3, rows, columns), np.float32)) for _ in range(2))
        verdict = timer.alloc(VERDICT.itemsize).address
        somebody = np.zeros(1, VERDICT)
        somebody["count"] = 1
        previous = timer.upload(somebody).address
        rect, tensor = Rect(0, 0, *sizes.picture), self._tensor()
        for kind, each in _LAYERS.items():
            frames = self.surfaces(sizes.picture, sets, kind)

            def crop(i: int, f: list[Surface] = frames) -> None:
                gpu.crop_planes(scratch, f[i], rect, three, tensor)

            timer.measure(
                f"crop {kind} {_name(sizes.picture)} to {at}",
                round(each * sizes.picture[0] * sizes.picture[1]) + 24 * n, crop, count=sets,
            )  # fmt: skip
        wide = Rect(0, 0, sizes.picture[0] // 4 * 2, sizes.picture[1] // 4 * 2)
        pixels = -(-n // 256)
        kernels, block = context.kernels, (256, 1, 1)
        for what, each, launches in (
            ("bars of black", 12, lambda i: gpu.fill_black(scratch, tensor)),
            ("clean", 12, lambda i: gpu.clean(scratch, alpha)),
            (
                "steady", 40,
                lambda i: gpu.steady(
                    scratch, three, alpha, three, other, source=rect, target=rect, low=1.5, high=6,
                    strength=0.85, agreed=0.85, disputed=0.6, history=True, previous=previous,
                    moved=out.plane(1), out=out, verdict=verdict,
                ),
            ),
            ("resample", 8, lambda i: gpu.resample(scratch, alpha, rect, wide, 0.0, out)),
            (
                "join a tile", 8,
                lambda i: gpu.join_tiles(
                    scratch, [(Raw(alpha.address, columns, rows, columns), wide)], rect, out
                ),
            ),
            (
                "things joined", 16,
                lambda i: gpu.join_things(
                    scratch, out, Raw(alpha.address, columns, rows, columns), alpha, person=True
                ),
            ),
            (
                "guided filter", 16,
                lambda i: gpu.guided_coefficients(scratch, three, alpha, 1, 1e-3, out),
            ),
            ("foreground shift", 28, lambda i: gpu.foreground_shift(scratch, three, alpha, 4, out)),
            (
                "guided filter, wide", 16,
                lambda i: gpu.guided_coefficients(scratch, three, alpha, 8, 1e-3, out),
            ),
            (
                "foreground shift, wide", 28,
                lambda i: gpu.foreground_shift(scratch, three, alpha, 11, out),
            ),
            (
                "planes to pixels", 24,
                lambda i: kernels["interleave"](
                    (pixels, 1, 1), block, planes=three.address, count=n, pixels=out.address
                ),
            ),
            (
                "softmax of two", 12,
                lambda i: kernels["activate"](
                    (pixels, 1, 1), block, raw=three.address, count=n, channels=2, channel=1,
                    pixel_step=1, channel_step=n, kind=2, alpha=out.address,
                ),
            ),
        ):  # fmt: skip
            timer.measure(f"{what} {at}", each * n, launches)
        self._edge(scratch, three, alpha, other)

    def _edge(self, scratch: Scratch, three: Plane, alpha: Plane, other: Plane) -> None:
        """The edge grown and softened: on the grid, and the luma beside it."""
        sizes, timer = self.sizes, self.timer
        (columns, rows), (width, height) = sizes.grid, sizes.picture
        rect, n = Rect(0, 0, width, height), rows * columns
        plan = gpu.edge_plan((rows, columns), rect, -4.0, 8.0)
        out = self.plane(np.zeros((5, rows, columns), np.float32))
        guide = timer.alloc(width * height).address
        (frame,) = self.surfaces(sizes.picture, 1, "nv12")

        def edge(i: int) -> None:
            normals = gpu.shape_edge(scratch, three, alpha, other, None, plan, out)
            assert normals is not None
            gpu.edge_guide(self.context, frame, rect, normals, plan.choke, guide)

        timer.measure(f"edge {_name(sizes.grid)}", 100 * n + 2 * width * height, edge)


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
