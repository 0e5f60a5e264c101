"""Makes the seams of an avatar: the frames that lead from one clip to another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from appliance.avatars.avatar import AvatarManifest, SeamEntry
from appliance.avatars.clip import Clip, ClipHeader
from appliance.errors import StorageError
from appliance.tools.avatar.interpolate import best_motion
from appliance.tools.avatar.judge import LEAST_SHARPNESS, MOST_JUMP
from appliance.tools.avatar.person import around
from appliance.tools.avatar.plan import Planner
from appliance.tools.avatar.seam import FOLDER, Maker
from appliance.tools.avatar.search import look_at
from appliance.tools.bench.progress import Tick

_LOOKING = 0.05
"""Of all the work: looking at the clips."""


def _nobody(_: str) -> None:
    """Listens to nothing."""


def make_seams(
    folder: Path, manifest: AvatarManifest, progress: Tick, tell: Callable[[str], None] = _nobody
) -> AvatarManifest:
    """Find the exits and entries of an avatar's clips, and make what leads from one to the other.

    Seams that are there already are kept, those that nobody wants any more are removed. Returns
    the manifest with its seams; it is not written. ``tell`` gets how many seams there will be, how
    large they are, and how many miss a bar.

    Raises AvatarError for clips that cannot be read, StorageError when there is no room for the
    seams, which is said before the first is made, or when one cannot be written.
    """
    clips = {entry.name: Clip(folder / entry.file) for entry in manifest.clips}
    rect = around([clip.header.rect for clip in clips.values()])
    looks = {}
    for index, (name, clip) in enumerate(clips.items()):
        looks[name] = look_at(clip, rect)
        progress(_LOOKING * (index + 1) / len(clips), 1.0)
    fps = next(iter(clips.values())).header.format.rate
    motion, advice = best_motion(len(os.sched_getaffinity(0)))
    maker = Maker(folder, clips, looks, motion)
    wanted = Planner(manifest, looks, fps).plan(maker.length)
    frames = sum(maker.length(each) for each in wanted)
    size = frames * ClipHeader(next(iter(clips.values())).header.format, rect, 1).stride
    _room(folder, size, len(wanted))
    tell(
        f"{len(wanted):,} seams with about {frames:,} frames by {motion.method}, up to "
        f"{size / 1e6:,.0f} MB" + (f" ({advice})" if advice else "")
    )
    found: dict[tuple[str, int, str, int, int], SeamEntry] = {}
    for index, each in enumerate(wanted):
        entry = maker.make(each)
        key = (entry.source, entry.exit, entry.target, entry.entry, entry.frames)
        found.setdefault(key, entry)
        progress(_LOOKING + (1 - _LOOKING) * (index + 1) / len(wanted), 1.0)
    _remove_others(folder, {entry.file for entry in found.values()})
    seams = tuple(found.values())
    good = sum(is_good(seam) for seam in seams)
    tell(f"{good:,} of {len(seams):,} seams within J {MOST_JUMP:g} and S {LEAST_SHARPNESS:g}")
    return manifest.model_copy(update={"seams": seams})


def is_good(seam: SeamEntry) -> bool:
    """Whether it is within both bars."""
    return seam.jump <= MOST_JUMP and seam.sharpness >= LEAST_SHARPNESS


def _room(folder: Path, size: int, seams: int) -> None:
    """Raises StorageError."""
    there = sum(path.stat().st_size for path in (folder / FOLDER).glob("*.clip"))
    free = shutil.disk_usage(folder).free
    if size - there > free:
        raise StorageError(
            f"{folder}: {seams:,} seams take up to {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are "
            "free; make room, or take fewer or shorter clips"
        )


def _remove_others(folder: Path, kept: set[str]) -> None:
    for path in (folder / FOLDER).glob("*.clip"):
        if f"{FOLDER}/{path.name}" not in kept:
            path.unlink(missing_ok=True)
