"""``mattebox avatar make``: clips are keyed once, and become an avatar.

Each clip is written under a name with the hash of all that it was made from. So what is finished is
known by its name, whenever the work was broken off, and nothing unfinished ever has such a name.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.avatars.avatar import (
    MANIFEST,
    AvatarManifest,
    ClipEntry,
    avatar_folders,
    load_avatar,
    save_manifest,
)
from appliance.avatars.clip import Clip, samples_until
from appliance.errors import AvatarError, InputError, StorageError
from appliance.media.frame import Format
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.tools.avatar.cuts import Cut, CutList, clip_name, find_cuts
from appliance.tools.avatar.footage import Footage, FootagePart, chosen, look_through
from appliance.tools.avatar.key import AUTO, ClipKeyer, clip_keyer
from appliance.tools.avatar.one_person import OnePerson
from appliance.tools.avatar.record import Record, load_record
from appliance.tools.avatar.seams import are_current, make_seams
from appliance.tools.avatar.spool import Spool
from appliance.tools.bench.progress import BenchBar

_KEYING = 1
"""Version of how clips are keyed: raised when the same input gives another clip."""
_LONGEST_S = 3600
_LEAST_SEEN = 0.5
_LEAST_TRUSTED = 0.9
_NS = 1_000_000_000
# What the person fills of the canvas, at least, for a look at the disk ahead.
_FILLED = 0.25

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MakeOptions:
    """What ``mattebox avatar make`` was asked.

    Attributes:
        folder: of clips, or one video. name: of the avatar; empty: the folder's own.
        into: the folder that the avatar's own will be in; None: where avatars are looked for.
        cuts: the list of cuts. chroma: see ``keying_settings``. model: the network.
        size, fps: of the canvas; None: as the first idle clip is.
        again: make what is finished, too.
    """

    folder: Path
    name: str = ""
    into: Path | None = None
    cuts: Path | None = None
    chroma: str = AUTO
    model: str = "portrait"
    size: tuple[int, int] | None = None
    fps: tuple[int, int] | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Planned:
    """A clip to be made: which pictures of which footage, and the file that it will be."""

    cut: Cut
    footage: Footage
    wanted: list[int]
    key: str
    file: str

    @property
    def sounding(self) -> bool:
        return self.cut.sound and self.footage.sounding


def make_avatar(options: MakeOptions, tell: Tell, bar: BenchBar) -> Path:
    """Make an avatar, or what is missing of it; returns its folder.

    Raises InputError for clips that cannot be used, ModelError for the network, StorageError when
    the disk is full or cannot be written to, GpuError.
    """
    wanted = find_cuts(options.folder, options.cuts)
    name = clip_name(options.name or wanted.name or options.folder.resolve().stem)
    target = (options.into or avatar_folders()[0]).expanduser() / name
    if wanted.left_out:
        tell(f"left out, as no clip is made of them: {', '.join(wanted.left_out)}")
    with _alone(target):
        record = Record() if options.again else load_record(target)
        footage = _look(wanted, record, target, bar)
        format = _format(options, wanted, footage)
        planned = _plan(options, wanted, footage, record, format)
        todo = [one for one in planned if options.again or not _finished(target / one.file)]
        if not todo and _is_made(target, name, planned):
            tell(f"{target}: made of these clips already, nothing to do (--again makes it anew)")
            return target
        _check_room(target, format, todo)
        if todo:
            with clip_keyer(options.model, options.chroma, format) as keyer:
                tell(f"keyed by {keyer.description}, for {format}")
                for one in todo:
                    bar.begin(f"keying {one.cut.name}")
                    record.notes[one.key] = _make_clip(one, target, format, keyer, bar)
                    record.save(target)
        for one in planned:
            for note in record.notes.get(one.key, ()):
                tell(note)
        entries = tuple(_entry(target, one) for one in planned)
        manifest = AvatarManifest(name=name, clips=entries)
        bar.begin("seams")
        manifest = make_seams(target, manifest, bar.tick, tell)
        save_manifest(target, manifest)
        _tidy(target, manifest)
    return target


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process makes an avatar at a time. Raises StorageError."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        lock = (target / ".lock").open("w")
    except OSError as error:
        raise StorageError(
            f"{target}: an avatar cannot be written there ({error.strerror or error}); give "
            "another folder with --into"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(
                f"{target}: is being made by another process; wait for it"
            ) from error
        # What a killed process left behind.
        for part in target.glob(".*.part"):
            part.unlink(missing_ok=True)
        yield


def _look(wanted: CutList, record: Record, target: Path, bar: BenchBar) -> dict[Path, Footage]:
    """What each video is. Raises InputError for those that cannot be used."""
    found: dict[Path, Footage] = {}
    for cut in wanted.cuts:
        if cut.file in found:
            continue
        digest = record.digest(cut.file)
        if digest not in record.footage:
            bar.begin(f"reading {cut.file.name}")
            record.footage[digest] = look_through(cut.file, bar.tick)
            record.save(target)
        found[cut.file] = record.footage[digest]
    return found


def _format(options: MakeOptions, wanted: CutList, footage: dict[Path, Footage]) -> Format:
    """Of the avatar: its first idle clip's, unless something else is asked."""
    first = next(cut for cut in wanted.cuts if cut.role == "idle")
    own = footage[first.file].format
    width, height = options.size or (own.width, own.height)
    return replace(own, width=width, height=height, fps=options.fps or own.fps)


def _plan(
    options: MakeOptions, wanted: CutList, footage: dict[Path, Footage], record: Record,
    format: Format,
) -> list[_Planned]:  # fmt: skip
    network = _network_identity(options.model)
    planned = []
    for cut in wanted.cuts:
        one = footage[cut.file]
        begin = 0 if cut.begin is None else int(cut.begin.at(one.format.fps) * _NS)
        end = one.end if cut.end is None else int(cut.end.at(one.format.fps) * _NS)
        indices = chosen(one, begin, end, format.fps)
        where = f"{cut.file}: {cut.name}"
        if not indices:
            raise InputError(
                f"{where}: from {begin / _NS:g} to {end / _NS:g} s there is no picture; the file "
                f"has {one.end / _NS:.2f} s"
            )
        if len(indices) * format.fps[1] > _LONGEST_S * format.fps[0]:
            raise InputError(f"{where}: longer than an hour; cut it into shorter clips")
        sounding = cut.sound and one.sounding
        made_from = (
            _KEYING, record.digest(cut.file), begin, min(end, one.end), sounding, format, network,
            options.chroma,
        )  # fmt: skip
        key = hashlib.blake2b(repr(made_from).encode(), digest_size=16).hexdigest()
        planned.append(_Planned(cut, one, indices, key, f"{cut.name}-{key[:16]}.clip"))
    return planned


def _network_identity(model: str) -> str:
    """Changes with the network. Raises ModelError."""
    path = find_manifest(model, model_folders())
    _, graph = load_manifest(path)
    made = hashlib.blake2b(digest_size=16)
    for file in (path, graph):
        made.update(file.read_bytes())
    return made.hexdigest()


def _finished(path: Path) -> bool:
    try:
        Clip(path)
    except AvatarError:
        return False
    return True


def _is_made(target: Path, name: str, planned: list[_Planned]) -> bool:
    """Whether the avatar there is of these clips, and whole."""
    if not (target / MANIFEST).is_file():
        return False
    try:
        manifest = load_avatar(target).manifest
    except AvatarError:
        return False
    same = manifest.name == name and manifest.clips == tuple(_entry(target, o) for o in planned)
    return same and are_current(manifest)


def _entry(target: Path, one: _Planned) -> ClipEntry:
    header = Clip(target / one.file).header
    return ClipEntry(
        name=one.cut.name, role=one.cut.role, file=one.file, frames=header.frames,
        digest=header.digest,
    )  # fmt: skip


def _check_room(target: Path, format: Format, todo: list[_Planned]) -> None:
    """Raises StorageError where the clips cannot fit, before hours of work."""
    sizes = [len(one.wanted) * format.rect.area * 5 / 2 * _FILLED for one in todo]
    # The longest one is there twice for a moment: as it was keyed, and as a clip.
    needed, free = sum(sizes) + max(sizes, default=0), shutil.disk_usage(target).free
    if needed > free:
        raise StorageError(
            f"{target}: the clips take about {needed / 1e9:.1f} GB there at least, and "
            f"{free / 1e9:.1f} GB are free; make room, give another folder with --into, a smaller "
            "--size, or shorter clips"
        )


def _make_clip(
    one: _Planned, target: Path, format: Format, keyer: ClipKeyer, bar: BenchBar
) -> list[str]:
    """Key one clip and write it; returns what there is to say of it.

    Raises InputError where it shows nobody.
    """
    count, where = len(one.wanted), f"{one.cut.file}: {one.cut.name}"
    part = FootagePart(one.cut.file, one.footage, format, one.wanted)
    person = OnePerson()
    empty = doubtful = seen = 0
    keyer.begin()
    with Spool(target, format) as spool:
        for frame, ticks in part.pictures(samples_until(count, format.fps) if one.sounding else 0):
            keyed = keyer(frame)
            there = person(keyed.alpha)
            seen += 1
            empty += 0 if there else ticks
            doubtful += 0 if keyed.trusted else ticks
            if empty > count * (1 - _LEAST_SEEN):
                raise InputError(
                    f"{where}: nobody is seen in {empty} of its first {spool.ticks + ticks} "
                    "pictures; expected a person in each. Take the clip out, or cut it to where "
                    "the person is (from, to in avatar.yaml)"
                )
            if doubtful > max(1.0, count * (1 - _LEAST_TRUSTED)):
                raise InputError(
                    f"{where}: in {doubtful} of its first {spool.ticks + ticks} pictures the "
                    "network cannot tell person from room; light the person better, stand before "
                    "a plain or green wall, or take the clip out"
                )
            spool.add(keyed.y, keyed.uv, keyed.alpha, ticks)
            bar.tick(spool.ticks, count)
        spool.write(target / one.file, part.sound)
    return _notes(one, where, keyer, person, seen, empty, count)


def _notes(
    one: _Planned, where: str, keyer: ClipKeyer, person: OnePerson, seen: int, empty: int,
    count: int,
) -> list[str]:  # fmt: skip
    notes = []
    if person.others:
        notes.append(
            f"{where}: more than one person in {person.others} of {seen} pictures; the one who is "
            "largest at its beginning was kept"
        )
    if empty:
        notes.append(f"{where}: nobody is seen in {empty} of {count} pictures")
    if count == 1:
        notes.append(f"{where}: has one picture only; it will stand still")
    if one.footage.missing and one.cut.end is None:
        notes.append(
            f"{where}: pictures end {one.footage.missing / _NS:.1f} s before the file does; was it "
            "cut short?"
        )
    if keyer.walled:
        notes.append(f"{where}: keyed with its wall's colour (--chroma off would not)")
    return notes


def _tidy(target: Path, manifest: AvatarManifest) -> None:
    """Remove clips that the avatar no longer has."""
    used = {entry.file for entry in manifest.clips} | {seam.file for seam in manifest.seams}
    for path in target.glob("*.clip"):
        if path.name not in used:
            path.unlink(missing_ok=True)
