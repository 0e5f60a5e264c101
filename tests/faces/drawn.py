"""A drawn avatar that speaks: a grey face whose points are known, with a dark mouth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.avatars.avatar import Avatar, AvatarManifest, ClipEntry, load_avatar, save_manifest
from appliance.avatars.clip_writer import ClipWriter
from appliance.faces.bank import Bank, save_bank
from appliance.faces.base import Shown
from appliance.faces.track import Face, average, face_of, save_faces
from appliance.media.frame import F32, U8, Format, Rect

SIZE, EYES = 128, 36.0
SKIN, MOUTH = 150, 40
AT = (64.0, 44.0)
OPENNESS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.3, 0.2, 0.1, 0.05, 0.0)
"""How far the lips of the talking clip are apart, by frame, in parts of the eyes' distance."""

_STILL = {
    33: (-0.5, 0.0), 263: (0.5, 0.0), 133: (-0.2, 0.0), 362: (0.2, 0.0), 168: (0.0, 0.0),
    6: (0.0, 0.1), 197: (0.0, 0.2), 195: (0.0, 0.3), 5: (0.0, 0.4), 4: (0.0, 0.45),
    1: (0.0, 0.5), 2: (0.0, 0.52), 98: (-0.2, 0.5), 327: (0.2, 0.5),
}  # fmt: skip


def points(open_: float = 0.0, at: complex = complex(*AT), turn: complex = 1 + 0j) -> F32:
    """The 468 points of a face whose eyes are ``EYES * turn`` apart, their middle at ``at``."""
    face = np.full(468, 0.4j, np.complex128)
    for index, (x, y) in _STILL.items():
        face[index] = complex(x, y)
    face[61], face[291] = -0.3 + 0.78j, 0.3 + 0.78j
    for upper, lower, x in ((82, 87, -0.1), (13, 14, 0.0), (312, 317, 0.1)):
        face[upper], face[lower] = complex(x, 0.78 - open_ / 2), complex(x, 0.78 + open_ / 2)
    # The outline, by which a tracker aims.
    face[10], face[152], face[234], face[454] = -0.6j, 1.4j, -0.9 + 0.4j, 0.9 + 0.4j
    placed = face * EYES * turn + at
    return np.stack([placed.real, placed.imag], 1).astype(np.float32)


def picture(open_: float, at: complex = complex(*AT), light: int = 0) -> tuple[U8, U8]:
    """NV12 planes of that face, brighter by ``light``."""
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    mouth = at + 0.78j * EYES
    across = np.abs(columns - mouth.real) / (0.3 * EYES)
    down = np.abs(rows - mouth.imag) / max(open_ * EYES / 2, 0.5)
    dark = (across**2 + down**2 < 1) & (open_ > 0)
    # Not flat, so that a displaced patch shows.
    y = np.where(dark, MOUTH, SKIN + light + 20 * np.sin(columns / 9) * np.cos(rows / 11))
    uv = np.empty((SIZE // 2, SIZE // 2, 2), np.uint8)
    uv[...] = (110, 150)
    return y.astype(np.uint8), uv


def write_clips(folder: Path) -> AvatarManifest:
    """An avatar of two clips: idle, its mouth shut, and talk, as ``OPENNESS`` says."""
    format, entries = Format(SIZE, SIZE, (25, 1)), []
    for name, opens in (("idle", (0.0,) * 4), ("talk", OPENNESS)):
        with ClipWriter(folder / f"{name}.clip", format, format.rect) as writer:
            for open_ in opens:
                writer.add(*picture(open_), np.full((SIZE, SIZE), 255, np.uint8))
            clip = writer.finish()
        entries.append(
            ClipEntry(
                name=name, role="idle" if name == "idle" else "talk", file=f"{name}.clip",
                frames=clip.frames, digest=clip.header.digest,
            )
        )  # fmt: skip
    manifest = AvatarManifest(name=folder.name, clips=tuple(entries))
    save_manifest(folder, manifest)
    return manifest


def face(opens: tuple[float, ...], at: complex = complex(*AT)) -> Face:
    """The face of a clip with these mouths."""
    found = [points(open_, at) for open_ in opens]
    template = average(list(found))
    assert template is not None
    return face_of(list(found), template)


def drawn_avatar(folder: Path, bank: Bank | None = None) -> Avatar:
    """The avatar with its face and, where it is given, its bank."""
    manifest = write_clips(folder)
    digests = {clip.name: clip.digest for clip in manifest.clips}
    faces = {"idle": face((0.0,) * 4), "talk": face(OPENNESS)}
    save_faces(folder / "faces.npz", faces, digests)
    update = {"faces": "faces.npz"}
    if bank is not None:
        save_bank(folder / "mouths.npz", bank)
        update["mouths"] = "mouths.npz"
    save_manifest(folder, manifest.model_copy(update=update))
    return load_avatar(folder)


def shown(avatar: Avatar, clip: str, frame: int, x: int = 0, y: int = 0) -> Shown:
    """One tick's base picture, at (x, y) of the canvas."""
    one = avatar.clips[clip].frame(frame)
    return Shown(clip, frame, one.y, one.uv, one.alpha, Rect(x, y, SIZE, SIZE))
