"""Who takes part, remembered from look to look: ``clean.keep: taking-part``.

Somebody takes part who is whole enough (a side of the frame does not cut through them; its lower
edge cuts everybody at a desk), near enough (not tiny beside those who do), and long enough there.
Once they take part they stay, also half out of the frame, until they have not been seen for a
second. Which components that comes to is decided a frame later, by ``taking_part``, on the CPU or
on the GPU; this runs on the host, on what it has learnt of the components.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.config.settings import CleanSettings
from appliance.media.frame import Rect
from appliance.pixels.cpu.taking_part import (
    FAR,
    MOST,
    Component,
    Known,
    at_once,
    half_within,
    part_of,
    reach_of,
    who,
)
from appliance.stages.roi import Box, frame_box

# Whoever is this long in about the same place has come to stay ...
_STANDING_NS = 500_000_000
# ... and whoever walks about this long in full view, too: a passer-by crosses the picture sooner.
_WALKING_NS = 2_000_000_000
# The same place: the middle of the box has moved by no more than this part of its width. At a
# walk half a second is more than a width.
_PLACE = 0.5
# Not seen for so long: gone. The network may lose somebody for some frames.
_GONE_NS = 1_000_000_000
# Whoever was hidden for longer than that begins anew to be there; the network may blink.
_BLINK_NS = 250_000_000
# How far somebody gets in a second, in widths of their box: a brisk walk.
_PACE = 2.5
# Somebody who has moved is taken for the same up to this ratio of areas.
_ALIKE = 2.0


def by_participation(settings: CleanSettings) -> bool:
    """Whether these settings keep those who take part."""
    return settings.enabled and settings.keep == "taking-part"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look found: ``found`` on a grid of (rows, columns) over ``rect`` of the frame.

    ``parts``: those of it that were looked at; none means all of it.
    """

    rect: Rect
    grid: tuple[int, int]
    found: tuple[Component, ...]
    parts: tuple[Rect, ...] = ()


@dataclass(slots=True)
class _Person:
    """Somebody, or something taken for somebody; in frame pixels and nanoseconds.

    Attributes:
        taking: they take part. whole: they have been seen whole.
        missed: they have been looked for in vain since they were last seen.
        touched: when somebody who did not take part was last seen to touch them.
        beside: they appeared within the reach of somebody who takes part: perhaps a part of them.
        place: the middle of their box when they came here. since: when that was. first: since when
            they have been seen whole and near. None: they are not.
    """

    box: Box
    area: float
    seen: int
    taking: bool = False
    whole: bool = False
    beside: bool = False
    missed: bool = False
    touched: int | None = None
    place: float = 0.0
    since: int | None = None
    first: int | None = None

    def take_in(self, view: _View, now: int) -> None:
        """They were seen; a side beyond the part that was looked at stays where it was."""
        box, before, ends = view.box, self.box, view.ends
        self.box = Box(
            min(box.left, before.left) if ends[0] else box.left,
            min(box.top, before.top) if ends[1] else box.top,
            max(box.right, before.right) if ends[2] else box.right,
            max(box.bottom, before.bottom) if ends[3] else box.bottom,
        )
        self.area = max(view.area, self.area) if view.partial else view.area
        if self.missed and now - self.seen > _BLINK_NS:
            self.restart()
        self.seen, self.missed = now, False
        self.whole = self.whole or view.whole

    def stayed(self, now: int) -> bool:
        """Whether they have been whole and near for long enough; they are now."""
        middle = (self.box.left + self.box.right) / 2
        if self.since is None or abs(middle - self.place) > _PLACE * self.box.width:
            self.since, self.place = now, middle
        self.first = now if self.first is None else self.first
        return now - self.since >= _STANDING_NS or now - self.first >= _WALKING_NS

    def parts_from(self, view: _View, now: int) -> bool:
        """Whether somebody of whom they and another were one takes part like them.

        Two who take part may have been one component since the beginning. A passer-by who touched
        them has touched them for less than it takes to pass.
        """
        passing = self.touched is not None and now - self.touched < _WALKING_NS
        large = view.area * FAR >= self.area
        return self.taking and large and not view.component.cut and not passing

    def restart(self) -> None:
        """Begin anew to count how long they are there."""
        self.since = self.first = None


@dataclass(frozen=True, slots=True)
class _View:
    """A component as seen in the frame.

    Attributes:
        box, area: in frame pixels.
        ends: left, top, right, bottom: whether the part that was looked at ends there within them.
    """

    component: Component
    box: Box
    area: float
    ends: tuple[bool, bool, bool, bool]

    @property
    def partial(self) -> bool:
        """What was seen says little of how large they are."""
        return any(self.ends)

    @property
    def whole(self) -> bool:
        return not self.partial and not self.component.cut


@dataclass(frozen=True, slots=True)
class _Seen:
    """A component, and who it is. None: a part of somebody, or there was no room to remember them.

    Attributes:
        new: it overlaps nobody who was known.
    """

    view: _View
    person: _Person | None
    new: bool


class Participants:
    """Those who take part and those who do not, at most ``MOST`` in all.

    For each frame ``known`` says who was there before; ``look`` takes in what was found.
    """

    def __init__(self, width: int, height: int) -> None:
        """``width``, ``height``: of the frame, pixels."""
        self._width, self._height = width, height
        self._people: list[_Person] = []
        self._now = 0
        self._pairs: tuple[object, list[tuple[_Person, Known]]] = (None, [])

    def reset(self) -> None:
        """Forget everybody."""
        self._people, self._pairs = [], (None, [])

    @property
    def taking(self) -> list[Box]:
        """The boxes of those who take part, frame pixels."""
        return [person.box for person in self._people if person.taking]

    def known(self, now: int, rect: Rect, grid: tuple[int, int]) -> tuple[Known, ...]:
        """Who was there before the frame of pts ``now``, on a grid (rows, columns) over ``rect``.

        Who appeared beside somebody who takes part is left out: they may be a part of them.
        """
        # They are asked for twice a frame, here and when what was found is taken in.
        self._pairs = (now, rect, grid), list(self._known(now, rect, grid))
        return tuple(one for person, one in self._pairs[1] if not person.beside)

    def look(self, now: int, sighting: Sighting, *, aside: bool = False) -> Box | None:
        """Take in what was found; the box around those seen who take part, or None.

        Args:
            now: the frame's pts, nanoseconds.
            aside: an occasional look at the whole frame, besides the frame's own look.
        """
        if now < self._now:
            self.reset()
        self._now = now
        seen = self._recognise(now, sighting)
        for one in seen:
            if one.person is not None:
                one.person.take_in(one.view, now)
        self._admit(now, seen, aside=aside)
        self._part_from(now, sighting)
        self._forget(now, sighting.parts or (sighting.rect,))
        around: Box | None = None
        for one in seen:
            if one.person is not None and one.person.taking:
                around = one.person.box.union(around or one.person.box)
        return around

    def _known(
        self, now: int, rect: Rect, grid: tuple[int, int]
    ) -> Iterable[tuple[_Person, Known]]:
        """Those within ``rect``, each with how they are known there."""
        rows, columns = grid
        across, down = columns / rect.width, rows / rect.height
        whole = Rect(0, 0, columns, rows)
        for person in self._people:
            box = person.box
            # A hair inwards: what is a whole number but for rounding stays it.
            x = math.floor((box.left - rect.x) * across + 0.01)
            y = math.floor((box.top - rect.y) * down + 0.01)
            right = math.ceil((box.right - rect.x) * across - 0.01)
            bottom = math.ceil((box.bottom - rect.y) * down - 0.01)
            there = Rect(x, y, right - x, bottom - y)
            within = there.intersect(whole)
            if within.area:
                seconds = min(max(now - person.seen, 0), 1_000_000_000) / 1e9
                ahead = int(_PACE * seconds * max(there.width, there.height // 3))
                reach = reach_of(there, ahead).intersect(whole)
                yield person, Known(within, reach, person.taking)

    def _views(self, sighting: Sighting) -> Iterable[_View]:
        rect, (rows, columns) = sighting.rect, sighting.grid
        pixels = rect.area / (rows * columns)
        for one in sighting.found:
            box = one.box
            ends = (
                box.x == 0 and rect.x > 0, box.y == 0 and rect.y > 0,
                box.right == columns and rect.right < self._width,
                box.bottom == rows and rect.bottom < self._height,
            )  # fmt: skip
            yield _View(one, frame_box(box, sighting.grid, rect), one.area * pixels, ends)

    def _recognise(self, now: int, sighting: Sighting) -> list[_Seen]:
        """Who each component is; newcomers are remembered."""
        views = list(self._views(sighting))
        made_for, pairs = self._pairs
        if made_for != (now, sighting.rect, sighting.grid):
            pairs = list(self._known(now, sighting.rect, sighting.grid))
        self._pairs = (None, [])
        known = [one for _, one in pairs]
        reaches = [one.reach for one in known if one.taking]
        matches = who(sighting.found, known)
        people: list[_Person | None] = [None] * len(views)
        missing = dict(enumerate(pairs))
        # The largest come first: whoever is in two pieces is the larger one.
        for number, match in enumerate(matches):
            if match is None:
                continue
            if match in missing:
                people[number] = missing.pop(match)[0]
                self._touch(now, people[number], views[number])
            elif pairs[match][0].parts_from(views[number], now):
                people[number] = self._newcomer(now, views[number], taking=True)
        loose = [number for number, match in enumerate(matches) if match is None]
        for person, one in sorted(missing.values(), key=lambda pair: not pair[0].taking):
            moved = next((n for n in loose if _moved(person, one, views[n])), None)
            if moved is not None:
                loose.remove(moved)
                people[moved] = person
        for number in loose:
            view = views[number]
            beside = part_of(view.component, reaches)
            taking = any(
                one.taking
                and half_within(view.component.box, one.box)
                and person.parts_from(view, now)
                for person, one in pairs
            )
            people[number] = self._newcomer(now, view, beside=beside, taking=taking)
        return [
            _Seen(view, person, match is None)
            for view, person, match in zip(views, people, matches, strict=True)
        ]

    def _touch(self, now: int, person: _Person | None, view: _View) -> None:
        """Note that others have become one component with somebody who takes part."""
        if person is None or not person.taking:
            return
        for other in self._people:
            large = other.area * FAR >= person.area
            if not other.taking and large and _within(other.box, view.box):
                person.touched = now

    def _newcomer(
        self, now: int, view: _View, *, beside: bool = False, taking: bool = False
    ) -> _Person | None:
        """Remember somebody new, in place of whoever was not seen longest, if need be."""
        if len(self._people) >= MOST:
            others = [person for person in self._people if not person.taking and person.seen < now]
            if not others:
                return None
            self._people.remove(min(others, key=lambda person: person.seen))
        person = _Person(view.box, view.area, now, taking, beside=beside and not taking)
        self._people.append(person)
        return person

    def _admit(self, now: int, seen: Sequence[_Seen], *, aside: bool) -> None:
        """Decide who takes part from now on."""
        taking = [person for person in self._people if person.taking]
        there = [one for one in seen if one.person is not None and one.person.taking]
        if seen and (not taking or not (there or aside)):
            # Those whom ``taking_part`` shows at once.
            found = [one.view.component for one in seen]
            chosen = at_once(found, [not taking or one.new for one in seen], alone=not taking)
            reaches = [reach_of(one.box) for one, stay in zip(found, chosen, strict=True) if stay]
            for one, stay in zip(seen, chosen, strict=True):
                if one.person is not None:
                    one.person.taking = stay
                    one.person.beside = not stay and part_of(one.view.component, reaches)
            return
        largest = max((person.area for person in taking if person.whole), default=0.0)
        for one in seen:
            person, view = one.person, one.view
            if person is None or person.taking or view.partial:
                continue
            if view.component.cut or person.area * FAR < largest:
                person.restart()
            elif person.stayed(now) or all(other.area * FAR < person.area for other in taking):
                person.taking = True
        firm = any(one.person.taking and one.person.whole for one in seen if one.person)
        for one in seen:
            # Who was shown for want of anybody else, and was never whole, no longer is.
            if firm and one.person is not None and not one.view.partial:
                one.person.taking = one.person.taking and one.person.whole

    def _part_from(self, now: int, sighting: Sighting) -> None:
        """Whoever has left the reach in which they appeared is nobody's part."""
        if not any(person.beside for person in self._people):
            return
        pairs = list(self._known(now, sighting.rect, sighting.grid))
        reaches = [one.reach for _, one in pairs if one.taking]
        for person, one in pairs:
            if person.beside and not any(half_within(one.box, reach) for reach in reaches):
                person.beside = False

    def _forget(self, now: int, looked_at: Sequence[Rect]) -> None:
        """Those who were to be seen, and have not been for too long."""
        if all(person.seen >= now for person in self._people):
            return
        seen = [Box(part.x, part.y, part.right, part.bottom) for part in looked_at]
        looked = [any(_within(person.box, part) for part in seen) for person in self._people]
        for person, was_looked_at in zip(self._people, looked, strict=True):
            if person.seen < now and was_looked_at:
                person.missed = True
        self._people = [
            person
            for person, was_looked_at in zip(self._people, looked, strict=True)
            if now - person.seen <= _GONE_NS or not was_looked_at
        ]


def _moved(person: _Person, known: Known, view: _View) -> bool:
    """Whether this may be them, somewhere else."""
    alike = 1 / _ALIKE <= view.area / max(person.area, 1.0) <= _ALIKE
    return alike and half_within(view.component.box, known.reach)


def _within(box: Box, other: Box) -> bool:
    """Whether half of a box lies in another."""
    across = min(box.right, other.right) - max(box.left, other.left)
    down = min(box.bottom, other.bottom) - max(box.top, other.top)
    return 2 * max(across, 0.0) * max(down, 0.0) >= box.width * box.height
