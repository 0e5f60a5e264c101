"""From finished clips to an avatar: seams, mouths, and the manifest at last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from appliance.avatars.avatar import (
    MANIFEST,
    AvatarManifest,
    ClipEntry,
    load_avatar,
    save_manifest,
)
from appliance.avatars.clip import Clip
from appliance.errors import AvatarError, ModelError
from appliance.tools.avatar.mouths import make_mouths
from appliance.tools.avatar.planned import PlannedClip, network_identity
from appliance.tools.avatar.record import Record
from appliance.tools.avatar.seams import make_seams
from appliance.tools.avatar.spoken import spoken_marks
from appliance.tools.bench.progress import BenchBar

_SEAMS, _MOUTHS = "seams", "mouths"
_SHORT_S = 3.0
"""Idling for less than this is seen to repeat."""
_VERSION = 1
"""Of how they are made: raised when the same clips give others."""


def is_whole(path: Path) -> bool:
    """Whether this is a clip."""
    try:
        Clip(path)
    except AvatarError:
        return False
    return True


def is_made(target: Path, name: str, planned: list[PlannedClip], record: Record) -> bool:
    """Whether the avatar there is of these clips, all of which are whole, and nothing is new."""
    old = _old(target)
    entries = _entries(target, planned)
    return (
        old is not None
        and (old.name, old.clips) == (name, entries)
        and record.made == _made_from(entries, planned)
    )


def finish(
    target: Path, name: str, planned: list[PlannedClip], record: Record, bar: BenchBar,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    """Make what seams and mouths are not of these clips, and write ``avatar.json``.

    Raises AvatarError for a clip that broke meanwhile, StorageError when the disk is full.
    """
    entries = _entries(target, planned)
    _tell_of_idling(target, entries, tell)
    manifest, old = AvatarManifest(name=name, clips=entries), _old(target)
    made_from = _made_from(entries, planned)
    if old is not None and record.made.get(_SEAMS) == made_from[_SEAMS]:
        manifest = manifest.model_copy(update={"seams": old.seams})
    else:
        bar.begin("seams")
        manifest = make_seams(target, manifest, bar.tick, tell)
    if old is not None and record.made.get(_MOUTHS) == made_from[_MOUTHS]:
        manifest = manifest.model_copy(update={"faces": old.faces, "mouths": old.mouths})
    else:
        bar.begin("mouths")
        texts = {one.cut.name: one.cut.says for one in planned}
        said = spoken_marks(target, manifest, texts, tell)
        manifest = make_mouths(target, manifest, bar.tick, tell, said)
    save_manifest(target, manifest)
    record.made = made_from
    record.forget_all_but({one.cut.file for one in planned}, {one.key for one in planned})
    record.save(target)
    # Of no use any more; who plays them still has them mapped.
    used = {entry.file for entry in manifest.clips} | {seam.file for seam in manifest.seams}
    for path in target.glob("*.clip"):
        if path.name not in used:
            path.unlink(missing_ok=True)


def _old(target: Path) -> AvatarManifest | None:
    """The avatar that is there, if it can be played."""
    if not (target / MANIFEST).is_file():
        return None
    try:
        return load_avatar(target).manifest
    except AvatarError:
        return None


def _entries(target: Path, planned: list[PlannedClip]) -> tuple[ClipEntry, ...]:
    found = []
    for one in planned:
        header = Clip(target / one.file).header
        name, role, frames, digest = one.cut.name, one.cut.role, header.frames, header.digest
        found.append(ClipEntry(name=name, role=role, file=one.file, frames=frames, digest=digest))
    return tuple(found)


def _tell_of_idling(
    target: Path, entries: tuple[ClipEntry, ...], tell: Callable[[str], None]
) -> None:
    """Say so where there is too little of it: it is what is seen most of the time."""
    idle = [entry for entry in entries if entry.role == "idle"]
    rate = Fraction(*Clip(target / entries[0].file).header.format.fps)
    seconds = float(sum(entry.frames for entry in idle) / rate)
    if seconds < _SHORT_S:
        names = ", ".join(entry.name for entry in idle)
        tell(
            f"idling lasts {seconds:.1f} s ({names}), and will be seen to repeat; film ten seconds "
            "or more of waiting"
        )


def _made_from(entries: tuple[ClipEntry, ...], planned: list[PlannedClip]) -> dict[str, str]:
    """What seams and mouths depend on: clips, networks that may be installed later, texts."""
    said = tuple((one.cut.name, one.cut.says) for one in planned)
    return {
        _SEAMS: _word(_VERSION, entries, _installed("rife")),
        _MOUTHS: _word(_VERSION, entries, said, _installed("face"), _installed("face-finder")),
    }


def _word(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _installed(network: str) -> str:
    try:
        return network_identity(network, task=None)
    except ModelError:
        return ""
