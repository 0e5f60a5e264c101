"""Keys one clip and writes it."""

from __future__ import annotations

from pathlib import Path

from appliance.avatars.clip import samples_until
from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.tools.avatar.footage import FootagePart
from appliance.tools.avatar.key import ClipKeyer
from appliance.tools.avatar.one_person import OnePerson
from appliance.tools.avatar.planned import PlannedClip
from appliance.tools.avatar.spool import Spool
from appliance.tools.bench.progress import Tick

_LEAST_SEEN = 0.5
_LEAST_TRUSTED = 0.9
_NS = 1_000_000_000


def make_clip(
    one: PlannedClip, target: Path, format: Format, keyer: ClipKeyer, tick: Tick
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
            tick(spool.ticks, count)
        spool.write(target / one.file, part.sound)
    return _notes(one, where, keyer, person, seen, empty, count)


def _notes(
    one: PlannedClip, where: str, keyer: ClipKeyer, person: OnePerson, seen: int, empty: int,
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
