"""A tiny avatar, written in milliseconds without a network, whose every frame can be told."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from appliance.avatars.avatar import AvatarManifest, ClipEntry, SeamEntry, save_manifest
from appliance.avatars.clip import Clip, samples_until
from appliance.avatars.clip_writer import ClipWriter
from appliance.media.audio import I16
from appliance.media.frame import U8, Format, Rect

TINY = {"idle": "idle", "idle2": "idle", "wave": "action", "talk": "talk"}
"""The clips of the tiny avatar, in order, with their roles."""
TINY_SEAM = 15
"""What stands for the clip in the numbers of the frames of its one seam with frames of its own."""
TINY_SEAM_FRAMES = 3
"""How many those are: from the last frame of ``wave`` to the first of ``idle``."""
_WAYS = (
    ("idle", "idle2"), ("idle", "wave"), ("idle", "talk"), ("idle2", "idle"), ("idle2", "wave"),
    ("idle2", "talk"), ("talk", "idle"),
)  # fmt: skip
_LOOPS = ("idle", "idle2", "talk")
_CELLS = 4
_DARK, _LIGHT = 50, 200


def make_tiny_avatar(
    folder: Path, frames: int = 12, size: tuple[int, int] = (64, 48),
    fps: tuple[int, int] = (25, 1), sounding: bool = False, numbered: bool = True,
) -> Path:  # fmt: skip
    """Write an avatar into ``folder``, which it returns, and whose name it bears.

    Clips as in ``TINY``, of so many frames each (4095 at most); the person is a disk in the
    middle of the canvas. ``numbered``: each frame says which it is: ``tiny_number``; else the disk
    has a pattern that sways. ``wave`` has sound (``tiny_sound``), with ``sounding`` all have.
    Seams: every loop and way back as a cut, idle and talk can be left in their middle, too; the
    one from ``wave`` to ``idle`` has frames of its own.
    """
    format = Format(*size, fps)
    clips = []
    for index, (name, role) in enumerate(TINY.items()):
        sound = None
        if sounding or name == "wave":
            sound = tiny_sound(index, samples_until(frames, fps))
        clip = _write(folder / f"{name}.clip", format, index, frames, numbered, sound)
        header = clip.header
        clips.append(
            ClipEntry(
                name=name, role=role, file=f"{name}.clip", frames=frames, digest=header.digest
            )
        )
    last = frames - 1
    exits = sorted({last // 2, last})
    seams = [
        SeamEntry(source=source, exit=exit, target=target, entry=0)
        for source, target in _WAYS
        for exit in exits
    ]
    seams += [SeamEntry(source=name, exit=last, target=name, entry=0) for name in _LOOPS]
    file = "seam-wave-idle.clip"
    _write(folder / file, format, TINY_SEAM, TINY_SEAM_FRAMES, numbered, None)
    seams.append(
        SeamEntry(
            source="wave", exit=last, target="idle", entry=0, frames=TINY_SEAM_FRAMES, file=file,
            method="dis", jump=0.5, sharpness=0.7, key="tiny",
        )
    )  # fmt: skip
    save_manifest(folder, AvatarManifest(name=folder.name, clips=tuple(clips), seams=tuple(seams)))
    return folder


def tiny_number(y: U8, canvas: tuple[int, int] | None = None) -> tuple[int, int]:
    """Which frame of the tiny avatar a picture shows: number of the clip in ``TINY``, and frame.

    ``y``: luma of the canvas, or of a clip's ``rect`` with the canvas' width and height in
    ``canvas``. Survives lossy coding. Raises AssertionError for what is no such picture.
    """
    width, height = canvas or (y.shape[1], y.shape[0])
    rect = _stored(width, height) if canvas else Rect(0, 0, width, height)
    left, top, cell = _code(width, height)
    number = 0
    for bit in range(_CELLS**2):
        row, column = divmod(bit, _CELLS)
        y0, x0 = top + row * cell - rect.y, left + column * cell - rect.x
        # The middle only: coding blurs the borders.
        inner = y[y0 + 1 : y0 + cell - 1, x0 + 1 : x0 + cell - 1]
        mean = float(inner.mean())
        assert abs(mean - _DARK) < 50 or abs(mean - _LIGHT) < 50, f"luma {mean}: no tiny avatar"
        number |= (mean > (_DARK + _LIGHT) / 2) << bit
    return number >> 12, number & 4095


def tiny_steps(frames: int = 12) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """Every step from one ``tiny_number`` to the next that a player may make: the graph itself."""
    names, last = list(TINY), frames - 1
    steps = {((clip, k), (clip, k + 1)) for clip in range(len(TINY)) for k in range(last)}
    for source, target in _WAYS:
        for exit in (last // 2, last):
            steps.add(((names.index(source), exit), (names.index(target), 0)))
    steps |= {((names.index(name), last), (names.index(name), 0)) for name in _LOOPS}
    line = [(TINY_SEAM, k) for k in range(TINY_SEAM_FRAMES)]
    line = [(names.index("wave"), last), *line, (names.index("idle"), 0)]
    return steps | set(itertools.pairwise(line))


def tiny_sound(clip: int, count: int) -> I16:
    """The sound of a clip: left counts samples (mod 30000), right is constant: its number + 1."""
    left = np.arange(count) % 30000
    return np.stack([left, np.full(count, clip + 1)], 1).astype(np.int16)


def _stored(width: int, height: int) -> Rect:
    """The part that is stored: the disk, and a pair of pixels around it."""
    side = (min(width, height) * 9 // 10) & ~3
    return Rect((width - side) // 4 * 2, (height - side) // 4 * 2, side, side)


def _code(width: int, height: int) -> tuple[int, int, int]:
    """Left, top and the side of a cell of the code: a square within the disk, on the canvas."""
    rect = _stored(width, height)
    cell = max(2, rect.width * 6 // 10 // _CELLS) & ~1
    indent = (rect.width - cell * _CELLS) // 4 * 2
    return rect.x + indent, rect.y + indent, cell


def _write(
    path: Path, format: Format, clip: int, frames: int, numbered: bool, sound: I16 | None
) -> Clip:
    rect = _stored(format.width, format.height)
    side = rect.width
    rows, columns = np.mgrid[:side, :side].astype(np.float32) + 0.5
    distance = np.hypot(rows - side / 2, columns - side / 2)
    alpha = (np.clip(side / 2 - 1 - distance, 0, 1) * 255).astype(np.uint8)
    uv = np.empty((side // 2, side // 2, 2), np.uint8)
    uv[...] = (90 + 15 * (clip % 5), 150 - 15 * (clip % 5))
    left, top, cell = _code(format.width, format.height)
    left, top = left - rect.x, top - rect.y
    with ClipWriter(path, format, rect) as writer:
        for frame in range(frames):
            if numbered:
                y = np.full((side, side), 120, np.uint8)
                bits = (clip << 12 | frame) >> np.arange(_CELLS**2) & 1
                cells = np.where(bits, _LIGHT, _DARK).astype(np.uint8).reshape(_CELLS, _CELLS)
                y[top : top + cell * _CELLS, left : left + cell * _CELLS] = np.kron(
                    cells, np.ones((cell, cell), np.uint8)
                )
            else:
                sway = side / 16 * np.sin(2 * np.pi * frame / max(1, frames) + clip)
                waves = np.sin((columns - sway) * 12 / side) * np.cos(rows * 9 / side + clip)
                y = (120 + 70 * waves).astype(np.uint8)
            writer.add(y, uv, alpha)
        return writer.finish(sound)
