"""An avatar's face found in its clips, and its mouths cut out of its speaking footage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.avatars.avatar import AvatarManifest
from appliance.avatars.clip import Clip
from appliance.errors import MissingDependency, ModelError
from appliance.faces import bank as banks
from appliance.faces import region, track, visemes
from appliance.faces.tracker import FaceTracker
from appliance.media.frame import F32, U8
from appliance.networks.face import load_face
from appliance.tools.bench.progress import Tick
from appliance.voices.base import VISEMES, Mark

# Lips further apart by this, in parts of the eyes' distance, have moved: less is the tracker's.
_LEAST_MOVED = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    clip: int
    frame: int
    viseme: int


def make_mouths(
    folder: Path,
    manifest: AvatarManifest,
    progress: Tick,
    tell: Callable[[str], None],
    marks: Mapping[str, list[Mark]] | None = None,
) -> AvatarManifest:
    """Find the face in every clip, and make the mouth bank; returns the manifest that names both.

    Without the network, without a face, or without a moving mouth, the manifest names less, and
    ``tell`` gets why, and else what was made. ``marks`` are the visemes said in a clip, by its
    name, timed from its beginning; clips without are tagged by how their mouths look.

    Raises AvatarError for a broken clip, StorageError when the disk is full.
    """
    nothing = manifest.model_copy(update={"faces": "", "mouths": ""})
    try:
        tracker = FaceTracker(*load_face())
    except (MissingDependency, ModelError) as error:
        tell(f"no mouths: {error}; then make the avatar again")
        return nothing
    clips = [Clip(folder / entry.file) for entry in manifest.clips]
    found = _find(clips, tracker, progress)
    template = track.average([points for each in found for points in each])
    if template is None:
        tell("no mouths: no face was found in any clip")
        return nothing
    faces = [track.face_of(each, template) for each in found]
    names = [entry.name for entry in manifest.clips]
    digests = {entry.name: entry.digest for entry in manifest.clips}
    track.save_faces(folder / track.FILE, dict(zip(names, faces, strict=True)), digests)
    named = nothing.model_copy(update={"faces": track.FILE})
    talking = [n for n, entry in enumerate(manifest.clips) if entry.role == "talk"]
    # An avatar without a clip of speaking may still open its mouth somewhere.
    bank, why = _bank(clips, faces, talking or list(range(len(clips))), names, marks or {})
    if bank is None:
        tell(f"no mouths: {why}")
        return named
    banks.save_bank(folder / banks.FILE, bank)
    how = "by what is said" if bank.spoken else "by how they look"
    tell(f"{len(bank)} mouths, tagged {how}")
    return named.model_copy(update={"mouths": banks.FILE})


def _find(clips: list[Clip], tracker: FaceTracker, progress: Tick) -> list[list[F32 | None]]:
    """The points of the face in each frame of each clip."""
    total, done = sum(clip.frames for clip in clips), 0
    found: list[list[F32 | None]] = []
    for clip in clips:
        tracker.reset()
        points: list[F32 | None] = []
        for n in range(clip.frames):
            frame = clip.frame(n)
            points.append(tracker(frame.y, frame.uv, clip.header.format.colour))
            done += 1
            progress(done, total)
        found.append(points)
    return found


def _bank(
    clips: list[Clip], faces: list[track.Face], which: list[int], names: list[str],
    marks: Mapping[str, list[Mark]],
) -> tuple[banks.Bank | None, str]:  # fmt: skip
    """The bank of the clips ``which``; or None, and why."""
    mouths = np.concatenate([faces[n].mouth for n in which])
    mouths = mouths[~np.isnan(mouths[:, 0])]
    if len(mouths) == 0:
        return None, f"no face was found in {', '.join(names[n] for n in which)}"
    least, most = np.percentile(mouths, [5, 95], axis=0)
    if most[0] - least[0] < _LEAST_MOVED:
        return None, (
            f"the mouth stays as it is in {', '.join(names[n] for n in which)}; film the avatar "
            "speaking for half a minute, and name that clip's role talk"
        )
    shut, middle = (float(least[0]), float(most[0])), float(least[1] + most[1]) / 2
    # Corners that hardly move are neither pursed nor spread.
    half = max(float(most[1] - least[1]), _LEAST_MOVED) / 2
    wide = (middle - half, middle + half)
    spoken = any(_said(marks.get(names[n], [])) for n in which)
    candidates = []
    for n in which:
        own = marks.get(names[n], [])
        if spoken and not _said(own):
            continue
        fps = clips[n].header.format.fps
        shapes = _shapes(faces[n].mouth, shut, wide)
        tags = visemes.by_marks(own, clips[n].frames, fps) if spoken else visemes.by_shape(shapes)
        there = np.flatnonzero(~np.isnan(faces[n].mouth[:, 0]))
        candidates += [_Candidate(n, int(frame), int(tags[frame])) for frame in there]
    made = _cut_all(clips, faces, _spread(candidates, faces, shut, wide), shut, wide, spoken)
    if made is None:
        return None, "the mouth lies at the picture's edge, or outside the person's matte"
    return made, ""


def _said(marks: list[Mark]) -> bool:
    return any(mark.kind == "viseme" and mark.value != VISEMES[0] for mark in marks)


def _shapes(mouth: F32, shut: tuple[float, float], wide: tuple[float, float]) -> F32:
    """As ``visemes.SHAPES``: 0..1, a little beyond, and -1..1."""
    apart = (mouth[:, 0] - shut[0]) / (shut[1] - shut[0])
    across = (mouth[:, 1] - wide[0]) / (wide[1] - wide[0]) * 2 - 1
    return np.stack([np.clip(apart, 0, 1.5), np.clip(across, -1.5, 1.5)], 1).astype(np.float32)


def _spread(
    candidates: list[_Candidate], faces: list[track.Face], shut: tuple[float, float],
    wide: tuple[float, float],
) -> list[_Candidate]:  # fmt: skip
    """At most ``bank.MOST`` of them, as unlike each other as can be, in the order of the footage.

    Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985: the farthest from
    all that are chosen is the next one; the first is the most closed.
    """
    if len(candidates) <= banks.MOST:
        return candidates
    rows = []
    for one in candidates:
        face, at = faces[one.clip], slice(one.frame, one.frame + 1)
        tag = visemes.SHAPES[one.viseme]
        rows.append([*_shapes(face.mouth[at], shut, wide)[0], *(4 * face.turn[at][0]), *tag])
    points = np.array(rows, np.float64)
    chosen = [int(points[:, 0].argmin())]
    far = np.full(len(points), np.inf)
    while len(chosen) < banks.MOST:
        far = np.minimum(far, np.abs(points - points[chosen[-1]]).sum(1))
        chosen.append(int(far.argmax()))
    return [candidates[n] for n in sorted(chosen)]


def _cut_all(
    clips: list[Clip], faces: list[track.Face], chosen: list[_Candidate],
    shut: tuple[float, float], wide: tuple[float, float], spoken: bool,
) -> banks.Bank | None:  # fmt: skip
    texture: U8 = region.mask_texture()
    cuts, kept = [], []
    for one in chosen:
        place = faces[one.clip].at(one.frame)
        frame = clips[one.clip].frame(one.frame)
        made = None if place is None else banks.cut(frame, place, texture)
        if made is not None:
            cuts.append(made)
            kept.append(one)
    if not cuts:
        return None
    y, uv = banks.stack(cuts)
    mouth = np.stack([faces[one.clip].mouth[one.frame] for one in kept])
    return banks.Bank(
        y, uv, np.array([cut.place for cut in cuts], np.complex128),
        np.array([one.viseme for one in kept], np.uint8), _shapes(mouth, shut, wide),
        np.stack([faces[one.clip].turn[one.frame] for one in kept]).astype(np.float32),
        np.array([cut.light for cut in cuts], np.float32),
        np.array([(one.clip, one.frame) for one in kept], np.int32), shut, wide, spoken,
    )  # fmt: skip
