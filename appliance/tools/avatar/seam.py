"""Makes one seam: tries what was planned, judges it, tries again what misses a bar."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from appliance.avatars.avatar import SeamEntry
from appliance.avatars.clip import Clip
from appliance.avatars.clip_writer import ClipWriter
from appliance.errors import AvatarError, StorageError
from appliance.media.frame import Colour, Rect
from appliance.tools.avatar import judge
from appliance.tools.avatar.interpolate import SeamMotion, between
from appliance.tools.avatar.person import Planes, around, on, person_box
from appliance.tools.avatar.plan import SHORTEST, SeamPlace, WantedSeam
from appliance.tools.avatar.search import ClipLook

FOLDER = "seams"
"""Of the seams' files, below the avatar's folder."""
_JUDGED = "judged.jsonl"
_MARGIN = 16
_DIGEST_BYTES = 16
# Changes when frames come to be made or judged in another way.
_VERSION = 1
# Frames are as many as make even steps of this part of a large one.
_EVEN = 0.4
_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class _Try:
    """One way to make a seam. ``even``: its frames' times are; else its steps are."""

    source: str
    place: SeamPlace
    frames: int
    even: bool = True


class Maker:
    """Makes the seams of one avatar, one after another; knows those that were judged before."""

    def __init__(
        self,
        folder: Path,
        clips: Mapping[str, Clip],
        looks: Mapping[str, ClipLook],
        motion: SeamMotion,
    ) -> None:
        self._folder, self._clips, self._looks, self._motion = folder, clips, looks, motion
        self._lengths: dict[tuple[str, SeamPlace, int], int] = {}
        self._file = folder / FOLDER / _JUDGED
        self._judged = _read(self._file)

    def length(self, wanted: WantedSeam, place: SeamPlace | None = None) -> int:
        """How many frames of its own a seam gets first: 0 where its step is a usual one."""
        place = place or wanted.best
        key = (wanted.source, place, wanted.most)
        if key not in self._lengths:
            ends, _ = self._ends(wanted.source, place)
            large = self._large(wanted.source, place)
            rows = self._clips[wanted.source].header.format.height
            step = judge.jump(ends, rows, 1.0) if ends else 0.0
            found = math.ceil(step / large / _EVEN) - 1
            if wanted.most < SHORTEST or step <= self._looks[wanted.source].usual:
                found = 0
            else:
                found = min(max(found, SHORTEST), wanted.most)
            self._lengths[key] = found
        return self._lengths[key]

    def make(self, wanted: WantedSeam) -> SeamEntry:
        """The first of some tries that is within both bars, else the one that misses least.

        Raises StorageError when it cannot be written.
        """
        best: tuple[float, _Try, _Judged, list[Planes]] | None = None
        for each in islice(self._tries(wanted), _MOST_TRIES):
            judged, frames = self._judge(each)
            if best is None or judged.miss < best[0]:
                best = judged.miss, each, judged, frames
            if judged.miss <= 1:
                break
        assert best is not None
        _, chosen, judged, frames = best
        place, key = chosen.place, self._key(chosen)
        file = f"{FOLDER}/{key}.clip" if chosen.frames else ""
        if file and not self._is_whole(file, chosen.frames):
            self._write(file, chosen, frames or self._render(chosen))
        return SeamEntry(
            source=chosen.source, exit=place.exit, target=place.target, entry=place.entry,
            frames=chosen.frames, file=file, method=self._motion.method if file else "cut",
            jump=round(judged.jump, 4), sharpness=round(judged.sharpness, 4), key=key,
        )  # fmt: skip

    def _tries(self, wanted: WantedSeam) -> Iterator[_Try]:
        source, first = wanted.source, self.length(wanted)
        yield _Try(source, wanted.best, first)
        if wanted.most < SHORTEST:
            return
        if first:
            yield _Try(source, wanted.best, first, even=False)
        else:
            yield _Try(source, wanted.best, SHORTEST)
        if first < wanted.most:
            yield _Try(source, wanted.best, wanted.most, even=False)
        for place in wanted.others:
            yield _Try(source, place, self.length(wanted, place), even=False)

    def _judge(self, each: _Try) -> tuple[_Judged, list[Planes]]:
        """Its figures, and its frames if they had to be made for them."""
        key = self._key(each)
        if key in self._judged:
            return self._judged[key], []
        ends, _ = self._ends(each.source, each.place)
        frames = self._render(each)
        judged = _Judged(0.0, 1.0)
        if ends:
            shown = [ends[0], *frames, ends[1]]
            large = self._large(each.source, each.place)
            rows = self._clips[each.source].header.format.height
            judged = _Judged(judge.jump(shown, rows, large), judge.sharpness(shown))
        self._judged[key] = judged
        self._note(key, judged)
        return judged, frames

    def _render(self, each: _Try) -> list[Planes]:
        ends, _ = self._ends(each.source, each.place)
        if not ends:
            return []
        colour = self._clips[each.source].header.format.colour
        rows = self._clips[each.source].header.format.height
        times = np.arange(1, each.frames + 1) / (each.frames + 1)
        frames = [self._between(ends, float(at), colour) for at in times]
        if each.even or not frames:
            return frames
        # Where much happens at once, frames are taken closer together.
        views = [judge.seen(person, rows) for person in (ends[0], *frames, ends[1])]
        steps = [judge.step(a, b) for a, b in pairwise(views)]
        passed = np.concatenate(([0.0], np.cumsum(steps)))
        if passed[-1] <= 0:
            return frames
        knots = np.concatenate(([0.0], times, [1.0]))
        times = np.interp(times * passed[-1], passed, knots)
        return [self._between(ends, float(at), colour) for at in times]

    def _between(self, ends: tuple[Planes, Planes], at: float, colour: Colour) -> Planes:
        return between(*ends, colour, at, self._motion)

    def _ends(self, source: str, place: SeamPlace) -> tuple[tuple[Planes, Planes] | None, Rect]:
        """Exit and entry on the part of the canvas that the seam needs; None for nobody in both."""
        frames = (
            self._clips[source].frame(place.exit), self._clips[place.target].frame(place.entry),
        )  # fmt: skip
        box = around([person_box(frame) for frame in frames])
        whole = around([frame.rect for frame in frames])
        rect = Rect(
            box.x - _MARGIN, box.y - _MARGIN, box.width + 2 * _MARGIN, box.height + 2 * _MARGIN
        ).intersect(whole)
        if not box.area:
            return None, whole
        return (on(frames[0], rect), on(frames[1], rect)), rect

    def _large(self, source: str, place: SeamPlace) -> float:
        return max(self._looks[source].large, self._looks[place.target].large)

    def _key(self, each: _Try) -> str:
        place, motion = each.place, self._motion
        digests = [self._clips[name].header.digest for name in (each.source, place.target)]
        how = (motion.method, motion.digest, each.even) if each.frames else ()
        made_of = json.dumps([_VERSION, *digests, place.exit, place.entry, each.frames, *how])
        return hashlib.blake2b(made_of.encode(), digest_size=_DIGEST_BYTES).hexdigest()

    def _is_whole(self, file: str, frames: int) -> bool:
        path = self._folder / file
        try:
            return path.is_file() and Clip(path).frames == frames
        except AvatarError:
            return False

    def _write(self, file: str, each: _Try, frames: list[Planes]) -> None:
        _, rect = self._ends(each.source, each.place)
        format = self._clips[each.source].header.format
        with ClipWriter(self._folder / file, format, rect) as writer:
            for frame in frames:
                writer.add(frame.y, frame.uv, frame.alpha)
            writer.finish()

    def _note(self, key: str, judged: _Judged) -> None:
        line = json.dumps([key, judged.jump, judged.sharpness]) + "\n"
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(line)
        except OSError as error:
            raise StorageError(f"{self._file}: cannot be written: {error}; make room") from error


@dataclass(frozen=True, slots=True)
class _Judged:
    jump: float
    sharpness: float

    @property
    def miss(self) -> float:
        """At most 1 within both bars; above, by which factor the worse one is missed."""
        return max(self.jump / judge.MOST_JUMP, judge.LEAST_SHARPNESS / max(self.sharpness, 1e-6))


def _read(file: Path) -> dict[str, _Judged]:
    """What was judged before; a line that is not whole counts as none."""
    found: dict[str, _Judged] = {}
    if not file.is_file():
        return found
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise AvatarError(f"{file}: cannot be read: {error}; remove it") from error
    for line in lines:
        try:
            key, jump, sharpness = json.loads(line)
            found[str(key)] = _Judged(float(jump), float(sharpness))
        except (ValueError, TypeError):
            continue
    return found
