"""``mattebox bench --gpu --static``: what the kernels come to, without a GPU.

The kernels are compiled for each card, and their machine code is run on the host over one 1080p
frame from crop to composite. Counted are instructions and memory, exactly; times are the least that
a card could take for that much, never what it takes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from appliance import __version__
from appliance.config.settings import Settings
from appliance.cuda import compile as compiler
from appliance.cuda.context import Buffer, Context
from appliance.errors import MissingDependency
from appliance.media.frame import Colour, Rect
from appliance.media.surface import Surface
from appliance.pixels.gpu import Raw, Tensor
from appliance.tools.bench.device_path import FramePath
from appliance.tools.bench.gpu_floors import CARDS, GRAPH_NODE_US, Card, floors, occupancy
from appliance.tools.bench.gpu_kernels import Sizes, disc
from appliance.tools.bench.progress import BenchBar
from appliance.tools.bench.sass.disassembly import Code, disassemble, find_cuobjdump
from appliance.tools.bench.sass.driver import Launch, SassDriver

_MISSING = 2
_PROGRESS = "the frame's kernels as compiled for {}"


def run(options: argparse.Namespace) -> int:
    """Count and print a table or JSON; returns 0, or 2 where the compiler's tools are missing.

    Raises KernelBuildError, SassError.
    """
    try:
        with BenchBar(len(CARDS)) as bar:
            results = measure(begin=bar.begin)
    except MissingDependency as error:
        print(f"mattebox: bench --gpu --static cannot count here: {error}", file=sys.stderr)
        return _MISSING
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        show(results, Console(soft_wrap=True))
    return 0


def measure(
    cards: tuple[Card, ...] = CARDS, sizes: Sizes | None = None,
    begin: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """All figures. Raises MissingDependency, KernelBuildError, SassError."""
    if find_cuobjdump() is None:
        disassemble(b"")  # says what is missing
    sizes = sizes or Sizes()
    results: dict[str, Any] = {
        "mattebox": __version__, "picture": sizes.picture, "grid": sizes.grid, "cards": [],
    }  # fmt: skip
    for card in cards:
        begin(_PROGRESS.format(card.name))
        counted = Counted(card.architecture, sizes)
        rows = [row(counted, launch, card, sizes) for launch in counted.frame()]
        results["cards"].append(
            {
                "card": card.name, "compute_capability": card.architecture, "kernels": rows,
                "floor_us": round(sum(one["floor_us"] for one in rows), 2),
                "launches": len(rows),
                "between_kernels_us": round(GRAPH_NODE_US * len(rows), 1),
                "all_kernels": [static_row(code) for code in counted.driver.codes.values()],
            }
        )  # fmt: skip
    return results


class Counted:
    """One card's kernels, and the frame path on them."""

    def __init__(self, architecture: str, sizes: Sizes) -> None:
        """Compile, disassemble, take memory. Raises MissingDependency, KernelBuildError."""
        cubin = compiler.image(architecture)
        self.driver = SassDriver(architecture, cubin)
        self.context = Context(driver=self.driver, image=lambda _: cubin)
        self._sizes = sizes

    def frame(self) -> list[Launch]:
        """The launches of ``two_frames``, of the second one. Raises SassError."""
        two_frames(self.context, self._sizes, self.driver.launches.clear)
        return list(self.driver.launches)


def two_frames(context: Context, sizes: Sizes, begin: Callable[[], None]) -> tuple[Surface, Buffer]:
    """A frame, and one that has it before it: a person, everything at its default.

    Calls ``begin`` before each, and returns the last composite and the memory that it lies in.
    """
    (columns, rows), (width, height) = sizes.grid, sizes.picture
    one = np.ones(3, np.float32)
    room = context.alloc(12 * rows * columns)
    tensor = Tensor(room.address, rows, columns)
    path = FramePath(context, Settings(), tensor, Colour(), mean=one, scale=one)
    person = context.upload(disc(rows, columns))
    (live, _a), (behind, _b), (out, kept) = (
        _surface(context, sizes.picture, low) for low in (90, 150, 0)
    )
    for _ in range(2):
        begin()
        path.look(live, Rect(0, 0, width, height), Rect(0, 0, columns, rows))
        path.launch(Raw(person.address, columns, rows, columns), live, behind, out)
    context.synchronize()
    return out, kept


def _surface(context: Context, size: tuple[int, int], low: int) -> tuple[Surface, Buffer]:
    """NV12, grey with some noise, and its memory."""
    width, height = size
    pitch = -(-width // 256) * 256
    grey = np.random.default_rng(low).integers(low, low + 20, (height * 3 // 2, pitch), np.uint8)
    memory = context.upload(grey)
    chroma = memory.at(height * pitch)
    return Surface("nv12", width, height, memory.address, pitch, chroma, pitch), memory


def row(counted: Counted, launch: Launch, card: Card, sizes: Sizes) -> dict[str, Any]:
    """One launch as JSON values."""
    code, counts = counted.driver.codes[launch.kernel], launch.counts
    threads = int(np.prod(launch.block))
    blocks, share = occupancy(code, threads, card.architecture)
    least = floors(counts, card)
    return static_row(code) | {
        "grid": launch.grid, "block": launch.block, "blocks_an_sm": blocks,
        "occupancy": round(share, 3), "warps": counts.warps, "instructions": counts.instructions,
        "a_pixel": round(32 * counts.instructions / (sizes.picture[0] * sizes.picture[1]), 2),
        "longest_warp": counts.longest, "bytes_in": counts.read, "bytes_out": counts.written,
        "bytes_asked_for": 32 * counts.sectors, "memory_us": round(least.memory, 2),
        "issue_us": round(least.issue, 2), "pipes_us": round(least.pipes, 2),
        "alone_us": round(least.alone, 2), "floor_us": round(least.us, 2), "rules": least.rules,
    }  # fmt: skip


def static_row(code: Code) -> dict[str, Any]:
    """What the machine code says before it runs."""
    widths: dict[str, int] = {}
    for one in code.instructions:
        if one.base in ("LDG", "STG"):
            kinds = one.name.split(".")
            bits = next((k for k in ("U8", "U16", "64", "128") if k in kinds), "32")
            kind = f"{one.base} {bits.lstrip('U')}"
            widths[kind] = widths.get(kind, 0) + 1
    return {
        "kernel": code.name, "registers": code.registers, "shared": code.shared,
        "local": code.stack, "spills": code.named("LDL", "STL"), "doubles": code.doubles,
        "code": len(code.instructions), "accesses": widths,
    }  # fmt: skip


def show(results: dict[str, Any], console: Console) -> None:
    """Print the figures for people."""
    width, height = results["picture"]
    columns, rows = results["grid"]
    console.print(
        f"Mattebox {results['mattebox']}: one {width}x{height} frame, network grid "
        f"{columns}x{rows}, crop to composite without the network. Counted from the machine code; "
        "times are floors: no card was asked."
    )
    for card in results["cards"]:
        table = Table(title=f"{card['card']} (compute capability {card['compute_capability']})")
        for column in ("kernel", "regs", "occ.", "instr./px", "longest warp", "MB", "asked MB",
                       "memory µs", "issue µs", "pipes µs", "alone µs", "rules"):  # fmt: skip
            table.add_column(column, justify="left" if column in ("kernel", "rules") else "right")
        for one in card["kernels"]:
            table.add_row(
                one["kernel"], str(one["registers"]), f"{100 * one['occupancy']:.0f} %",
                f"{one['a_pixel']:.1f}", str(one["longest_warp"]),
                f"{(one['bytes_in'] + one['bytes_out']) / 1e6:.2f}",
                f"{one['bytes_asked_for'] / 1e6:.2f}",
                *(f"{one[k]:.2f}" for k in ("memory_us", "issue_us", "pipes_us", "alone_us")),
                one["rules"],
            )  # fmt: skip
        console.print(table)
        total = card["floor_us"] + card["between_kernels_us"]
        console.print(
            f"{card['card']}: {card['floor_us']:.1f} µs in {card['launches']} kernels, and "
            f"{card['between_kernels_us']:.1f} µs between them if a replayed graph takes "
            f"{GRAPH_NODE_US} µs from each to the next (assumed): {total:.1f} µs at the least"
        )
