"""A driving clip's motion, once it is known: every pose with its time, in memory and in the cache.

What is in the cache is named after the clip's state and the network's, so that another file under
the same name, or another network, has none.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from appliance.media.frame import F32
from appliance.sources.puppet import landmarks as lm
from appliance.system import folders
from appliance.system.file_identity import identity
from appliance.system.small_file import read_small

log = structlog.get_logger(__name__)

MOST_PICTURES = 30_000
"""Longer clips (a quarter of an hour at 30 a second, 16 MB) are looked at again each time."""

_MOST_FILES = 32
_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A clip's motion.

    Attributes:
        poses: float32 (pictures, 33, 4), NaN where nobody was found.
        pts, durations: int64 (pictures,), nanoseconds, as the clip gave them.
        fps: the clip's rate. size: width and height of its pictures.
    """

    poses: F32
    pts: NDArray[np.int64]
    durations: NDArray[np.int64]
    fps: tuple[int, int]
    size: tuple[int, int]

    @property
    def usual(self) -> F32 | None:
        """The median pose; None where nobody was found in any picture."""
        found = self.poses[np.isfinite(self.poses).all(axis=(1, 2))]
        return np.median(found, axis=0).astype(np.float32) if len(found) else None


class Recorder:
    """Gathers a clip's motion while it plays for the first time."""

    def __init__(self, fps: tuple[int, int], size: tuple[int, int]) -> None:
        self._fps, self._size = fps, size
        self._poses: list[F32] = []
        self._times: list[tuple[int, int]] = []
        self.too_long = False

    def add(self, pose: F32 | None, pts: int, duration: int) -> None:
        """One picture more."""
        if len(self._poses) >= MOST_PICTURES:
            self.too_long = True
            self._poses.clear()
            self._times.clear()
        if not self.too_long:
            missing = np.full((lm.COUNT, 4), np.nan, np.float32)
            self._poses.append(missing if pose is None else pose)
            self._times.append((pts, duration))

    def track(self) -> Track | None:
        """All of it; None for a clip that is too long, or without a picture."""
        if self.too_long or not self._poses:
            return None
        times = np.asarray(self._times, np.int64)
        return Track(np.stack(self._poses), times[:, 0], times[:, 1], self._fps, self._size)


def cache_name(clip: Path, parts: Sequence[object]) -> str:
    """What a clip's motion is called in the cache; ``parts``: whatever else it depends on."""
    what = (_VERSION, str(clip.resolve()), identity(clip), *parts)
    return hashlib.sha256(repr(what).encode()).hexdigest()[:32] + ".npz"


def load(name: str) -> Track | None:
    """A clip's motion from the cache; None where there is none that is whole."""
    for folder in folders.caches("puppet"):
        path = folder / name
        try:
            whole = io.BytesIO(read_small(path, MOST_PICTURES * 1024))
            with np.load(whole, allow_pickle=False) as data:
                found = Track(
                    np.asarray(data["poses"], np.float32),
                    np.asarray(data["pts"], np.int64),
                    np.asarray(data["durations"], np.int64),
                    (int(data["fps"][0]), int(data["fps"][1])),
                    (int(data["size"][0]), int(data["size"][1])),
                )
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
            log.info("a puppet's motion in the cache is left out", file=str(path), why=str(error))
            continue
        count = len(found.poses)
        if (
            0 < count <= MOST_PICTURES
            and found.poses.shape == (count, lm.COUNT, 4)
            and found.pts.shape == found.durations.shape == (count,)
            and min(*found.fps, *found.size) > 0
        ):
            return found
    return None


def save(name: str, track: Track) -> None:
    """Keep a clip's motion in the first cache that can be written; without one, not at all."""
    for folder in folders.caches("puppet"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
                draft = Path(file.name)
                try:
                    np.savez(
                        file, poses=track.poses, pts=track.pts, durations=track.durations,
                        fps=np.asarray(track.fps), size=np.asarray(track.size),
                    )  # fmt: skip
                    file.flush()
                    os.replace(draft, folder / name)
                except BaseException:
                    draft.unlink(missing_ok=True)
                    raise
            _tidy(folder)
            return
        except OSError as error:
            log.info("a puppet's motion cannot be kept", folder=str(folder), why=str(error))


def _tidy(folder: Path) -> None:
    """Leave the newest ones."""
    ages = []
    for path in folder.iterdir():
        if path.suffix in (".npz", ".part"):
            try:
                ages.append((path.stat().st_mtime, path))
            except OSError:  # gone since it was listed
                continue
    for _, path in sorted(ages, reverse=True)[_MOST_FILES:]:
        path.unlink(missing_ok=True)
