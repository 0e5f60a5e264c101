"""Where the face is in each frame of each clip of an avatar, in one file of arrays."""

from __future__ import annotations

import io
import itertools
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.errors import AvatarError, StorageError
from appliance.faces import mesh
from appliance.media.frame import F32

FILE = "faces.npz"
VERSION = 1
_AGAIN = "make the avatar again: mattebox avatar make"
# Frames between two found ones over which a face is interpolated: a blink of the tracker.
_MOST_MISSING = 5
_REACH = 3
_COLUMNS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A clip's face, frame by frame; coordinates are the clip's own, from its ``rect``'s corner.

    Attributes:
        place: complex128 (frames, 2): the similarity (a, b) of ``mesh``; NaN: no face there.
        mouth: float32 (frames, 2): lips apart, corners apart, in parts of the eyes' distance.
        turn: float32 (frames, 2): ``mesh.turn_of``.
    """

    place: mesh.C128
    mouth: F32
    turn: F32

    def at(self, frame: int) -> tuple[complex, complex] | None:
        """The similarity of a frame; None where there is no face, or no such frame."""
        if not 0 <= frame < len(self.place):
            return None
        a, b = self.place[frame].tolist()
        return None if a != a else (a, b)


def average(found: Sequence[F32 | None]) -> mesh.C128 | None:
    """The face as it is on average: still points in face coordinates, (14,); None: no face."""
    points = [mesh.as_complex(p) for p in found if p is not None]
    if not points:
        return None
    level = []
    for each in points:
        a, b = mesh.by_eyes(each)
        level.append((mesh.still_points(each) - b) / a)
    return np.asarray(np.mean(level, axis=0), np.complex128)


def face_of(found: Sequence[F32 | None], template: mesh.C128) -> Face:
    """A clip's face from the points found in its frames; small gaps are bridged, jitter smoothed.

    The smoothing is symmetric in time, a Gaussian of one frame's width: it lags behind nothing.
    """
    count = len(found)
    place = np.full((count, 2), np.nan, np.complex128)
    numbers = np.full((count, 4), np.nan, np.float64)
    for n, each in enumerate(found):
        if each is None:
            continue
        points = mesh.as_complex(each)
        a, b = mesh.fit(template, mesh.still_points(points))
        if not np.isfinite([a, b]).all() or abs(a) < 1:
            continue
        place[n] = a, b
        numbers[n] = *mesh.mouth_of(points, abs(a)), *mesh.turn_of(points, a, b)
    _bridge(place)
    _bridge(numbers)
    return Face(
        _smooth(place), numbers[:, :2].astype(np.float32),
        _smooth(numbers[:, 2:]).astype(np.float32),
    )  # fmt: skip


def save_faces(path: Path, faces: Mapping[str, Face], digests: Mapping[str, str]) -> None:
    """Write ``faces`` by their clips' names, as a whole or not at all. Raises StorageError.

    ``digests`` are the clips', by name, so that a clip made anew is noticed.
    """
    arrays: dict[str, NDArray[np.generic]] = {"version": np.array(VERSION)}
    for name, face in faces.items():
        columns = (face.place.real, face.place.imag, face.mouth, face.turn)
        rows = [np.asarray(column, np.float64) for column in columns]
        arrays[f"face/{name}"] = np.concatenate(rows, axis=1)
        arrays[f"digest/{name}"] = np.array(digests[name])
    write_arrays(path, arrays)


def load_faces(path: Path, digests: Mapping[str, str]) -> dict[str, Face]:
    """The faces by clip; those of clips with another digest are left out. Raises AvatarError."""
    arrays = read_arrays(path, VERSION)
    faces = {}
    for name, digest in digests.items():
        rows, known = arrays.get(f"face/{name}"), arrays.get(f"digest/{name}")
        if rows is None or known is None or str(known) != digest:
            continue
        if rows.ndim != 2 or rows.shape[1] != _COLUMNS or rows.dtype != np.float64:
            raise AvatarError(
                f"{path}: the face of {name}: {rows.dtype} {rows.shape}, expected float64 "
                f"(frames, {_COLUMNS}); {_AGAIN}"
            )
        numbers: NDArray[np.float64] = rows.astype(np.float64)
        place = np.asarray(numbers[:, :2] + 1j * numbers[:, 2:4], np.complex128)
        mouth, turn = numbers[:, 4:6].astype(np.float32), numbers[:, 6:].astype(np.float32)
        faces[name] = Face(place, mouth, turn)
    return faces


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays into an uncompressed .npz, whole or not at all. Raises StorageError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **dict(arrays))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"{path}: cannot be written: {error}; make room") from error


def read_arrays(path: Path, version: int) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz of ours. Raises AvatarError when it cannot be read, or is another."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except OSError as error:
        raise AvatarError(f"{path}: cannot be read: {error}; {_AGAIN}") from error
    except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise AvatarError(f"{path}: is broken ({error}); {_AGAIN}") from error
    found = arrays.get("version")
    if found is None or found.shape != () or int(found) != version:
        raise AvatarError(f"{path}: of version {found}, expected {version}; {_AGAIN}")
    return arrays


def _bridge(rows: NDArray[np.inexact]) -> None:
    """Fill short runs of NaN between rows that are there, in place, in a straight line."""
    known = np.flatnonzero(~np.isnan(rows[:, 0]))
    for before, after in itertools.pairwise(known.tolist()):
        if 1 < after - before <= _MOST_MISSING + 1:
            for n in range(before + 1, after):
                share = (n - before) / (after - before)
                rows[n] = (1 - share) * rows[before] + share * rows[after]


def _smooth(rows: NDArray[np.inexact]) -> mesh.C128:
    """Weighted means over the neighbours that are there; NaN stays NaN."""
    there = ~np.isnan(rows[:, :1])
    values = np.where(there, rows, 0)
    sums, weights = np.zeros_like(values), np.zeros(there.shape)
    reach = min(_REACH, len(rows) - 1)
    for shift in range(-reach, reach + 1):
        weight = np.exp(-0.5 * shift * shift)
        to = slice(max(0, -shift), len(rows) - max(0, shift))
        of = slice(max(0, shift), len(rows) - max(0, -shift))
        sums[to] += weight * values[of]
        weights[to] += weight * there[of]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(there, sums / weights, np.nan)
