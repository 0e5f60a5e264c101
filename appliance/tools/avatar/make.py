"""``mattebox avatar make``: clips are keyed once, and become an avatar.

Each clip is written under a name with the hash of all that it was made from. So what is finished is
known by its name, whenever the work was broken off, and nothing unfinished ever has such a name.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.avatars.avatar import MANIFEST, avatar_folders
from appliance.errors import InputError, StorageError
from appliance.media.frame import Format
from appliance.tools.avatar.clip_job import make_clip
from appliance.tools.avatar.cuts import CutList, clip_name, find_cuts
from appliance.tools.avatar.finish import finish, is_made, is_whole
from appliance.tools.avatar.footage import Footage, look_through
from appliance.tools.avatar.key import AUTO, clip_keyer
from appliance.tools.avatar.planned import PlannedClip, avatar_format, plan
from appliance.tools.avatar.record import RECORD, Record, load_record
from appliance.tools.bench.progress import BenchBar

# What the person fills of the canvas, at least, for a look at the disk ahead.
_FILLED = 0.25
_MUCH = 1e9
_LOCK = ".lock"

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


def make_avatar(options: MakeOptions, tell: Tell, bar: BenchBar) -> Path:
    """Make an avatar, or what is missing of it; returns its folder.

    Raises InputError for clips that cannot be used, ModelError for the network, StorageError when
    the disk is full or cannot be written to, GpuError.
    """
    wanted = find_cuts(options.folder, options.cuts)
    name = clip_name(options.name or wanted.name or options.folder.resolve().stem, "avatar")
    target = (options.into or avatar_folders()[0]).expanduser() / name
    _check_place(target, options.folder)
    if wanted.left_out:
        tell(f"left out, as no clip is made of them: {', '.join(wanted.left_out)}")
    with _alone(target):
        record = Record() if options.again else load_record(target)
        footage = _look(wanted, record, target, bar)
        format = avatar_format(wanted, footage, options.size, options.fps)
        planned = plan(wanted, footage, record, format, options.model, options.chroma)
        todo = [one for one in planned if options.again or not is_whole(target / one.file)]
        if not todo and is_made(target, name, planned, record):
            tell(f"{target}: made of these clips already, nothing to do (--again makes it anew)")
            return target
        _check_room(target, format, todo, tell)
        if todo:
            with clip_keyer(options.model, options.chroma, format) as keyer:
                tell(f"keyed by {keyer.description}, for {format}")
                for one in todo:
                    bar.begin(f"keying {one.cut.name}")
                    record.notes[one.key] = make_clip(one, target, format, keyer, bar.tick)
                    record.save(target)
        for one in planned:
            for note in record.notes.get(one.key, ()):
                tell(note)
        finish(target, name, planned, record, bar, tell)
    return target


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


def _check_place(target: Path, clips: Path) -> None:
    """Raises InputError for a folder that removing the avatar must not take along."""
    own = clips.resolve()
    if own == target.resolve() or target.resolve() in own.parents:
        raise InputError(
            f"{target}: the avatar would be written where its clips are; give another --into, or "
            "another --name"
        )
    try:
        found = {path.name for path in target.iterdir()} if target.is_dir() else set()
    except OSError as error:
        raise StorageError(f"{target}: cannot be read ({error.strerror or error})") from error
    if found and not found & {MANIFEST, RECORD, _LOCK}:
        raise InputError(
            f"{target}: is there already, and no avatar; give another --into, or another --name"
        )


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process makes an avatar at a time. Raises StorageError."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        lock = (target / _LOCK).open("w")
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


def _check_room(target: Path, format: Format, todo: list[PlannedClip], tell: Tell) -> None:
    """Raises StorageError where the clips cannot fit, before hours of work."""
    sizes = [len(one.wanted) * format.rect.area * 5 / 2 * _FILLED for one in todo]
    # The longest one is there twice for a moment: as it was keyed, and as a clip.
    needed, free = sum(sizes) + max(sizes, default=0), shutil.disk_usage(target).free
    if needed > free:
        raise StorageError(
            f"{target}: the clips take about {_size(needed)} there at least, and "
            f"{_size(free)} are free; make room, give another folder with --into, a smaller "
            "--size, or shorter clips"
        )
    if needed > _MUCH:
        tell(f"the clips take about {_size(needed)} on disk, {_size(free)} are free")


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
