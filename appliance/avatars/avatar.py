"""An avatar: its clips, what they are for, and the seams between them.

A folder of its own holds ``avatar.json``, written last and as a whole, and the clips it names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.avatars.clip import Clip
from appliance.errors import AvatarError, StorageError
from appliance.media.frame import Format
from appliance.system.folders import state

VERSION = 1
"""Of ``avatar.json``."""
MANIFEST = "avatar.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What avatars and clips may be called."""

Role = Literal["idle", "action", "talk"]
Method = Literal["rife", "dis", "cut"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClipEntry(_Record):
    """A clip of an avatar.

    Attributes:
        name: what it is called by the API. role: idle and talk are played in a loop, an action
            once, from its first frame to its last.
        file: below the avatar's folder. frames, digest: as the clip says.
    """

    name: str = Field(pattern=f"^{NAME.pattern}$")
    role: Role
    file: str
    frames: int = Field(ge=1)
    digest: str


class SeamEntry(_Record):
    """A way from one clip to another, or back to its own beginning.

    After ``exit`` of ``source`` has been shown come the seam's own frames, then ``entry`` of
    ``target``.

    Attributes:
        frames: how many frames of its own it has; 0: a cut, without a file.
        file: below the avatar's folder; empty for a cut.
        method: how its frames were made.
        jump: J: the largest step over the seam by the 95th percentile of the clips' own steps.
        sharpness: S: the lowest Laplacian variance in it by that of its ends; 1 for a cut.
        key: what it was made from: clips' digests, frames, number, method, network's digest.
    """

    source: str
    exit: int = Field(ge=0)
    target: str
    entry: int = Field(ge=0)
    frames: int = Field(0, ge=0)
    file: str = ""
    method: Method = "cut"
    jump: float = Field(0.0, ge=0)
    sharpness: float = Field(1.0, ge=0)
    key: str = ""


class AvatarManifest(_Record):
    """``avatar.json``.

    Attributes:
        faces: a file with where the face is in each frame of each clip; empty: not known.
        mouths: a file with the mouth bank; empty: none.
    """

    version: int = VERSION
    name: str = Field(pattern=f"^{NAME.pattern}$")
    clips: tuple[ClipEntry, ...] = Field(min_length=1)
    seams: tuple[SeamEntry, ...] = ()
    faces: str = ""
    mouths: str = ""


@dataclass(frozen=True)
class Avatar:
    """An avatar, opened: every clip and seam is mapped and fits the others.

    Attributes:
        clips: by name. seams: those with frames of their own, mapped, by their entry.
    """

    folder: Path
    manifest: AvatarManifest
    clips: Mapping[str, Clip]
    seams: Mapping[SeamEntry, Clip] = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.manifest.name

    @property
    def format(self) -> Format:
        """Of the canvas that its clips are for; the same for all."""
        return next(iter(self.clips.values())).header.format

    def named(self, role: Role) -> tuple[str, ...]:
        """The names of the clips with this role, in order."""
        return tuple(clip.name for clip in self.manifest.clips if clip.role == role)


def avatar_folders() -> tuple[Path, ...]:
    """Where avatars are looked for by name, best first."""
    return (state() / "avatars",)


def find_avatar(name: str) -> Path:
    """The folder of an avatar, by its name or by a path to it (with a slash in it).

    Raises AvatarError, which names those that there are.
    """
    folders = [Path(name).expanduser()] if "/" in name else [f / name for f in avatar_folders()]
    for folder in folders:
        if (folder / MANIFEST).is_file():
            return folder
    known = ", ".join(avatars()) or "none yet"
    raise AvatarError(
        f"avatar {name!r}: there is no {MANIFEST} in {folders[0]}; there are: {known}. Make one "
        "from a folder of clips: mattebox avatar make FOLDER"
    )


def avatars() -> list[str]:
    """The names of the avatars that there are."""
    found = {
        path.parent.name for folder in avatar_folders() for path in folder.glob(f"*/{MANIFEST}")
    }
    return sorted(name for name in found if NAME.fullmatch(name))


def load_avatar(folder: Path) -> Avatar:
    """Open an avatar: read its manifest, map its clips. Raises AvatarError."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise AvatarError(f"{path}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise AvatarError(f"{path}: is not JSON ({error}); {_AGAIN}") from error
    version = data.get("version") if isinstance(data, dict) else None
    if version != VERSION:
        raise AvatarError(f"{path}: of version {version}, expected {VERSION}; {_AGAIN}")
    try:
        manifest = AvatarManifest.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise AvatarError(f"{path}: {where}: {first['msg']}; {_AGAIN}") from error
    clips = {entry.name: _clip(folder, entry.file) for entry in manifest.clips}
    seams = {entry: _clip(folder, entry.file) for entry in manifest.seams if entry.file}
    avatar = Avatar(folder, manifest, clips, seams)
    _check(avatar, path)
    return avatar


def save_manifest(folder: Path, manifest: AvatarManifest) -> None:
    """Write ``avatar.json``, as a whole or not at all. Raises StorageError."""
    path, partial = folder / MANIFEST, folder / f".{MANIFEST}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(manifest.model_dump_json(indent=1) + "\n", "utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error}; make room") from error


_AGAIN = "make the avatar again: mattebox avatar make"


def _clip(folder: Path, file: str) -> Clip:
    path = folder / file
    # A file's name cannot hold NUL, about which the system says nothing but ValueError.
    if "\0" in file or not path.resolve().is_relative_to(folder.resolve()):
        raise AvatarError(f"{folder / MANIFEST}: names {file!r}, outside its folder; {_AGAIN}")
    return Clip(path)


def _check(avatar: Avatar, path: Path) -> None:
    """Raises AvatarError where manifest and clips do not belong together."""
    manifest, clips = avatar.manifest, avatar.clips
    if len(clips) != len(manifest.clips):
        raise AvatarError(f"{path}: two clips have one name; {_AGAIN}")
    if not avatar.named("idle"):
        raise AvatarError(f"{path}: no clip has the role idle, expected one at least; {_AGAIN}")
    mapped = [*clips.values(), *avatar.seams.values()]
    if any(clip.header.format != avatar.format for clip in mapped):
        raise AvatarError(f"{path}: its clips differ in size, rate or colour; {_AGAIN}")
    for entry in manifest.clips:
        header = clips[entry.name].header
        if (header.frames, header.digest) != (entry.frames, entry.digest):
            raise AvatarError(f"{path}: {entry.file} is not the clip it was made with; {_AGAIN}")
    for seam in manifest.seams:
        known = seam.source in clips and seam.target in clips
        if not known or seam.exit >= clips[seam.source].frames:
            raise AvatarError(f"{path}: a seam from {seam.source} {seam.exit}: no such; {_AGAIN}")
        own = avatar.seams[seam].frames if seam.file else 0
        if seam.entry >= clips[seam.target].frames or own != seam.frames:
            raise AvatarError(f"{path}: a seam to {seam.target} {seam.entry}: no such; {_AGAIN}")
