"""How long each kernel takes on this GPU, against the bytes it must move and the measured copy.

Not run yet. Launches are recorded into a CUDA graph and replayed, so that the host's launch cost
(several microseconds from Python) is not what is measured; pictures rotate through more memory
than the L2 cache holds. Prints one table; ``--json FILE`` writes it too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from appliance.frame import Colour, Format, Rect
from appliance.pixels import cuda
from appliance.pixels.cuda import (
    Blur,
    Context,
    Converter,
    DeviceMatte,
    FramePath,
    Grid,
    Plane,
    Raw,
    Surface,
    Tensor,
)  # fmt: skip
from appliance.pixels.cuda_graph import Graph
from appliance.settings import Settings

ROUNDS = 20
ONE = np.ones(3, np.float32)


@dataclass
class Row:
    """One line: microseconds, bytes it must move, and what is asked of it."""

    name: str
    us: float
    nbytes: int
    target_us: float | None = None
    target_share: float | None = None


class Bench:
    def __init__(self, context: Context) -> None:
        self.context, self.rows = context, list[Row]()
        self._kept: list[object] = []
        self.copy_gb_s = self._copy()

    def _time(self, run: Callable[[], None]) -> float:
        """Microseconds of one ``run``."""
        driver, stream = self.context.driver, self.context.stream
        start, end = driver.Event(), driver.Event()
        for _ in range(3):
            run()
        start.record(stream)
        for _ in range(ROUNDS):
            run()
        end.record(stream)
        end.synchronize()
        return float(end.time_since(start)) * 1000 / ROUNDS

    def _copy(self) -> float:
        """Bytes read and written a second by a copy within the device, in GB/s."""
        size = 1 << 30
        a, b = self.context.alloc(size), self.context.alloc(size)
        driver, stream = self.context.driver, self.context.stream

        def run() -> None:
            driver.memcpy_dtod_async(b.address, a.address, size, stream)

        return 2 * size / self._time(run) / 1000

    def measure(
        self, name: str, nbytes: int, launches: Callable[[int], None], *, count: int = 16,
        target_us: float | None = None, target_share: float | None = None,
    ) -> None:  # fmt: skip
        """Time ``launches(i)``, i = 0 to count-1 in one graph."""
        for i in range(2):
            launches(i)
        graph = Graph(self.context)
        with graph:
            for i in range(count):
                launches(i)
        us = self._time(graph.launch) / count
        graph.close()
        self.rows.append(Row(name, us, nbytes, target_us, target_share))

    def surface(self, width: int, height: int, kind: str = "nv12") -> Surface:
        """A picture of noise."""
        pitch = {"nv12": 1, "yuyv": 2, "bgrx": 4}[kind] * width
        pitch = -(-pitch // 256) * 256
        rows = height * 3 // 2 if kind == "nv12" else height
        data = np.random.default_rng(0).integers(0, 256, rows * pitch, np.uint8)
        buffer = self.context.upload(data)
        self._kept.append(buffer)
        uv = buffer.at(height * pitch) if kind == "nv12" else 0
        return Surface(kind, width, height, buffer.address, pitch, uv, pitch)  # type: ignore[arg-type]

    def plane(self, array: np.ndarray) -> Plane:
        """Float planes."""
        buffer = self.context.upload(array.astype(np.float32))
        self._kept.append(buffer)
        return Plane(buffer.address, array.shape[-2], array.shape[-1])


def disc(rows: int, columns: int) -> np.ndarray:
    """A soft person: a disc of alpha over a third of the picture, with some blobs about."""
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    away = np.hypot(x - columns / 2, (y - rows / 2) * columns / rows / 1.5)
    alpha = np.clip((columns / 3.2 - away) / 4, 0, 1)
    blobs = np.random.default_rng(0).random((rows // 8 + 1, columns // 8 + 1)) > 0.97
    return np.maximum(alpha, 0.8 * blobs.repeat(8, 0).repeat(8, 1)[:rows, :columns])


def grid_kernels(bench: Bench) -> None:
    context, (rows, columns) = bench.context, (144, 256)
    n = rows * columns
    grid = Grid(context, rows, columns, colour=Colour(), mean=ONE, scale=ONE)
    alpha, other = bench.plane(disc(rows, columns)), bench.plane(disc(rows, columns))
    three, out = (
        bench.plane(np.zeros((3, rows, columns))),
        bench.plane(np.zeros((3, rows, columns))),
    )
    verdict = context.alloc(cuda.VERDICT.itemsize, zero=True).address
    previous = context.upload(np.ones(8, np.int32)).address
    rect = Rect(0, 0, 1920, 1080)
    tensor_buffer = context.alloc(12 * n)
    tensor = Tensor(tensor_buffer.address, rows, columns, half=True)
    for kind, size in (("nv12", 1.5), ("yuyv", 2), ("bgrx", 4)):
        frames = [bench.surface(1920, 1080, kind) for _ in range(24)]
        bench.measure(
            f"crop {kind} 1080p to 256x144", int(size * 1920 * 1080) + 18 * n,
            lambda i, f=frames: grid.crop_planes(f[i % 24], rect, three, tensor), count=24,
        )  # fmt: skip
    bench.measure("clean 256x144", 12 * n, lambda i: grid.clean(alpha))
    bench.measure(
        "steady 256x144", 24 * n,
        lambda i: grid.steady(
            three, alpha, out, other, source=rect, target=rect, low=1.5, high=6, strength=0.85,
            history=True, previous=previous, moved=out.plane(1), verdict=verdict,
        ),
    )  # fmt: skip
    bench.measure(
        "guided filter 256x144",
        16 * n,
        lambda i: grid.guided_coefficients(three, alpha, 1, 1e-3, out),
    )
    bench.measure(
        "foreground shift 256x144", 28 * n, lambda i: grid.foreground_shift(three, alpha, 4, out)
    )


def components(bench: Bench) -> None:
    for rows, columns, target in ((144, 256, None), (512, 512, 50.0), (2160, 2880, 360.0)):
        grid = Grid(bench.context, rows, columns, colour=Colour(), mean=ONE, scale=ONE)
        verdict = bench.context.alloc(cuda.VERDICT.itemsize, zero=True)
        noise = np.random.default_rng(1).random((rows, columns))
        for name, picture in (("person", disc(rows, columns)), ("noise", noise)):
            plane = bench.plane(picture)
            raw = Raw(plane.address, columns, rows, columns)
            bench.measure(
                f"components {columns}x{rows}, {name}", 5 * rows * columns,
                lambda i, r=raw, g=grid, v=verdict.address: g.keep_components(
                    r, 0.5, "all", 0.02, 1.0, v
                ),
                target_us=target if name == "person" else None,
            )  # fmt: skip


def pictures(bench: Bench) -> None:
    context = bench.context
    for width, height in ((1920, 1080), (3840, 2160)):
        n, sets = width * height, 8
        live, back, out = ([bench.surface(width, height) for _ in range(sets)] for _ in range(3))
        full = Rect(0, 0, width, height)
        for name, alpha, moved in (
            ("half everywhere", np.full((144, 256), 0.5), 4.5),
            ("a person", disc(144, 256), 3.6),
        ):
            slope, offset = bench.plane(np.zeros((144, 256))), bench.plane(alpha)
            shift = bench.plane(np.full((3, 144, 256), 5.0))
            matte = DeviceMatte(full, slope, offset, shift, 0.05)
            bench.measure(
                f"composite {width}x{height}, {name}", int(moved * n),
                lambda i, m=matte, a=live, b=back, o=out: cuda.composite(
                    context, a[i % 8], b[i % 8], m, o[i % 8]
                ),
                target_share=0.8 if (width, name) == (3840, "half everywhere") else None,
            )  # fmt: skip
    frames = [bench.surface(1920, 1080) for _ in range(16)]
    outs = [bench.surface(1920, 1080) for _ in range(16)]
    blur = Blur(context, Format(1920, 1080), 0.03)
    bench.measure("blur 1080p", 3 * 1920 * 1080, lambda i: blur(frames[i], outs[i]))
    screens = [bench.surface(1920, 1080, "bgrx") for _ in range(16)]
    converter = Converter(context, Colour())
    bench.measure(
        "NV12 to BGRx 1080p", int(5.5 * 1920 * 1080),
        lambda i: converter.nv12_to_bgrx(frames[i], screens[i]),
    )  # fmt: skip
    many = [bench.context.alloc(1920 * 1080 * 3) for _ in range(16)]
    patches = [bench.context.alloc(698 * 667 * 3) for _ in range(16)]
    bench.measure(
        "paste 698x667, 3 channels", 3 * 698 * 667 * 3,
        lambda i: cuda.paste(
            context, many[i].address, 1920 * 3, (1920, 1080), patches[i].address, 698 * 3,
            (698, 667), 3, 301, 207,
        ),
        target_us=10.0,
    )  # fmt: skip


def path(bench: Bench) -> None:
    """Crop to composite without the network, 1080p, all in one graph of two frames a period."""
    context, (rows, columns) = bench.context, (144, 256)
    buffer = context.alloc(12 * rows * columns)
    tensor = Tensor(buffer.address, rows, columns, half=True)
    whole = FramePath(context, Settings(), tensor, Colour(), mean=ONE, scale=ONE)
    plane = bench.plane(disc(rows, columns))
    raw, rect = Raw(plane.address, columns, rows, columns), Rect(0, 0, 1920, 1080)
    live, back, out = ([bench.surface(1920, 1080) for _ in range(8)] for _ in range(3))

    def launches(i: int) -> None:
        whole.look(live[i % 8], rect, Rect(0, 0, columns, rows))
        whole.launch(raw, live[i % 8], back[i % 8], out[i % 8])

    n = int((1.5 + 3.6) * 1920 * 1080)
    bench.measure("crop to composite 1080p", n, launches, target_us=60.0)


def lines(bench: Bench) -> Iterator[str]:
    yield f"device copy: {bench.copy_gb_s:.0f} GB/s read and written"
    yield f"{'':34} {'us':>8} {'GB/s':>7} {'of copy':>8}  target"
    for row in bench.rows:
        speed = row.nbytes / row.us / 1000
        share = speed / bench.copy_gb_s
        target, held = "", True
        if row.target_us is not None:
            target, held = f"{row.target_us:g} us", row.us <= row.target_us
        if row.target_share is not None:
            target, held = f"{100 * row.target_share:.0f} %", share >= row.target_share
        word = ("  held" if held else "  MISSED") if target else ""
        yield f"{row.name:34} {row.us:8.2f} {speed:7.0f} {100 * share:7.1f}%  {target}{word}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with Context() as context:
        print(f"{context.device.name()}, compute capability {context.architecture}")
        bench = Bench(context)
        for part in (path, pictures, components, grid_kernels):
            part(bench)
        for line in lines(bench):
            print(line)
        if arguments.json:
            rows = [asdict(row) for row in bench.rows]
            text = json.dumps({"copy_gb_s": bench.copy_gb_s, "rows": rows}, indent=1)
            arguments.json.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
